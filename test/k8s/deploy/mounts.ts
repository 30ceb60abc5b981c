import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Files as the kubelet mounts them: each a link through `..data`, which is a link to the folder of this version. */
export function mountFiles(folder: string, files: Readonly<Record<string, string>>): void {
  const version = "..2026_11_23_00_00_00.1";
  mkdirSync(join(folder, version), { recursive: true });
  symlinkSync(version, join(folder, "..data"));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, version, name), text, { mode: 0o444 });
    symlinkSync(join("..data", name), join(folder, name));
  }
  for (const path of [join(folder, version), folder]) chmodSync(path, 0o555);
}

/** Secrets as docs/kubernetes.md makes them: 24 random bytes in hexadecimal each. */
export const makeSecrets = (keys: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(keys.map((key) => [key, randomBytes(24).toString("hex")]));
