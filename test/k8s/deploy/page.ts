import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./manifests.ts";

export const readPage = (): string => readFileSync(join(root, "docs/kubernetes.md"), "utf8");

/** The commands of docs/kubernetes.md, block by block. */
export const shellBlocks = (): readonly string[] =>
  [...readPage().matchAll(/```sh\n(.*?)```/gs)].map(([, text = ""]) => text.trim());
