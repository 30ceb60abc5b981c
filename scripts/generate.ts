import { mkdirSync, writeFileSync } from "node:fs";
import { generatedFiles } from "./generated.ts";

for (const [path, text] of generatedFiles()) {
  const url = new URL(`../${path}`, import.meta.url);
  mkdirSync(new URL(".", url), { recursive: true });
  writeFileSync(url, text);
  console.log(`wrote ${path}`);
}
