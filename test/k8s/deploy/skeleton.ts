import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { k8s, type Manifest, parseManifests } from "./manifests.ts";

const folder = join(k8s, "platform/skeleton");

/** The skeleton as the Backstage template writes it with these values. */
export const fillSkeleton = (values: Readonly<Record<string, string>>): readonly Manifest[] =>
  readdirSync(folder).flatMap((name) =>
    parseManifests(
      readFileSync(join(folder, name), "utf8").replaceAll(
        /\$\{\{ values\.(\w+) \}\}/g,
        (_, key: string) => values[key] ?? "",
      ),
    ),
  );
