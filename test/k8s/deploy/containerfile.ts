import { readFileSync } from "node:fs";
import { join } from "node:path";
import { k8s, root } from "./manifests.ts";

/** One instruction after another of a stage, and what it begins with: another stage or an image. */
export interface Stage {
  readonly name: string;
  readonly from: string;
  readonly instructions: readonly (readonly [name: string, text: string])[];
}

/** The stages of k8s/Containerfile, in their order. */
export function readStages(): readonly Stage[] {
  const lines = readFileSync(join(k8s, "Containerfile"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const stages: { name: string; from: string; instructions: [string, string][] }[] = [];
  for (const line of lines) {
    const [, name = "", text = ""] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    if (name !== "FROM") stages.at(-1)?.instructions.push([name, text]);
    else {
      const [, from = "", as = ""] = /^(?:--platform=\S+ )?(\S+) AS (\S+)$/.exec(text) ?? [];
      stages.push({ name: as, from, instructions: [] });
    }
  }
  return stages;
}

/** The instructions of a stage and of those it begins with, and the image at the bottom. */
export function readStage(name: string): Stage {
  const stages = readStages();
  const stage = stages.find((one) => one.name === name);
  if (stage === undefined) throw new Error(`the Containerfile has no stage ${name}`);
  if (!stages.some((one) => one.name === stage.from)) return stage;
  const below = readStage(stage.from);
  return { name, from: below.from, instructions: [...below.instructions, ...stage.instructions] };
}

/** What .dockerignore lets into a build: top-level names. */
export const inContext = (): readonly string[] =>
  readFileSync(join(root, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("!"))
    .map((line) => line.slice(1));
