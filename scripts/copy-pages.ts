import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/* The console's pages run in browsers, which the gateway serves them to from their sources: they are not compiled, and go along as they are. */
const [target = "dist"] = process.argv.slice(2);
const pages = "src/console/app";
cpSync(fileURLToPath(new URL(`../${pages}`, import.meta.url)), join(target, pages), {
  recursive: true,
  filter: (file) => !file.endsWith("tsconfig.json"),
});
