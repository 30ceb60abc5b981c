import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import type { Log } from "../../core/log.ts";

/** A counter as it was kept. */
export interface Saved {
  readonly windowStartMs: number;
  readonly spent: number;
  readonly debt: number;
}

export interface SavedAs extends Saved {
  readonly name: string;
  /** When nobody needs it any more; undefined: never. */
  readonly expiresAtMs: number | undefined;
}

/** What was booked since the store was last written. */
export interface KeptTail {
  /** How long the file is; about. */
  readonly bytes: number;
  /** What a former process left. */
  readonly left: readonly SavedAs[];
  /** With the operating system when it returns: a process that is killed then has lost nothing of it. */
  append(counters: readonly SavedAs[]): void;
  /** The store has all of it. */
  clear(): void;
  close(): void;
}

type Line = readonly [name: string, windowStartMs: number, spent: number, debt: number, expiresAtMs: number | null];

/**
 * Opens the file, which a write to costs 2 µs where a transaction of the store costs 30. A file that cannot be written is told to the
 * log: what is booked is then with the store a few milliseconds later.
 */
export function openKeptTail(file: string, log: Log): KeptTail {
  const fd = openSync(file, "a+", 0o600);
  const left = readFileSync(fd, "utf8").split("\n").flatMap(parseLine);
  let isWhole = true;
  let bytes = left.length;

  return {
    left,
    get bytes() {
      return bytes;
    },
    append(counters) {
      let text = "";
      for (const { name, windowStartMs, spent, debt, expiresAtMs = null } of counters) {
        const line: Line = [name, windowStartMs, spent, debt, expiresAtMs];
        /* Before it, not behind: a line that was cut short by a full disk spoils none that follows. */
        text += `\n${JSON.stringify(line)}`;
      }
      bytes += text.length;
      try {
        writeSync(fd, text);
        isWhole = true;
      } catch (error) {
        if (isWhole) log.error({ error, file }, "what budgets have spent could not be noted; a crash may forget it");
        isWhole = false;
      }
    },
    clear() {
      if (bytes > 0) ftruncateSync(fd);
      bytes = 0;
    },
    close: () => closeSync(fd),
  };
}

function parseLine(text: string): readonly SavedAs[] {
  try {
    const line: unknown = JSON.parse(text);
    if (!Array.isArray(line) || line.length !== 5) return [];
    const [name, windowStartMs, spent, debt, expiresAtMs] = line as unknown as Line;
    return [{ name, windowStartMs, spent, debt, expiresAtMs: expiresAtMs ?? undefined }];
  } catch {
    return [];
  }
}

/** Of two records of one counter, the one that knows more: within a window what was booked only grows. */
export const later = <One extends Saved>(one: One, other: One): One =>
  one.windowStartMs === other.windowStartMs
    ? one.spent + one.debt >= other.spent + other.debt
      ? one
      : other
    : one.windowStartMs > other.windowStartMs
      ? one
      : other;
