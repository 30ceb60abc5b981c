import { formatConfigPath } from "../../core/config-problem.ts";
import { toCondition } from "../condition.ts";
import { gateway } from "../kinds/gateway.ts";
import { gatewayClass } from "../kinds/gateway-class.ts";
import { isMap } from "../manifest.ts";
import { isPlatform } from "../options.ts";
import { byAge } from "../precedence.ts";
import type { Workspace } from "../workspace.ts";
import type { GatewayObject } from "./attachment.ts";
import { boundPort } from "./listener-faults.ts";

/* Names of gateway-api, pkg/features; in the order of the alphabet, as GatewayClassStatus.supportedFeatures has it. */
const supportedFeatures = [
  "Gateway",
  "GatewayHTTPListenerIsolation",
  "GatewayPort8080",
  "HTTPRoute",
  "HTTPRoute303RedirectStatusCode",
  "HTTPRoute307RedirectStatusCode",
  "HTTPRoute308RedirectStatusCode",
  "HTTPRouteBackendRequestHeaderModification",
  "HTTPRouteBackendTimeout",
  "HTTPRouteBackendURLRewrite",
  "HTTPRouteCORS",
  "HTTPRouteHostRewrite",
  "HTTPRouteMethodMatching",
  "HTTPRouteNamedRouteRule",
  "HTTPRouteParentRefPort",
  "HTTPRoutePathRedirect",
  "HTTPRoutePathRewrite",
  "HTTPRoutePortRedirect",
  "HTTPRouteQueryParamMatching",
  "HTTPRouteRequestMirror",
  "HTTPRouteRequestMultipleMirrors",
  "HTTPRouteRequestPercentageMirror",
  "HTTPRouteRequestTimeout",
  "HTTPRouteResponseHeaderModification",
  "HTTPRouteSchemeRedirect",
  "ReferenceGrant",
].map((name) => ({ name }));

/**
 * The Gateways that are this gateway's: those of the platform's namespaces, then the others, each the oldest first. In a folder a class that nobody defines is taken for this gateway's: what
 * stands there is meant to be served.
 */
export function ownGateways(workspace: Workspace): readonly GatewayObject[] {
  const { objects, options } = workspace;
  const own = objects.list(gateway).filter((object) => {
    const { gatewayClassName: name } = object.spec;
    const known = objects.get(gatewayClass, "", name);
    const { warn } = workspace.contextOf(object);
    const at = { path: ["spec", "gatewayClassName"] };
    if (known !== undefined) {
      const own = known.spec.controllerName === options.controllerName;
      if (!own && options.source === "folder")
        warn({ ...at, message: `${name} is a class of ${known.spec.controllerName}: this Gateway is left to that` });
      return own;
    }
    if (options.source === "cluster") return false;
    if (name !== options.className)
      warn({ ...at, message: `there is no GatewayClass ${name} here: taken for one of this gateway's` });
    return true;
  });
  const rank = ({ namespace }: GatewayObject) => (isPlatform(options, namespace) ? 0 : 1);
  return own.toSorted((a, b) => rank(a) - rank(b) || byAge(a, b));
}

/** Says of Gateways of this gateway's that cannot be honoured why: none of their listeners is served. */
export function reportRefusedGateways(workspace: Workspace): void {
  const { objects, options } = workspace;
  for (const { kind, namespace, name, manifest, problems } of objects.allRefused) {
    const className = isMap(manifest.spec) ? manifest.spec["gatewayClassName"] : undefined;
    const known = typeof className === "string" ? objects.get(gatewayClass, "", className) : undefined;
    if (kind !== gateway || known?.spec.controllerName !== options.controllerName) continue;
    const [{ path, message } = { path: [], message: "" }] = problems;
    const fault = { reason: "Invalid", message: `${formatConfigPath(path)}: ${message}` };
    workspace.contextOf({ kind, namespace, name, manifest }).status({
      addresses: [],
      conditions: ["Accepted", "Programmed"].map((type) => toCondition(type, fault, manifest.metadata)),
      listeners: [],
    });
  }
}

/** Says of every class of this gateway's that it is. */
export function reportClasses(workspace: Workspace): void {
  for (const object of workspace.objects.list(gatewayClass)) {
    const { controllerName, parametersRef } = object.spec;
    if (controllerName !== workspace.options.controllerName) continue;
    const { status, warn } = workspace.contextOf(object);
    const message = "this gateway has no parameters for a class: take parametersRef out";
    const fault = parametersRef === undefined ? undefined : { reason: "InvalidParameters", message };
    if (fault !== undefined) warn({ path: ["spec", "parametersRef"], message });
    status({
      conditions: [toCondition("Accepted", fault, object.metadata)],
      ...(fault === undefined && {
        supportedFeatures: supportedFeatures.filter(
          ({ name }) => name !== "GatewayPort8080" || boundPort(workspace.options, { port: 8_080 }) !== undefined,
        ),
      }),
    });
  }
}
