import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { trustOf } from "../http/reach.ts";
import type { Upstream } from "../http/upstream.ts";
import type { AgentConfig } from "./config.ts";
import { credentialHeaders } from "./upstream-headers.ts";
import { normaliseVersion, type Version } from "./operations.ts";
import { isObject } from "./rpc-request.ts";

/** An agent's own card as fetched, and what the relay needs of it. */
export interface AgentCard {
  readonly value: Readonly<Record<string, unknown>>;
  /** Where JSON-RPC of each version is posted, and the tenant to name there. */
  readonly interfaces: ReadonlyMap<Version, AgentInterface>;
}

export interface AgentInterface {
  readonly url: URL;
  /** Empty: none. */
  readonly tenant: string;
}

/** One configured agent and its card, fetched when first needed and kept while the agent is down. */
export interface Agent {
  readonly name: string;
  readonly config: AgentConfig;
  /** The card, at most `cardTtl` old where the agent answers. Rejects when there never was one. */
  card(): Promise<AgentCard>;
  /** Where each version is spoken: what the card says, else the configuration. A stale card is good enough and never waited for. */
  interfaces(): Promise<AgentCard["interfaces"]>;
}

interface AgentDependencies {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
  readonly cardTtlMs: number;
}

const cardLimitBytes = 1_048_576;
const cardTimeoutMs = 10_000;
/* After a failed fetch the last good card is served this long before the agent is asked again. */
const retryAfterMs = 5_000;

export function createAgent(
  name: string,
  config: AgentConfig,
  { upstream, clock, log, cardTtlMs }: AgentDependencies,
): Agent {
  let card: AgentCard | undefined;
  let etag = "";
  let staleAtMs = 0;
  let fetching: Promise<AgentCard> | undefined;
  let failed: GatewayError | undefined;

  async function fetchCard(): Promise<AgentCard> {
    let lastStatus = 0;
    for (const url of cardUrls(config)) {
      const headers = {
        accept: "application/json",
        "a2a-version": "1.0",
        ...(etag === "" ? {} : { "if-none-match": etag }),
        ...(url.origin === new URL(config.url).origin ? credentialHeaders(config) : {}),
      };
      const response = await upstream.request({
        url,
        trust: trustOf(config.reach),
        method: "GET",
        headers,
        headersTimeoutMs: cardTimeoutMs,
        idleTimeoutMs: cardTimeoutMs,
      });
      lastStatus = response.status;
      if (response.status === 304 && card !== undefined) {
        response.discard();
        return card;
      }
      if (response.status !== 200) {
        response.discard();
        continue;
      }
      const next = readCard(await response.bytes(cardLimitBytes), config);
      etag = response.headers.etag ?? "";
      return next;
    }
    throw new GatewayError("upstream_unavailable", `The agent ${name} shows no card.`, {
      cause: new Error(`last status ${lastStatus}`),
    });
  }

  function refresh(): Promise<AgentCard> {
    fetching ??= fetchCard()
      .then(
        (next) => {
          card = next;
          failed = undefined;
          staleAtMs = clock.now() + cardTtlMs;
          return next;
        },
        (thrown: unknown) => {
          failed = GatewayError.from(thrown);
          staleAtMs = clock.now() + Math.min(retryAfterMs, cardTtlMs);
          log.warn({ agent: name, kind: failed.kind, error: failed }, "agent card not fetched");
          if (card !== undefined) return card;
          throw failed;
        },
      )
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  }

  const isFresh = () => clock.now() < staleAtMs;
  return {
    name,
    config,
    async card() {
      if (card !== undefined && isFresh()) return card;
      if (failed !== undefined && isFresh()) throw failed;
      return refresh();
    },
    async interfaces() {
      if (card !== undefined) {
        if (!isFresh()) void refresh().catch(() => {});
        return card.interfaces;
      }
      if (config.versions !== undefined) {
        if (!isFresh()) void refresh().catch(() => {});
        return new Map(config.versions.map((version) => [version, { url: new URL(config.url), tenant: "" }]));
      }
      if (failed !== undefined && isFresh()) throw failed;
      return (await refresh()).interfaces;
    },
  };
}

/** Where a card may be: as configured, else below the agent's address, then at the root of its host, then under the name of A2A 0.2. */
function cardUrls({ url, card }: AgentConfig): readonly URL[] {
  if (card !== undefined) return [new URL(card, url)];
  const base = url.replace(/[?#].*$/, "").replace(/\/+$/, "");
  const places = [
    `${base}/.well-known/agent-card.json`,
    new URL("/.well-known/agent-card.json", url).href,
    `${base}/.well-known/agent.json`,
  ];
  return [...new Set(places)].map((place) => new URL(place));
}

function readCard(bytes: Buffer, config: AgentConfig): AgentCard {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new GatewayError("upstream_invalid", "The agent's card is not JSON.", { cause });
  }
  if (!isObject(value)) throw new GatewayError("upstream_invalid", "The agent's card is not an object.");
  const found = cardInterfaces(value, config);
  if (config.versions !== undefined) {
    // What the operator wrote wins: versions the card does not tell are added, others taken out.
    for (const version of config.versions)
      if (!found.has(version)) found.set(version, { url: new URL(config.url), tenant: "" });
    for (const version of [...found.keys()]) if (!config.versions.includes(version)) found.delete(version);
  }
  if (found.size === 0)
    throw new GatewayError("upstream_invalid", "The agent's card offers no JSON-RPC interface of A2A 1.0 or 0.3.");
  return { value, interfaces: found };
}

function cardInterfaces(card: Readonly<Record<string, unknown>>, config: AgentConfig): Map<Version, AgentInterface> {
  const found = new Map<Version, AgentInterface>();
  const add = (binding: unknown, version: unknown, url: unknown, tenant: unknown) => {
    if (binding !== "JSONRPC" || typeof url !== "string" || typeof version !== "string") return;
    const known = toServed(normaliseVersion(version));
    if (known === undefined || found.has(known)) return;
    found.set(known, { url: endpoint(config, url), tenant: typeof tenant === "string" ? tenant : "" });
  };
  const current: unknown[] = Array.isArray(card.supportedInterfaces) ? card.supportedInterfaces : [];
  for (const item of current)
    if (isObject(item)) add(item.protocolBinding, item.protocolVersion, item.url, item.tenant);
  if (typeof card.url === "string") {
    const version = card.protocolVersion ?? "0.3";
    add(card.preferredTransport ?? "JSONRPC", version, card.url, "");
    const additional: unknown[] = Array.isArray(card.additionalInterfaces) ? card.additionalInterfaces : [];
    for (const item of additional) if (isObject(item)) add(item.transport, version, item.url, "");
  }
  return found;
}

function toServed(version: string): Version | undefined {
  if (version === "1.0") return "1.0";
  return version === "0.3" ? "0.3" : undefined;
}

/** The host is always the configured one: a card often names an address that only the agent itself can reach. */
function endpoint(config: AgentConfig, shown: string): URL {
  const configured = new URL(config.url);
  if (configured.pathname !== "/" || configured.search !== "" || !URL.canParse(shown)) return configured;
  const named = new URL(shown);
  configured.pathname = named.pathname;
  configured.search = named.search;
  return configured;
}
