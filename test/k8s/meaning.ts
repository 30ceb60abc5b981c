import { mergePieces } from "../../src/k8s/config-pieces.ts";
import { createObjects, type ObjectSource } from "../../src/k8s/objects.ts";
import { defaultOptions, type TranslateOptions } from "../../src/k8s/options.ts";
import { formatConfigPath } from "../../src/core/config-problem.ts";
import { type ManifestProblem, parseManifests } from "../../src/k8s/read-manifests.ts";
import { translate } from "../../src/k8s/translate.ts";

const say = ({ path, message }: ManifestProblem) => `${formatConfigPath(path)}: ${message}`;

/** What manifests, as YAML, are translated to; `source`: as a folder holds them, or as an API server gave them. */
export function translated(text: string, source: ObjectSource = "folder", given: Partial<TranslateOptions> = {}) {
  const { manifests, problems: unread } = parseManifests(text, "test.yaml");
  if (unread.length > 0) throw new Error(unread.map(say).join("\n"));
  const { pieces, problems, warnings, statuses } = translate(createObjects(manifests, source), {
    ...defaultOptions,
    ...given,
    source,
  });
  const { value } = mergePieces({}, pieces);
  return {
    value,
    routes: (value["routes"] ?? {}) as Readonly<Record<string, Record<string, unknown>>>,
    problems: problems.map(say),
    warnings: warnings.map(say),
    statuses,
    statusOf: (kind: string, name: string) => statuses.find((each) => each.kind === kind && each.name === name)?.status,
  };
}
