import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder of its own for one test, with these files in it; gone when the test is over. */
export function makeFolder(files: Readonly<Record<string, string>> = {}): { path: string; at(name: string): string } {
  const path = mkdtempSync(join(tmpdir(), "sallyport-config-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return { path, at: (name) => join(path, name) };
}
