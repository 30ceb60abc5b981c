import type { ServedRoute } from "./attach/attachment.ts";
import { createServices } from "./backends/services.ts";
import type { ConfigPiece } from "./config-pieces.ts";
import { httpRoute } from "./kinds/http-route.ts";
import type { Objects } from "./objects.ts";
import type { TranslateOptions } from "./options.ts";
import { aiTargets, applyPolicies } from "./policies/apply-policies.ts";
import { policies } from "./policies/registry.ts";
import type { ManifestProblem } from "./read-manifests.ts";
import { resources } from "./resources/registry.ts";
import { translateResources } from "./resources/translate-resources.ts";
import { toRoute } from "./routes/to-route.ts";
import type { ObjectStatus } from "./status.ts";
import { createWorkspace } from "./workspace.ts";

/** What objects mean. */
export interface Translation {
  /** In the words of the configuration file; mergePieces adds them to one. */
  readonly pieces: readonly ConfigPiece[];
  /** Objects that are not honoured, and why: nothing of them is among the pieces. */
  readonly problems: readonly ManifestProblem[];
  readonly warnings: readonly ManifestProblem[];
  readonly statuses: readonly ObjectStatus[];
}

/** Makes configuration and conditions of objects. Pure: the same objects give the same translation. */
export function translate(objects: Objects, options: TranslateOptions): Translation {
  const workspace = createWorkspace(objects, options);
  const ai = aiTargets(workspace, policies);
  const served = objects.list(httpRoute).map((object): ServedRoute => ({
    object,
    name: `${object.namespace}/${object.name}`,
    gateways: [],
    ai: ai.has(object),
  }));
  const services = createServices(workspace);
  for (const route of served) {
    const { config, warn } = workspace.contextOf(route.object);
    config.set(["routes", route.name], toRoute(route, services, warn));
  }
  translateResources(workspace, resources, () => []);
  applyPolicies(workspace, policies, served);
  const { pieces, problems, warnings, statuses } = workspace;
  return { pieces: pieces.list(), problems, warnings, statuses };
}
