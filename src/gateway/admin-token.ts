import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Config } from "../config/schema.ts";

/** Where the configuration says; else beside the state file, or in `data` where the state has no file. */
export function adminTokenFile({ baseDir, listen, state }: Pick<Config, "baseDir" | "listen" | "state">): string {
  const { tokenFile } = listen.console;
  if (tokenFile !== undefined) return resolve(baseDir, tokenFile);
  return join(state.kind === "sqlite" ? dirname(resolve(baseDir, state.file)) : join(baseDir, "data"), "admin-token");
}

/**
 * The operator's token for the admin API: made at first start, in a file that only the operator's account can read. It is not
 * kept with the state: who may read the file may administer this process.
 */
export function loadAdminToken(file: string): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST")) throw thrown;
  }
  const token = readFileSync(file, "utf8").trim();
  if (token.length < 32)
    throw new Error(`${file} does not hold an admin token: remove it, and a new one is made at the next start`);
  return token;
}
