import type { AbortSignalLike } from "../core/abort.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Operation } from "../core/operation.ts";
import { locateElements } from "../http/json-locate.ts";
import { isObject } from "./message.ts";
import type { JsonObject } from "./message.ts";
import { mirroredParams } from "./mirrored-params.ts";
import type { MirroredParam } from "./mirrored-params.ts";
import { itemOperation, lists } from "./operations.ts";
import type { ListKind } from "./operations.ts";
import type { Link } from "./upstreams/link.ts";
import { createOutageLog } from "./upstreams/outage-log.ts";
import type { OutageLog } from "./upstreams/outage-log.ts";
import type { McpServer } from "./upstreams/server.ts";
import { OWN_ENVELOPE } from "./upstreams/stateless-link.ts";

/** A list is read again after this long where the server neither says how long it holds nor announces changes. */
const DEFAULT_TTL_MS = 60_000;
/** Where it announces changes, the time limit only guards against a lost announcement. */
const ANNOUNCED_TTL_MS = 5 * 60_000;
const SHORTEST_TTL_MS = 1_000;
const MAX_PAGES = 1_000;
const MAX_ITEMS = 20_000;
/** An unknown name makes the list be read again, but not more often than this: callers could otherwise drive the server. */
const REFRESH_ON_MISS_MS = 2_000;
/** A list that failed is tried again after this long, and the first to ask waits only a moment for it. */
const RETRY_MS = 5_000;
const SECOND_CHANCE_MS = 250;

/** One listed item, as the server spelled it. */
export interface Item {
  /** The item's own name, URI or URI template. */
  readonly key: string;
  readonly value: JsonObject;
  readonly bytes: Buffer;
  /** Judged to decide whether a caller sees the item. */
  readonly operation: Operation;
  /** Arguments that 2026-07-28 mirrors into headers. */
  readonly mirrored: readonly MirroredParam[];
}

/** All pages of one list of one server. */
export interface Listing {
  readonly items: readonly Item[];
  readonly byKey: ReadonlyMap<string, Item>;
  /** Monotonic. */
  readonly loadedAtMs: number;
  readonly ttlMs: number;
}

const EMPTY: Listing = { items: [], byKey: new Map(), loadedAtMs: 0, ttlMs: Infinity };

interface Slot {
  listing: Listing | undefined;
  stale: boolean;
  loading: Promise<Listing> | undefined;
  /** Counts invalidations, so that a list read before one is not taken for fresh after it. */
  epoch: number;
  failure: GatewayError | undefined;
  retryAtMs: number;
  readonly outages: OutageLog;
}

/** The lists of one server, kept until they expire or the server announces a change. The last good one is kept for finding names. */
export class Catalog {
  readonly #server: McpServer;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #slots: Record<ListKind, Slot>;

  constructor(server: McpServer, clock: Clock, log: Log) {
    this.#server = server;
    this.#clock = clock;
    this.#log = log;
    const slotOf = (kind: ListKind) => createSlot(log, server.name, kind);
    this.#slots = {
      tools: slotOf("tools"),
      prompts: slotOf("prompts"),
      resources: slotOf("resources"),
      templates: slotOf("templates"),
    };
    server.onChange(({ kind }) => {
      if (kind === "updated") return;
      this.#invalidate(kind);
      if (kind === "resources") this.#invalidate("templates");
    });
  }

  /** The list when it needs no reading; the hot path of every call. */
  fresh(kind: ListKind): Listing | undefined {
    const { listing, stale } = this.#slots[kind];
    return listing !== undefined && !stale && this.#clock.monotonic() - listing.loadedAtMs < listing.ttlMs
      ? listing
      : undefined;
  }

  /** The list, read from the server where it has to be. Rejects when the server does not give it in time. */
  get(kind: ListKind): Promise<Listing> | Listing {
    const fresh = this.fresh(kind);
    if (fresh !== undefined) return fresh;
    const { failure, retryAtMs } = this.#slots[kind];
    if (failure === undefined) return this.#load(kind);
    if (this.#clock.monotonic() < retryAtMs) return Promise.reject(failure);
    return within(this.#load(kind), SECOND_CHANCE_MS, failure);
  }

  /** What to find names in without waiting: the last list, read again in the background when it is old. Undefined before the first. */
  known(kind: ListKind): Listing | undefined {
    const { listing } = this.#slots[kind];
    if (listing !== undefined && this.fresh(kind) === undefined) Promise.resolve(this.get(kind)).catch(() => {});
    return listing;
  }

  /** The last list however old it is, without having it read. */
  last(kind: ListKind): Listing | undefined {
    return this.#slots[kind].listing;
  }

  /** Reads the list again because a name was not in it, unless that has just been done. Never rejects. */
  async refreshForMiss(kind: ListKind): Promise<boolean> {
    const before = this.#slots[kind].listing;
    const isNew =
      before !== undefined &&
      this.fresh(kind) === before &&
      this.#clock.monotonic() - before.loadedAtMs < REFRESH_ON_MISS_MS;
    if (isNew || before === EMPTY) return false;
    try {
      return (await (this.fresh(kind) === undefined ? this.get(kind) : this.#load(kind))) !== before;
    } catch {
      return false;
    }
  }

  #invalidate(kind: ListKind): void {
    this.#slots[kind].stale = true;
    this.#slots[kind].epoch += 1;
    this.#slots[kind].loading = undefined;
  }

  #load(kind: ListKind): Promise<Listing> {
    const current = this.#slots[kind];
    if (current.loading !== undefined) return current.loading;
    const epoch = current.epoch;
    const loading = this.#read(kind)
      .then((listing) => {
        current.listing = listing;
        current.failure = undefined;
        current.outages.worked();
        if (current.epoch === epoch) current.stale = false;
        return listing;
      })
      .catch((thrown: unknown) => {
        current.failure = GatewayError.from(thrown);
        current.retryAtMs = this.#clock.monotonic() + RETRY_MS;
        /* That a server cannot be reached at all, it says itself. */
        if (this.#server.info !== undefined) current.outages.failed(current.failure);
        throw current.failure;
      })
      .finally(() => {
        if (current.loading === loading) current.loading = undefined;
      });
    current.loading = loading;
    return loading;
  }

  async #read(kind: ListKind): Promise<Listing> {
    const server = this.#server;
    const deadline = new AbortController();
    const late = new GatewayError("upstream_timeout", `MCP server ${server.name} did not list its ${kind} in time.`);
    const timer = setTimeout(() => deadline.abort(late), server.config.timeouts.list);
    try {
      const { link, info } = await orAbort(server.connect(), deadline.signal);
      if (info.capabilities[lists[kind].capability] === undefined) return EMPTY;
      const announced =
        (info.capabilities[lists[kind].capability] as { readonly listChanged?: unknown } | undefined)?.listChanged ===
        true;
      return await this.#pages(kind, link, deadline.signal, announced ? ANNOUNCED_TTL_MS : DEFAULT_TTL_MS);
    } finally {
      clearTimeout(timer);
    }
  }

  async #pages(kind: ListKind, link: Link, signal: AbortSignalLike, defaultTtlMs: number): Promise<Listing> {
    const { method, field } = lists[kind];
    const items: Item[] = [];
    const byKey = new Map<string, Item>();
    let ttlMs = defaultTtlMs;
    let cursor: unknown;
    for (let page = 0; page < MAX_PAGES && items.length < MAX_ITEMS; page += 1) {
      const params = {
        ...(cursor === undefined ? {} : { cursor }),
        ...(link.era === "modern" ? { _meta: OWN_ENVELOPE } : {}),
      };
      const bytes = Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: page, method, params }));
      const answer = await link.request({ bytes, idText: String(page), method }, signal, () => {});
      const result = answer.value["result"];
      /* A server may offer resources without templates. */
      if (isObject(answer.value["error"]) && answer.value["error"]["code"] === -32601) break;
      if (!isObject(result) || !Array.isArray(result[field]))
        throw new GatewayError("upstream_invalid", `MCP server ${this.#server.name} did not give its ${kind}.`, {
          cause: answer.value["error"],
        });
      if (typeof result["ttlMs"] === "number") ttlMs = Math.min(ttlMs, Math.max(result["ttlMs"], SHORTEST_TTL_MS));
      this.#add(kind, link, result[field], answer.bytes, items, byKey);
      cursor = result["nextCursor"];
      /* An empty string is a cursor like any other. */
      if (typeof cursor !== "string") break;
    }
    return { items, byKey, loadedAtMs: this.#clock.monotonic(), ttlMs };
  }

  #add(
    kind: ListKind,
    link: Link,
    values: readonly unknown[],
    bytes: Buffer,
    items: Item[],
    byKey: Map<string, Item>,
  ): void {
    const ranges = locateElements(bytes, ["result", lists[kind].field]);
    for (const [index, value] of values.entries()) {
      const range = ranges[index];
      if (!isObject(value) || range === undefined) continue;
      const key = value[lists[kind].key];
      if (typeof key !== "string" || key === "" || byKey.has(key)) continue;
      const mirrored = kind === "tools" && link.era === "modern" ? mirroredParams(value["inputSchema"]) : [];
      if (mirrored === undefined) {
        this.#log.warn(
          { mcp_server: this.#server.name, tool: key },
          "mcp tool left out: its x-mcp-header annotations are not valid",
        );
        continue;
      }
      /* A copy: a slice would keep the whole page in memory. */
      const item = {
        key,
        value,
        bytes: Buffer.from(bytes.subarray(range.start, range.end)),
        operation: itemOperation(kind, this.#server, key, value),
        mirrored,
      };
      items.push(item);
      byKey.set(key, item);
    }
  }
}

function createSlot(log: Log, server: string, kind: ListKind): Slot {
  const outages = createOutageLog(
    log,
    { mcp_server: server, list: kind },
    { down: "mcp server left out of a list", up: "mcp server is back in a list" },
  );
  return { listing: undefined, stale: false, loading: undefined, epoch: 0, failure: undefined, retryAtMs: 0, outages };
}

/* The load goes on when nobody waits for it any more. */
function within<T>(work: Promise<T>, waitMs: number, late: GatewayError): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late), waitMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function orAbort<T>(work: Promise<T>, signal: AbortSignalLike): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
