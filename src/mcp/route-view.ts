import { createHash } from "node:crypto";
import type { Log } from "../core/log.ts";
import type { Operation } from "../core/operation.ts";
import { splice } from "../http/json-splice.ts";
import type { Catalog, Item, Listing } from "./catalog.ts";
import type { McpRouteConfig } from "./config.ts";
import { lists } from "./operations.ts";
import type { ListKind } from "./operations.ts";
import type { McpServer } from "./upstreams/server.ts";

/** Model APIs take tool names of up to 64 characters. */
const NAME_LIMIT = 64;
const SEPARATOR = "__";
const KINDS = Object.keys(lists) as ListKind[];

/** An item under the name it has on a route. */
export interface Entry {
  readonly name: string;
  readonly server: McpServer;
  readonly item: Item;
  /** The item as it is listed here. */
  readonly bytes: Buffer;
}

/** One list of one route: all servers together. */
export interface View {
  readonly entries: readonly Entry[];
  readonly byName: ReadonlyMap<string, Entry>;
  /** Servers that could not be asked. */
  readonly missing: readonly string[];
  readonly ttlMs: number;
}

export interface Member {
  readonly server: McpServer;
  readonly catalog: Catalog;
}

/** Whether a caller may see a listed item, by the item's operation. */
export type Sees = (operation: Operation) => boolean;

interface Built {
  readonly listings: readonly (Listing | undefined)[];
  readonly view: View;
}

/** What one route offers. Rebuilt only when a server's list has changed, so that finding a name costs one look-up. */
export class RouteView {
  readonly members: readonly Member[];
  readonly #route: McpRouteConfig;
  readonly #toolFilter: RegExp | undefined;
  readonly #log: Log;
  readonly #built = new Map<ListKind, Built>();
  readonly #known = new Map<ListKind, Built>();

  constructor(route: McpRouteConfig, members: readonly Member[], log: Log) {
    this.#route = route;
    this.members = members;
    this.#log = log;
    this.#toolFilter = route.tools === undefined ? undefined : globs(route.tools);
  }

  /** The list for an answer: what every server that is up has. Each server has its own deadline. */
  async list(kind: ListKind): Promise<View> {
    const fresh = this.members.map(({ catalog }) => catalog.fresh(kind));
    if (fresh.every((listing) => listing !== undefined)) return this.#build(this.#built, kind, fresh, []);
    const missing: string[] = [];
    const listings = await Promise.all(
      this.members.map(async ({ server, catalog }) => {
        try {
          return await catalog.get(kind);
        } catch {
          missing.push(server.name);
          return undefined;
        }
      }),
    );
    return this.#build(this.#built, kind, listings, missing);
  }

  /** Whether a caller sees anything of a server here, as far as its lists are known. Who sees nothing of it must not hear of it. */
  shows(server: string, sees: Sees): boolean {
    const catalog = this.members.find((member) => member.server.name === server)?.catalog;
    return KINDS.some((kind) =>
      catalog?.last(kind)?.items.some((item) => this.#offers(kind, item) && sees(item.operation)),
    );
  }

  /** The same of several servers, whose lists are read first where they never were. */
  async shown(servers: readonly string[], sees: Sees): Promise<ReadonlySet<string>> {
    const known = servers.filter((name) => this.shows(name, sees));
    const unread = this.members.filter(({ server: { name } }) => servers.includes(name) && !known.includes(name));
    await Promise.allSettled(
      unread.flatMap(({ catalog }) => KINDS.map(async (kind) => catalog.last(kind) ?? (await catalog.get(kind)))),
    );
    const read = unread.filter(({ server }) => this.shows(server.name, sees));
    return new Set([...known, ...read.map(({ server }) => server.name)]);
  }

  /** One entry by its name here. Servers that are down keep their names, so that a name never changes its meaning. */
  async find(kind: ListKind, name: string): Promise<Entry | undefined> {
    const found = (await this.#names(kind)).byName.get(name);
    if (found !== undefined) return found;
    const refreshed = await Promise.all(this.members.map(({ catalog }) => catalog.refreshForMiss(kind)));
    return refreshed.includes(true) ? (await this.#names(kind)).byName.get(name) : undefined;
  }

  /** Who serves a URI: who lists it, else whose template fits best, else the only server there is. */
  async findResource(
    uri: string,
  ): Promise<{ readonly server: McpServer; readonly item: Item | undefined } | undefined> {
    const listed = (await this.#names("resources")).byName.get(uri);
    if (listed !== undefined) return listed;
    let best: Entry | undefined;
    let bestLength = -1;
    for (const entry of (await this.#names("templates")).entries) {
      const length = templateFit(entry.name, uri);
      if (length > bestLength) {
        best = entry;
        bestLength = length;
      }
    }
    if (best !== undefined) return best;
    const offering = this.members.filter(({ server }) => server.info?.capabilities["resources"] !== undefined);
    return offering.length === 1 ? { server: offering[0]!.server, item: undefined } : undefined;
  }

  /* Waits only for a server whose list was never read: a call must not wait for a server it is not meant for. */
  async #names(kind: ListKind): Promise<View> {
    const known = this.members.map(({ catalog }) => catalog.known(kind));
    if (known.every((listing) => listing !== undefined)) return this.#build(this.#known, kind, known, []);
    const listings = await Promise.all(
      this.members.map(
        async ({ catalog }, index) => known[index] ?? (await Promise.resolve(catalog.get(kind)).catch(() => undefined)),
      ),
    );
    return this.#build(this.#known, kind, listings, []);
  }

  #build(
    cache: Map<ListKind, Built>,
    kind: ListKind,
    listings: readonly (Listing | undefined)[],
    missing: readonly string[],
  ): View {
    const before = cache.get(kind);
    if (before !== undefined && before.listings.every((listing, index) => listing === listings[index]))
      return before.view;
    const byName = new Map<string, Entry>();
    const entries: Entry[] = [];
    let ttlMs = Infinity;
    for (const [index, listing] of listings.entries()) {
      if (listing === undefined) continue;
      const { server } = this.members[index]!;
      ttlMs = Math.min(ttlMs, listing.ttlMs);
      for (const item of listing.items) {
        if (!this.#offers(kind, item)) continue;
        const name = this.#nameOf(kind, server.name, item.key, byName);
        if (name === undefined) continue;
        const entry = { name, server, item, bytes: name === item.key ? item.bytes : renamed(item.bytes, name) };
        byName.set(name, entry);
        entries.push(entry);
      }
    }
    const view = { entries, byName, missing, ttlMs };
    cache.set(kind, { listings, view });
    return view;
  }

  #offers(kind: ListKind, item: Item): boolean {
    return kind !== "tools" || this.#toolFilter?.test(item.key) !== false;
  }

  /* A later server can never take a name that an earlier one has: that would be shadowing. */
  #nameOf(kind: ListKind, server: string, key: string, taken: ReadonlyMap<string, Entry>): string | undefined {
    if (kind === "resources" || kind === "templates") return taken.has(key) ? undefined : key;
    const prefix = this.#route.prefix === "always" || (this.#route.prefix === "on-conflict" && taken.has(key));
    const name = prefix ? prefixed(server, key) : key;
    if (!taken.has(name)) return name;
    this.#log.warn({ mcp_server: server, name }, "mcp item left out: its name is taken");
    return undefined;
  }
}

/** `server__name`; what is too long for model APIs ends in a hash of the whole. They take no `/` and `.` either: `team-a/files` is `team-a_files`. */
export function prefixed(server: string, name: string): string {
  const whole = server.replaceAll(/[/.]/g, "_") + SEPARATOR + name;
  if (whole.length <= NAME_LIMIT) return whole;
  return `${whole.slice(0, NAME_LIMIT - 9)}_${createHash("sha256").update(whole).digest("hex").slice(0, 8)}`;
}

function renamed(bytes: Buffer, name: string): Buffer {
  return splice(bytes, [{ path: ["name"], json: JSON.stringify(name) }]);
}

function globs(patterns: readonly string[]): RegExp {
  const parts = patterns.map((pattern) => pattern.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll(/\*+/g, ".*"));
  return new RegExp(`^(?:${parts.join("|")})$`, "s");
}

/* The text around a template's first and last variable, not a pattern made of it: templates come from servers, and patterns can be made slow. */
function templateFit(template: string, uri: string): number {
  const first = template.indexOf("{");
  const last = template.lastIndexOf("}");
  if (first === -1 || last < first) return template === uri ? template.length : -1;
  const head = template.slice(0, first);
  const tail = template.slice(last + 1);
  return uri.length >= head.length + tail.length && uri.startsWith(head) && uri.endsWith(tail)
    ? head.length + tail.length
    : -1;
}
