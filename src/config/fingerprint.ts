import { type BigIntStats, statSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** What tells one state of some files from the next: path → identity, size and times of what lies there. */
export type Fingerprint = ReadonlyMap<string, string>;

const ENTRIES_LIMIT = 20_000;

function toState(found: BigIntStats): string {
  return found.isDirectory() ? "folder" : `${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
}

const toFailure = (error: unknown) => (error as NodeJS.ErrnoException).code ?? "unreadable";

/** The state of one file right now, as `fingerprint` gives it: for whoever reads the file next. */
export function stateOf(path: string): string {
  try {
    return toState(statSync(path, { bigint: true }));
  } catch (error) {
    return toFailure(error);
  }
}

async function look(path: string, into: Map<string, string>): Promise<void> {
  if (into.size >= ENTRIES_LIMIT) return;
  try {
    const state = toState(await stat(path, { bigint: true }));
    into.set(path, state);
    if (state === "folder") for (const name of (await readdir(path)).toSorted()) await look(join(path, name), into);
  } catch (error) {
    into.set(path, toFailure(error));
  }
}

/** The present state of these files and folders, symbolic links followed. A folder stands for everything in it. */
export async function fingerprint(paths: Iterable<string>): Promise<Fingerprint> {
  const found = new Map<string, string>();
  for (const path of new Set(paths)) await look(path, found);
  return found;
}

export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return a.size === b.size && [...a].every(([path, state]) => b.get(path) === state);
}
