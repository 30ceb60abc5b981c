import type { Attachment } from "../attach/attach-routes.ts";
import type { ServedRoute } from "../attach/attachment.ts";
import type { Backends } from "../backends/backends.ts";
import type { Fault } from "../condition.ts";
import { isPlatform } from "../options.ts";
import type { KubeObject } from "../parse-object.ts";
import type { Workspace } from "../workspace.ts";
import { reportRoute } from "./route-status.ts";
import { type ConfigRoute, toRoute } from "./to-route.ts";

/** On an HTTPRoute or its Gateway: `required` asks callers for a credential of this gateway's. */
const AUTH = "sallyport.dev/auth";

export interface ServedRoutes {
  readonly served: readonly ServedRoute[];
  /** The routes that name an object, such as a pool, as a backend. */
  readonly users: ReadonlyMap<KubeObject<unknown>, readonly ServedRoute[]>;
}

/** Puts the routes that a listener takes into the configuration, and says what became of each. */
export function serveRoutes(
  workspace: Workspace,
  attachments: readonly Attachment[],
  backends: Backends,
  aiTargets: ReadonlySet<KubeObject<unknown>>,
): ServedRoutes {
  const served: ServedRoute[] = [];
  const users = new Map<KubeObject<unknown>, ServedRoute[]>();
  for (const attachment of attachments) {
    const asked = toServed(workspace, attachment, aiTargets);
    const made = toRoute(asked, backends);
    const route: ServedRoute = { ...asked, unread: made.unread };
    report(workspace, attachment, made);
    /* Nobody has taken it, or what has is not served: it is looked at for its conditions alone. */
    if (route.gateways.length === 0 && !attachment.main) continue;
    served.push(route);
    for (const object of made.resources) users.set(object, [...(users.get(object) ?? []), route]);
    if (route.listeners?.length === 0) continue;
    for (const { entry, as } of made.services) backends.use(entry, as, route.object.manifest);
    workspace.contextOf(route.object).config.set(["routes", route.name], made.value, made.locate);
  }
  return { served, users };
}

function toServed(
  workspace: Workspace,
  { route, parents, main }: Attachment,
  aiTargets: ReadonlySet<KubeObject<unknown>>,
): Omit<ServedRoute, "unread"> {
  const gateways = [...new Set(parents.filter(({ fault }) => fault === undefined).map(({ gateway }) => gateway))];
  const attached = parents.flatMap((parent) =>
    parent.listeners.flatMap(({ gateway, spec: { name }, serves }) =>
      serves === undefined ? [] : [{ gateway, name, listener: serves }],
    ),
  );
  const names = attached.map(({ listener }) => listener);
  const listeners = [...new Set(main ? [...names, "main"] : names)];
  const asked = [route, ...gateways].map(({ metadata, manifest }) => ({ manifest, value: metadata.annotations[AUTH] }));
  for (const { value } of asked)
    if (value !== undefined && value !== "required" && value !== "optional")
      workspace.contextOf(route).warn({
        path: ["metadata", "annotations", AUTH],
        message: `${AUTH} is "required" or "optional", not "${value}": taken for required`,
      });
  return {
    object: route,
    name: `${route.namespace}/${route.name}`,
    gateways,
    listeners: listeners.length === 1 && main ? undefined : listeners,
    attached,
    platform: isPlatform(workspace.options, route.namespace),
    ai: aiTargets.has(route),
    auth: asked.every(({ value }) => value === undefined || value === "optional") ? "optional" : "required",
  };
}

function report(workspace: Workspace, attachment: Attachment, { faults, services }: ConfigRoute): void {
  const { warn } = workspace.contextOf(attachment.route);
  for (const { path, fault } of faults) warn({ path, message: fault.message });
  if (workspace.options.source === "folder")
    for (const { entry, path } of services)
      if (entry.unknown)
        warn({
          path,
          message: `nothing here says where Service ${entry.name} is, so it is answered 503: say --backend ${backendName(entry.name)}=URL`,
        });
  const first: Fault | undefined = faults[0]?.fault;
  reportRoute(workspace, attachment, first);
}

/* `NAMESPACE/NAME:PORT` as --backend takes it. */
function backendName(entry: string): string {
  const [namespace, rest = ""] = entry.split("/");
  return `${rest.slice(0, rest.lastIndexOf(":"))}.${namespace}`;
}
