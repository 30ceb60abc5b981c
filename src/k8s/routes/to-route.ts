import type { ConfigPath } from "../../core/config-problem.ts";
import type { ServedRoute } from "../attach/attachment.ts";
import type { Backends } from "../backends/backends.ts";
import type { ServiceEntry, ServiceUse } from "../backends/services.ts";
import type { Fault } from "../condition.ts";
import type { JsonMap } from "../manifest.ts";
import type { BackendRef, RuleSpec } from "../kinds/http-route.ts";
import type { FilterSpec } from "../kinds/http-route-filter.ts";
import type { KubeObject } from "../parse-object.ts";
import { toConfigDuration } from "./durations.ts";
import { type ConfigFilters, toFilters } from "./filters.ts";
import { toMatch } from "./matches.ts";

/** A route in the words of `routes`, and what it needs. */
export interface ConfigRoute {
  readonly value: JsonMap;
  /** References that lead nowhere: their share of the requests is answered 500. */
  readonly faults: readonly { readonly path: ConfigPath; readonly fault: Fault }[];
  readonly services: readonly { readonly entry: ServiceEntry; readonly path: ConfigPath; readonly as: ServiceUse }[];
  readonly resources: readonly KubeObject<unknown>[];
  readonly unread: ServedRoute["unread"];
  /** The place in the object of what stands in `value`. */
  locate(path: ConfigPath): ConfigPath;
}

/** Translates one route. */
export function toRoute(
  { object, platform, ai, listeners, auth }: Omit<ServedRoute, "unread">,
  backends: Backends,
): ConfigRoute {
  const { spec, namespace, metadata } = object;
  const faults: { path: ConfigPath; fault: Fault }[] = [];
  const services: { entry: ServiceEntry; path: ConfigPath; as: ServiceUse }[] = [];
  const resources: KubeObject<unknown>[] = [];
  const filterIndexes: (readonly number[])[] = [];
  let ordinary = false;

  const filtersAt = (list: readonly FilterSpec[], at: ConfigPath): ConfigFilters =>
    toFilters(list, {
      mirror(ref, index) {
        const path = [...at, index, "requestMirror", "backendRef"];
        const found = backends.find(ref, object);
        if (found.is === "service") {
          services.push({ entry: found.entry, path, as: "service" });
          return found.entry.name;
        }
        const fault =
          found.is === "fault"
            ? found.fault
            : {
                reason: "InvalidKind",
                message: `requests are not copied to a ${ref.kind}: each would cost what the call does`,
              };
        faults.push({ path, fault });
        return undefined;
      },
      extension({ group, kind, name }, index) {
        const message = `filters of ${kind}${group === "" ? "" : ` of ${group}`} (${name}) are not known here: requests of this rule are answered 500`;
        faults.push({ path: [...at, index, "extensionRef"], fault: { reason: "InvalidKind", message } });
        return undefined;
      },
    });

  const toBackend = (ref: BackendRef, at: ConfigPath, model: boolean) => {
    const { weight, filters: list = [] } = ref;
    const unresolved = (message: string) => ({ unresolved: message, weight });
    const found = backends.find(ref, object);
    if (found.is === "fault") {
      faults.push({ path: at, fault: found.fault });
      return unresolved(found.fault.message);
    }
    const { filters, broken } = filtersAt(list, [...at, "filters"]);
    if (broken) return unresolved("a filter of it is not known here");
    const edits = filters.length > 0 ? { filters } : {};
    if (found.is === "resource") {
      resources.push(found.object);
      return { ...found.to, weight, ...edits };
    }
    const as = model ? "pool" : "service";
    services.push({ entry: found.entry, path: at, as });
    ordinary ||= !model;
    return { [as]: found.entry.name, weight, ...edits };
  };

  const toRule = (rule: RuleSpec, index: number) => {
    const { matches, backendRefs = [], timeouts = {} } = rule;
    const at = ["spec", "rules", index];
    const { filters, indexes, broken } = filtersAt(rule.filters ?? [], [...at, "filters"]);
    filterIndexes.push(indexes);
    /* Servers of models stand beside pools as pools: what comes by the rule is a call of a model then. */
    const model = ai || backendRefs.some((ref) => backends.find(ref, object).is === "resource");
    const to = backendRefs.map((ref, number) => toBackend(ref, [...at, "backendRefs", number], model));
    const { request, backendRequest } = timeouts;
    return {
      ...(rule.name !== undefined && { name: rule.name }),
      match: matches.map(toMatch),
      ...(broken
        ? { to: [{ unresolved: "a filter of this rule is not known here" }] }
        : { ...(filters.length > 0 && { filters }), to }),
      ...((request ?? backendRequest) !== undefined && {
        timeouts: {
          ...(request !== undefined && { request: toConfigDuration(request) }),
          ...(backendRequest !== undefined && { backend: toConfigDuration(backendRequest) }),
        },
      }),
    };
  };

  const value = {
    ...(listeners !== undefined && { listeners }),
    ...(spec.hostnames !== undefined && spec.hostnames.length > 0 && { hosts: spec.hostnames }),
    ...(!platform && { yields: true }),
    auth,
    tenant: namespace,
    ...(metadata.creationTimestamp !== undefined && { created: metadata.creationTimestamp }),
    rules: spec.rules.map(toRule),
  };
  const models = resources.length > 0 || services.some(({ as }) => as === "pool");
  const unread = ordinary ? (models ? "some" : "all") : "nothing";
  return { value, faults, services, resources, unread, locate: (path) => toManifestPath(path, filterIndexes) };
}

const names: Readonly<Record<string, string>> = { match: "matches", to: "backendRefs", timeouts: "timeouts" };

function toManifestPath(path: ConfigPath, filterIndexes: readonly (readonly number[])[]): ConfigPath {
  const [branch, rule, part, index] = path;
  if (branch === "hosts") return ["spec", "hostnames", ...path.slice(1, 2)];
  if (branch !== "rules" || typeof rule !== "number") return ["spec"];
  const at = ["spec", "rules", rule];
  if (part === "filters" && typeof index === "number") return [...at, "filters", filterIndexes[rule]?.[index] ?? index];
  const name = typeof part === "string" ? names[part] : undefined;
  return name === undefined ? at : [...at, name, ...(typeof index === "number" ? [index] : [])];
}
