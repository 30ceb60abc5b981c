import { attachRoutes } from "./attach/attach-routes.ts";
import { ownGateways, reportClasses, reportRefusedGateways } from "./attach/classes.ts";
import { reportGateways } from "./attach/gateway-status.ts";
import { planListeners } from "./attach/listeners.ts";
import { createPlatformHosts } from "./attach/platform-hosts.ts";
import { createBackends } from "./backends/backends.ts";
import { reportTlsPolicies } from "./backends/tls-policies.ts";
import type { ConfigPiece } from "./config-pieces.ts";
import type { Objects } from "./objects.ts";
import type { TranslateOptions } from "./options.ts";
import { aiTargets, applyPolicies } from "./policies/apply-policies.ts";
import { closeUnknown } from "./policies/close-unknown.ts";
import { policies } from "./policies/registry.ts";
import type { ManifestProblem } from "./read-manifests.ts";
import { resources } from "./resources/registry.ts";
import { translateResources } from "./resources/translate-resources.ts";
import { reportRefusedRoutes } from "./routes/route-status.ts";
import { serveRoutes } from "./routes/serve-routes.ts";
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
  reportClasses(workspace);
  const gateways = ownGateways(workspace);
  const platformHosts = createPlatformHosts(options);
  const { listeners, taken } = planListeners(workspace, gateways, platformHosts);
  const attachments = attachRoutes(workspace, listeners, platformHosts, taken);
  const backends = createBackends(workspace, resources);
  const { served, users } = serveRoutes(workspace, attachments, backends, aiTargets(workspace, policies));
  translateResources(workspace, resources, (object) => users.get(object) ?? []);
  applyPolicies(workspace, policies, served);
  closeUnknown(workspace, served);
  reportTlsPolicies(workspace, served);
  reportRefusedGateways(workspace);
  reportGateways(workspace, gateways, listeners, attachments);
  reportRefusedRoutes(workspace, gateways);
  const { pieces, problems, warnings, statuses } = workspace;
  return { pieces: pieces.list(), problems, warnings, statuses };
}
