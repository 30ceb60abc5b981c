import { isIP } from "node:net";
import { getCACertificates } from "node:tls";
import { Agent, buildConnector, Pool, type Dispatcher } from "undici";
import { GatewayError } from "../core/errors.ts";
import type { HttpConfig } from "./config.ts";
import { createDeadlines } from "./deadlines.ts";
import { checkedLookup, deniedAddress, type Resolve } from "./checked-lookup.ts";
import { createEgressGuard } from "./egress-guard.ts";
import { isNetworkAddress } from "./reach.ts";
import { UpstreamCall, type Way } from "./upstream-call.ts";
import { createFetch } from "./upstream-fetch.ts";
import type { Trust, Upstream } from "./upstream.ts";

const MAX_HEADER_BYTES = 32_768;
/** Addresses that callers chose and whose sockets are still open: an attacker makes up as many names as it likes. */
const MAX_INFLUENCED_ORIGINS = 2_048;
/** The operator's, of which idle ones go beyond: a name in DNS may stand for other addresses every day. */
const MAX_CONFIGURED_ORIGINS = 1_024;

/** How a server proves who it is, and the gateway to it, where that is not what the configuration says of all upstreams. PEM. */
export interface UpstreamTls {
  /** In place of the authorities that are trusted otherwise. */
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  /** Whom the certificate has to name, where that is not the host of the address. */
  readonly servername?: string | undefined;
  /** Takes any certificate: what an operator wrote out. */
  readonly insecure?: boolean | undefined;
}

export interface UpstreamOptions {
  readonly egress: HttpConfig["egress"];
  readonly tls?: UpstreamTls;
  /** How long nothing is heard on a connection before the system probes it; undici's 60 s when absent. */
  readonly keepAliveMs?: number;
  /** How names of addresses that are not the operator's own become IP addresses; the system's resolver when absent. */
  readonly resolve?: Resolve;
}

/**
 * The way out over undici. HTTP/1.1 only: one request a connection, so one stalled stream holds nobody else up.
 * Before a byte of it is written a request gets a second connection, once, where the first was refused or died.
 */
export function createUpstream({ egress, tls = {}, keepAliveMs, resolve }: UpstreamOptions): Upstream {
  const guard = createEgressGuard(egress.allow, resolve);
  const settings = {
    connections: egress.connections,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    // Counted by the call itself: from dispatch, so that waiting for a connection is included, and without a timer for each answer.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const connect = {
    timeout: egress.connectTimeout,
    ...(keepAliveMs !== undefined && { keepAliveInitialDelay: keepAliveMs }),
    ...(egress.ca === undefined ? {} : { ca: [...getCACertificates("default"), egress.ca] }),
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    ...(tls.servername !== undefined && { servername: tls.servername }),
    ...(tls.insecure === true && { rejectUnauthorized: false }),
  };
  /* The gateway's own machine is what the operator alone may name. */
  const notHere = "it is on the gateway's own machine or link";
  const delegated = { ...connect, lookup: checkedLookup(isNetworkAddress, notHere, resolve) };
  const connectTo = buildConnector({ ...connect, allowH2: false });
  /* An address has no name that a handshake could ask for (RFC 6066, section 3); without one Node checks the certificate for the address. */
  const connectByName: buildConnector.connector = (options, callback) => {
    const { servername, ...rest } = options;
    connectTo(isIP(servername ?? "") === 0 ? options : rest, callback);
  };
  const open = new Agent({ ...settings, connect });
  const guarded = new Agent({
    ...settings,
    maxOrigins: MAX_INFLUENCED_ORIGINS,
    connect: { ...connect, lookup: guard.lookup },
  });

  /* Those of the configuration, which are few and stay: no look-up by origin for each request, as an agent does it. */
  const pools = new Map<string, Pool>();
  let ways = new WeakMap<URL, Way>();
  const deadlines = createDeadlines();
  let closed = false;

  function door(trust: Trust, url: URL, verbatim = false): Dispatcher {
    // A pool made from now on would never be closed.
    if (closed) throw new GatewayError("draining", "The gateway is stopping.");
    if (trust === "influenced") return guard.checkUrl(url) ? open : guarded;
    if (url.protocol !== "https:" && url.protocol !== "http:")
      throw new GatewayError("denied", "Upstreams speak http or https.");
    // Requests that name whom the certificate is to be for, and those that do not, would break off each other's connections.
    const named = verbatim && url.protocol === "https:";
    const isDelegated = trust === "delegated";
    if (isDelegated) checkLiteral(url);
    const key = `${url.origin}${named ? " by name" : ""}${isDelegated ? " delegated" : ""}`;
    const known = pools.get(key);
    if (known !== undefined) return known;
    if (pools.size >= MAX_CONFIGURED_ORIGINS) closeIdle();
    const pool = new Pool(url.origin, {
      ...settings,
      connect: isDelegated ? delegated : named ? connectByName : connect,
    });
    pools.set(key, pool);
    return pool;
  }

  /* A socket looks no name up that is an address. */
  function checkLiteral({ hostname }: URL): void {
    const literal = hostname.replace(/^\[|\]$/g, "");
    if (isIP(literal) !== 0 && !isNetworkAddress(literal)) throw deniedAddress(notHere);
  }

  function closeIdle(): void {
    for (const [origin, pool] of pools) {
      const { connected, pending, queued } = pool.stats;
      if (connected + pending + queued > 0) continue;
      pools.delete(origin);
      void pool.destroy();
    }
    // Some lead to those that are gone.
    ways = new WeakMap();
  }

  const wayTo = (trust: Trust, url: URL, verbatim?: boolean): Way => ({
    dispatcher: door(trust, url, verbatim),
    origin: url.origin,
    path: url.pathname + url.search,
    servername: url.protocol === "https:" ? url.hostname.replace(/^\[|\]$/g, "") : undefined,
  });

  function knownWayTo(url: URL, verbatim?: boolean): Way {
    const known = ways.get(url);
    if (known !== undefined) return known;
    const way = wayTo("configured", url, verbatim);
    ways.set(url, way);
    return way;
  }

  return {
    request(request) {
      const { trust, url, signal, verbatim } = request;
      if (signal?.aborted === true) return Promise.reject(signal.reason);
      return new Promise((succeed, fail) => {
        const way = trust === "configured" ? knownWayTo(url, verbatim) : wayTo(trust, url, verbatim);
        new UpstreamCall(request, way, deadlines, succeed, fail).start();
      });
    },
    fetch: (trust) => createFetch((url) => door(trust, url)),
    async close() {
      closed = true;
      await Promise.all([open, guarded, ...pools.values()].map((each) => each.destroy()));
    },
  };
}
