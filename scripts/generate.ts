import { writeFileSync } from "node:fs";
import { generatedFiles } from "./generated.ts";

for (const [path, text] of generatedFiles()) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text);
  console.log(`wrote ${path}`);
}
