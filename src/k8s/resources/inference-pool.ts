import { nearest } from "../../core/nearest.ts";
import type { GatewayObject } from "../attach/attachment.ts";
import { isUsable, originOf } from "../backends/endpoints.ts";
import { conditionsOf } from "../condition.ts";
import { pod, service } from "../kinds/core.ts";
import { inferencePool, type InferencePoolSpec, oldInferencePool } from "../kinds/inference-pool.ts";
import type { Kind } from "../kinds/define-kind.ts";
import { defineResource, type ResourceContext } from "./define-resource.ts";

type Context = ResourceContext<InferencePoolSpec>;

const ENGINE = "sallyport.dev/engine";
const engines = ["vllm", "sglang", "tensorrt-llm"];
/* As many as a pool may have in the configuration. */
const MOST_ENDPOINTS = 128;

const definitionOf = (kind: Kind<InferencePoolSpec>) =>
  defineResource<InferencePoolSpec>({
    kind,
    backend: ({ namespace, name }) => ({ pool: `${namespace}/${name}` }),
    translate: (contexts) => contexts.forEach(translatePool),
  });

export const inferencePoolResource = definitionOf(inferencePool);
export const oldInferencePoolResource = definitionOf(oldInferencePool);

function translatePool(context: Context): void {
  const { object, config, warn } = context;
  const { namespace, name, metadata, spec } = object;
  const engine = metadata.annotations[ENGINE] ?? "vllm";
  if (!engines.includes(engine)) {
    const near = nearest(engine, engines);
    const message = `one of ${engines.join(", ")}${near === undefined ? "" : `; did you mean ${near}?`}`;
    return turnAway(context, { path: ["metadata", "annotations", ENGINE], message });
  }
  if (spec.appProtocol !== "http")
    return turnAway(context, {
      path: ["spec", "appProtocol"],
      message: "model servers are asked over HTTP/1.1: write `http`",
    });
  const { found, refused } = endpointsOf(context);
  if (found.length > MOST_ENDPOINTS)
    warn({ path: ["spec", "selector"], message: `${found.length} servers: the first ${MOST_ENDPOINTS} are asked` });
  config.set(["pools", `${namespace}/${name}`], { engine, endpoints: found.slice(0, MOST_ENDPOINTS) });
  const left =
    refused.length === 0
      ? undefined
      : `not asked: ${refused.slice(0, 3).join(", ")}, of the gateway's own machine or link, which namespaces under kubernetes.platformNamespaces alone may have`;
  if (left !== undefined) warn({ path: ["spec", "selector"], message: left });
  context.status({ parents: parentsOf(context, resolution(context), { left }) });
}

interface Endpoints {
  readonly found: readonly string[];
  /** Addresses of pods that are not asked. */
  readonly refused: readonly string[];
}

/* Where the pool's servers are: as `--backend` says, or each ready pod of its labels at each port. */
function endpointsOf({ object, objects, options, warn }: Context): Endpoints {
  const { namespace, name, spec } = object;
  const given = options.backends.get(`${name}.${namespace}`);
  if (given !== undefined) return { found: given, refused: [] };
  const labels = Object.entries(spec.selector.matchLabels);
  const matching = objects
    .list(pod, namespace)
    .filter(({ metadata }) => labels.every(([label, value]) => metadata.labels[label] === value));
  const addresses = matching
    .filter(({ spec: { metadata, status } }) => isReady(status) && metadata.deletionTimestamp == null)
    .flatMap(({ spec: { status } }) => (status.podIP ? [status.podIP] : []));
  const [usable = [], refused = []] = [true, false].map((is) =>
    addresses.filter((address) => isUsable(options, namespace, address) === is),
  );
  const found = usable.flatMap((address) => spec.targetPorts.map(({ number }) => originOf(address, number)));
  if (addresses.length === 0 && options.source === "folder")
    warn({
      path: ["spec", "selector"],
      message: `the servers of this pool are not here, and until they are its callers get 503: say where with --backend ${name}.${namespace}=http://HOST:PORT[,http://HOST:PORT]`,
    });
  return { found: [...new Set(found)], refused };
}

interface PodStatus {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[] | undefined;
}

const isReady = ({ conditions = [] }: PodStatus) =>
  conditions.some(({ type, status }) => type === "Ready" && status === "True");

/* A picker that is named is not asked: this gateway picks by itself. Whether it is there is told all the same. */
function resolution({ object, objects, options, warn }: Context): string | undefined {
  const { namespace, spec } = object;
  const picker = spec.endpointPickerRef;
  if (picker === undefined) return undefined;
  const path = ["spec", "endpointPickerRef" in (object.manifest.spec as object) ? "endpointPickerRef" : "extensionRef"];
  warn({ path, message: `${picker.name} is not asked: this gateway's own picker chooses among the pool's servers` });
  if (picker.group !== "" || picker.kind !== "Service")
    return `a picker is a Service, not ${picker.kind} of ${picker.group || "the core group"}`;
  if (options.source === "folder" || objects.get(service, namespace, picker.name) !== undefined) return undefined;
  return `there is no Service ${picker.name}; this gateway's own picker chooses all the same`;
}

interface Shortcoming {
  /** Why it is not served. */
  readonly unsupported?: string;
  /** What is left out of it. */
  readonly left?: string | undefined;
}

function parentsOf(
  { object, usedBy, options }: Context,
  unresolved: string | undefined,
  { unsupported, left }: Shortcoming,
) {
  const condition = conditionsOf(object.metadata.generation);
  const conditions = [
    unsupported === undefined
      ? condition("Accepted", "True", "Accepted", `The pool is served${left === undefined ? "." : `; ${left}.`}`)
      : condition("Accepted", "False", "NotSupportedByParent", unsupported),
    unresolved === undefined
      ? condition("ResolvedRefs", "True", "ResolvedRefs", "All references are resolved.")
      : condition("ResolvedRefs", "False", "InvalidExtensionRef", unresolved),
  ];
  return gatewaysOf(usedBy).map(({ kind, name, namespace }) => ({
    parentRef: { group: kind.group, kind: kind.kind, name, namespace },
    controllerName: options.controllerName,
    conditions,
  }));
}

function gatewaysOf(routes: Context["usedBy"]): readonly GatewayObject[] {
  return [...new Set<GatewayObject>(routes.flatMap(({ gateways }) => gateways))];
}

/* In a cluster the rest goes on: routes find it, and nobody in it. */
function turnAway(context: Context, remark: Parameters<Context["refuse"]>[0]): void {
  const { object, options, config } = context;
  if (options.source === "folder") context.refuse(remark);
  else {
    context.warn(remark);
    config.set(["pools", `${object.namespace}/${object.name}`], { engine: "vllm", endpoints: [] });
  }
  context.status({ parents: parentsOf(context, undefined, { unsupported: remark.message }) });
}
