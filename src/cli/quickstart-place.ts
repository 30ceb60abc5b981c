import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** What this program was compiled to, when it was: `dist` lies in the checkout. */
const compiled = import.meta.filename.endsWith(".js");

/** The folder that holds the samples: this checkout. */
export const checkout = resolve(import.meta.dirname, compiled ? "../../.." : "../..");

/** This program, to run in a process of its own. */
export const program = resolve(import.meta.dirname, compiled ? "../main.js" : "../main.ts");

/** Where the quickstart keeps its state unless told otherwise. */
export const defaultDataDir = join(checkout, "data");

const DEFAULT_URL = "http://127.0.0.1:4001";

const addressFile = (dataDir: string): string => join(dataDir, "admin-url");

/** Notes where a quickstart's admin API is: it may have been started on any port. */
export function noteQuickstart(dataDir: string, adminUrl: string): void {
  writeFileSync(addressFile(dataDir), `${adminUrl}\n`, { mode: 0o600 });
}

/** Where the admin API of the quickstart with this data folder is, or was when it last ran. */
export function quickstartPlace(dataDir: string = defaultDataDir): {
  readonly url: string;
  readonly tokenFile: string;
} {
  return { url: readAddress(dataDir), tokenFile: join(dataDir, "admin-token") };
}

function readAddress(dataDir: string): string {
  try {
    return readFileSync(addressFile(dataDir), "utf8").trim();
  } catch {
    return DEFAULT_URL;
  }
}
