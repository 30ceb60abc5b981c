import { type BigIntStats, readdirSync, statSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** What tells one state of some files from the next: path → identity, size and times of what lies there. */
export type Fingerprint = ReadonlyMap<string, string>;

const ENTRIES_LIMIT = 20_000;

function toState(found: BigIntStats): string {
  return found.isDirectory() ? "folder" : `${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
}

const toFailure = (error: unknown) => (error as NodeJS.ErrnoException).code ?? "unreadable";

/* What is hidden is nobody's to read: the links of a mounted ConfigMap, a repository. */
const listed = (names: readonly string[]) =>
  `folder ${names
    .filter((name) => !name.startsWith("."))
    .toSorted()
    .join("/")}`;

/** The state of one file, or the names in one folder, right now, as `fingerprint` gives it: for whoever reads it next. */
export function stateOf(path: string): string {
  try {
    const found = statSync(path, { bigint: true });
    return found.isDirectory() ? listed(readdirSync(path)) : toState(found);
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

async function stateNow(path: string): Promise<string> {
  try {
    const found = await stat(path, { bigint: true });
    return found.isDirectory() ? listed(await readdir(path)) : toState(found);
  } catch (error) {
    return toFailure(error);
  }
}

/**
 * The present state, symbolic links followed, of `wholes`, of which a folder stands for everything in it, and of `single` files and
 * folders, each by itself.
 */
export async function fingerprint(wholes: Iterable<string>, single: Iterable<string> = []): Promise<Fingerprint> {
  const found = new Map<string, string>();
  for (const path of new Set(wholes)) await look(path, found);
  for (const path of new Set(single)) found.set(path, await stateNow(path));
  return found;
}

export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return a.size === b.size && [...a].every(([path, state]) => b.get(path) === state);
}
