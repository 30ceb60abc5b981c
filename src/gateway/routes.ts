import { GatewayError } from "../core/errors.ts";
import type { CanonicalRequest, Route } from "../core/exchange.ts";
import type { Protocol } from "../core/operation.ts";
import { type HostCheck, parseHost } from "../http/host.ts";
import { MAIN } from "../http/listeners-config.ts";
import type { ServiceRoutes } from "../services/rule-route.ts";

/** What the table needs to know of a configuration. */
export interface RouteSettings {
  readonly publicUrl: URL;
  /** The audience that is good for every route; tokens may also name one route's own address. */
  readonly audience: string;
  /** Whether callers without a credential are let in as the anonymous principal. */
  readonly anonymous: boolean;
  readonly mcpPaths: readonly string[];
  /** Undefined when no agents are configured at all. */
  readonly agents: readonly string[] | undefined;
  readonly models: boolean;
  /** Whether agent cards are shown to callers without a credential. */
  readonly publicCards: boolean;
  readonly bodyLimitBytes: Readonly<Record<Protocol, number>>;
  /** The one of `listen`. */
  readonly main: OwnPaths;
  /** Those beside it. */
  readonly listeners: readonly (OwnPaths & { readonly name: string })[];
}

/** Whether a listener serves the paths of the table too. */
export interface OwnPaths {
  readonly own: boolean;
  /** Whether it does so for this Host header. */
  readonly answersOwn: HostCheck;
  /** Whether it is on the port of `listen`. */
  readonly sharesMain: boolean;
  /** Whether this Host header is one of `publicUrl` or `listen.allowedHosts`. */
  readonly isOwnHost: HostCheck;
}

interface RouteRow {
  /** The paths this row stands for. */
  readonly paths: (settings: RouteSettings) => readonly string[];
  /** `exact`: this path only. `subtree`: this path and all below it. */
  readonly match: "exact" | "subtree";
  readonly serves: Protocol | "control";
  readonly methods: readonly string[];
  /** The resource a token for this row names, where it is not the path itself. */
  readonly resource?: (path: string) => string;
  /** Whether callers without a credential are let in. */
  readonly open?: () => boolean;
}

const cardPath = "/.well-known/agent-card.json";
const oldCardPath = "/.well-known/agent.json";

/**
 * Every path of the public listener. `control` goes to Express; everything else takes the journey of `steps.ts`.
 * Unknown agents and models fall under their protocol's subtree, so that they look like those a caller may not see.
 */
// oxfmt-ignore
export const routeTable: readonly RouteRow[] = [
  { serves: "mcp",     match: "exact",   methods: ["POST", "GET", "DELETE"], paths: ({ mcpPaths }) => mcpPaths },
  { serves: "a2a",     match: "exact",   methods: ["GET"],                   paths: (settings) => knownAgents(settings).flatMap((name) => [`/a2a/${name}${cardPath}`, `/a2a/${name}${oldCardPath}`]), resource: agentOf, open: () => true },
  { serves: "a2a",     match: "subtree", methods: ["POST", "GET"],           paths: (settings) => knownAgents(settings).map((name) => `/a2a/${name}`) },
  { serves: "a2a",     match: "subtree", methods: ["POST", "GET"],           paths: ({ agents }) => (agents === undefined ? [] : ["/a2a"]) },
  { serves: "llm",     match: "subtree", methods: ["POST", "GET"],           paths: ({ models }) => (models ? ["/v1"] : []) },
  { serves: "control", match: "subtree", methods: [],                        paths: () => ["/.well-known"] },
  { serves: "control", match: "subtree", methods: [],                        paths: () => ["/oauth"] },
];

/**
 * Agents that have a resource of their own. Where cards are not public, names are not either: all agents are then one resource. Longer
 * names come first: `team-a/writer` lies below `team-a`.
 */
function knownAgents({ agents = [], publicCards }: RouteSettings): readonly string[] {
  return publicCards ? agents.toSorted((a, b) => b.length - a.length) : [];
}

function agentOf(path: string): string {
  return path.slice(0, path.indexOf("/.well-known/"));
}

/** Finds the route of a request. */
export interface Routes {
  /** Those of the table: each is a resource that tokens may be meant for. */
  readonly all: readonly Route[];
  /** The route, `control` for the control plane, or undefined for what nobody serves. */
  match(request: CanonicalRequest): Route | "control" | undefined;
  /** The row of the table that a path falls under, whatever else there is about the request. */
  matchPath(path: string): Route | "control" | undefined;
  /** Whether a route to services names the host of this Host header. */
  servesHost(header: string): boolean;
}

/** Builds the routes of one configuration; done once per epoch. `services`: what was configured to go to them, by listener. */
export function createRoutes(
  settings: RouteSettings,
  services: ReadonlyMap<string, ServiceRoutes> = new Map(),
): Routes {
  const exact = new Map<string, Route>();
  const subtrees: { readonly path: string; readonly to: Route | "control" }[] = [];
  const all: Route[] = [];
  for (const row of routeTable) {
    for (const path of row.paths(settings)) {
      if (row.serves === "control") {
        subtrees.push({ path, to: "control" });
        continue;
      }
      const route = toRoute(row, row.serves, path, settings);
      all.push(route);
      if (row.match === "exact") exact.set(path, route);
      else subtrees.push({ path, to: route });
    }
  }
  const matchPath = (path: string): Route | "control" | undefined => {
    const route = exact.get(path);
    if (route !== undefined) return route;
    for (const subtree of subtrees) if (isUnder(path, subtree.path)) return subtree.to;
    return undefined;
  };
  const onMain = services.get(MAIN);
  const matchMain = matchOn(settings.main, onMain, matchPath);
  const elsewhere = new Map(
    settings.listeners.map((each) => [each.name, matchOn(each, services.get(each.name), matchPath)]),
  );
  return {
    all,
    matchPath,
    match:
      elsewhere.size === 0
        ? matchMain
        : (request) =>
            request.listener === undefined ? matchMain(request) : elsewhere.get(request.listener.name)?.(request),
    servesHost(header) {
      const name = onMain === undefined ? undefined : parseHost(header)?.name;
      return name !== undefined && onMain?.knows(name) === true;
    },
  };
}

function matchOn(
  listener: OwnPaths,
  services: ServiceRoutes | undefined,
  matchPath: Routes["matchPath"],
): Routes["match"] {
  const { own, sharesMain, isOwnHost } = listener;
  const matchOthers = matchAnyHost(listener, services, matchPath);
  if (own && services === undefined) return matchOthers;
  const answered = own || sharesMain;
  return (request) => {
    if (!isOwnHost(request.host)) return matchOthers(request);
    const ofGateway = matchPath(request.path);
    if (ofGateway === undefined) {
      const open = isReserved(request.path) ? services?.firm : services;
      return open?.byHost(request) ?? open?.byPath(request);
    }
    // Whoever answers these under the gateway's name is handed codes and tokens of its callers: no route may.
    if (ofGateway === "control") return answered ? ofGateway : undefined;
    return services?.firm.byHost(request) ?? (answered ? ofGateway : services?.firm.byPath(request));
  };
}

/** What answers a request whose host is none of the gateway's own. */
function matchAnyHost(
  { own, answersOwn }: OwnPaths,
  services: ServiceRoutes | undefined,
  matchPath: Routes["matchPath"],
): Routes["match"] {
  if (!own) return (request) => services?.byHost(request) ?? services?.byPath(request);
  return (request) => {
    const ofHost = services?.byHost(request);
    if (ofHost !== undefined) return ofHost;
    const ofGateway = matchPath(request.path);
    if (ofGateway !== undefined && answersOwn(request.host)) return ofGateway;
    const rest = services?.byPath(request);
    if (rest !== undefined || ofGateway === undefined) return rest;
    throw new GatewayError(
      "misdirected",
      "The gateway's own paths are not served for the host in the Host header. Its operator can add one under listen.allowedHosts.",
    );
  };
}

/* What is taken out of the configuration for a while must not be answered by a stranger meanwhile, who is sent its credentials. */
const reserved = ["/mcp", "/a2a", "/v1"];
const isReserved = (path: string): boolean => reserved.some((root) => isUnder(path, root));

function isUnder(path: string, root: string): boolean {
  return path.startsWith(root) && (path.length === root.length || path.charCodeAt(root.length) === 0x2f);
}

function toRoute(row: RouteRow, protocol: Protocol, path: string, settings: RouteSettings): Route {
  const resource = resourceUrl(settings.publicUrl, row.resource?.(path) ?? path);
  return {
    path,
    protocol,
    audiences: [resource, settings.audience],
    methods: row.methods,
    authentication: settings.anonymous || row.open?.() === true ? "optional" : "required",
    bodyLimitBytes: settings.bodyLimitBytes[protocol],
  };
}

/** A resource identifier has no trailing slash (RFC 8707; MCP 2026-07-28, authorization). */
function resourceUrl(publicUrl: URL, path: string): string {
  return publicUrl.href.replace(/\/$/, "") + path;
}
