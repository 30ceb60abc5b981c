import { configJsonSchema } from "../src/config/json-schema.ts";
import { celReference } from "./cel-reference.ts";
import { crdFiles } from "../src/k8s/crds.ts";
import { configReference } from "./config-reference.ts";
import { errorReference } from "./error-reference.ts";
import { migrateReference } from "./migrate-reference.ts";

/** Every file that is written from code: its path from the root of the repository, and its text. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const crds = [...crdFiles()];
  return new Map([
    ["docs/sallyport.schema.json", `${JSON.stringify(configJsonSchema(), null, 2)}\n`],
    ["docs/config.md", configReference()],
    ["docs/cel-variables.md", celReference()],
    ["docs/errors.md", errorReference()],
    ["docs/migrate.md", migrateReference()],
    ...crds.map(([file, text]) => [`k8s/crds/${file}`, text] as const),
    /* Helm applies every file of this folder. */
    ...crds
      .filter(([, text]) => text.includes("kind: CustomResourceDefinition"))
      .map(([file, text]) => [`k8s/chart/crds/${file}`, text] as const),
  ]);
}
