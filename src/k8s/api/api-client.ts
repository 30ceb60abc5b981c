import type { AbortSignalLike } from "../../core/abort.ts";
import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { createUpstream, type UpstreamTls } from "../../http/undici-upstream.ts";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "../../http/upstream.ts";
import { isMap } from "../manifest.ts";
import type { ApiAccess } from "./api-access.ts";
import { ApiError, reasonOf, toApiError } from "./api-error.ts";
import { readJsonLines } from "./event-lines.ts";
import type { KubernetesMetrics } from "./kubernetes-metrics.ts";

/** A page of 500 objects of the largest size that etcd takes is far beyond this; such pages fail with a clear message. */
const ANSWER_LIMIT_BYTES = 128 * 1_048_576;
const ERROR_LIMIT_BYTES = 65_536;
/** An object has at most 1.5 MiB in etcd; in JSON it may be a few times that. */
const LINE_LIMIT_BYTES = 16 * 1_048_576;
const ANSWER_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** One for every watch, which holds it, and some for the rest. */
const CONNECTIONS = 1_024;
/** Requests in a row, over all that is watched, that got no answer at all before it is said that the server is away. */
const AWAY_AFTER = 3;
/** Between probes of a connection on which nothing is heard: of one whose other end is gone Linux tells some ten seconds after this. */
const KEEP_ALIVE_MS = 15_000;

export interface ApiClientOptions {
  readonly access: ApiAccess;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: KubernetesMetrics;
}

export interface Sent {
  readonly method: "POST" | "PUT";
  readonly body: unknown;
}

export interface WatchOptions {
  /** How long it may be silent. */
  readonly idleTimeoutMs: number;
  /** The server has begun to answer. */
  opened(): void;
}

/** Nothing has come over a watch for so long that its connection counts as lost. */
export class SilentWatch extends Error {
  override readonly name = "SilentWatch";
}

/** Speaks to one API server. Everything rejects with an ApiError where the server said no, and with a GatewayError where it did not answer. */
export interface ApiClient {
  get(path: string, signal: AbortSignalLike): Promise<unknown>;
  send(path: string, sent: Sent, signal: AbortSignalLike): Promise<unknown>;
  /** The events of a watch as they come, until the server ends it. Throws a SilentWatch. */
  watch(path: string, options: WatchOptions, signal: AbortSignalLike): AsyncIterable<unknown>;
  /** Whether an API server answers, and not something in its place that knows none of its paths. */
  isApiServer(signal: AbortSignalLike): Promise<boolean>;
  /** Monotonic time of the last answer to anything, whatever it said; undefined: there was none yet. */
  readonly answeredAt: number | undefined;
  /** Why the server counts as away; undefined: it does not. */
  readonly away: string | undefined;
  close(): Promise<void>;
}

export function createApiClient({ access, clock, log, metrics }: ApiClientOptions): ApiClient {
  let upstream: { readonly key: string; readonly way: Upstream } | undefined;
  let failures = 0;
  let away: { readonly since: number; readonly reason: string } | undefined;
  let answeredAt: number | undefined;
  let isStranger = false;
  metrics.reachable(true);

  function wayFor(tls: UpstreamTls): Upstream {
    const { ca, cert, key, servername, insecure } = tls;
    const wanted = JSON.stringify([ca, cert, key, servername, insecure]);
    if (upstream?.key === wanted) return upstream.way;
    /* A new certificate: connections made with the former one are let go of, and what was watched over them goes on from where it was. */
    void upstream?.way.close();
    const egress = { allow: [], connections: CONNECTIONS, connectTimeout: CONNECT_TIMEOUT_MS };
    upstream = { key: wanted, way: createUpstream({ egress, tls, keepAliveMs: KEEP_ALIVE_MS }) };
    return upstream.way;
  }

  function answered(): void {
    failures = 0;
    answeredAt = clock.monotonic();
    if (away === undefined) return;
    const awayMs = Math.round(answeredAt - away.since);
    away = undefined;
    metrics.reachable(true);
    log.info({ server: access.server, awayMs }, "the API server answers again");
  }

  function failed(error: unknown): void {
    if (++failures < AWAY_AFTER || away !== undefined) return;
    away = { since: clock.monotonic(), reason: reasonOf(error) };
    metrics.reachable(false);
    log.error(
      { server: access.server, from: access.from, reason: away.reason },
      "the API server cannot be reached; what it said last stays in force, and it is asked again and again",
    );
  }

  async function attempt(
    request: Pick<UpstreamRequest, "method" | "body" | "idleTimeoutMs"> & { readonly path: string },
    signal: AbortSignalLike,
    again = true,
  ): Promise<UpstreamResponse> {
    const { path, ...rest } = request;
    const credentials = await access.credentials();
    const response = await wayFor(credentials.tls).request({
      ...rest,
      url: new URL(access.server + path),
      trust: "configured",
      headers: {
        ...credentials.headers,
        accept: "application/json",
        "user-agent": "sallyport",
        ...(rest.body !== undefined && { "content-type": "application/json" }),
      },
      signal,
      headersTimeoutMs: ANSWER_TIMEOUT_MS,
    });
    /* Whatever it says, it is there: of what it does not do for one kind that kind's reflector tells. */
    answered();
    if (response.status !== 401 || !again) return response;
    /* Tokens end; the next one may lie there already. */
    response.discard();
    access.renew(credentials);
    return await attempt(request, signal, false);
  }

  async function open(request: Parameters<typeof attempt>[0], signal: AbortSignalLike): Promise<UpstreamResponse> {
    let response: UpstreamResponse;
    try {
      response = await attempt(request, signal);
    } catch (error) {
      if (!signal.aborted) failed(error);
      throw error;
    }
    if (response.status >= 200 && response.status < 300) return response;
    const text = await response.bytes(ERROR_LIMIT_BYTES).catch(() => Buffer.alloc(0));
    throw toApiError(response.status, parseOr(text, undefined), response.headers["retry-after"]);
  }

  async function ask(request: Parameters<typeof attempt>[0], signal: AbortSignalLike): Promise<unknown> {
    const response = await open(request, signal);
    const body = await response.bytes(ANSWER_LIMIT_BYTES);
    return JSON.parse(body.toString("utf8"));
  }

  return {
    get: (path, signal) => ask({ method: "GET", path }, signal),
    send: (path, { method, body }, signal) => ask({ method, path, body: Buffer.from(JSON.stringify(body)) }, signal),
    async *watch(path, { idleTimeoutMs, opened }, signal) {
      const response = await open({ method: "GET", path, idleTimeoutMs }, signal);
      opened();
      try {
        for await (const event of readJsonLines(response.body, LINE_LIMIT_BYTES)) {
          answered();
          yield event;
        }
      } catch (error) {
        if (!(error instanceof GatewayError) || error.kind !== "upstream_timeout") throw error;
        throw new SilentWatch(`nothing has come for ${idleTimeoutMs} ms`, { cause: error });
      } finally {
        response.cancel();
      }
    },
    async isApiServer(signal) {
      const is = await ask({ method: "GET", path: "/version" }, signal).then(
        isMap,
        /* Only a server says that this may not be read. */
        (error: unknown) => error instanceof ApiError && (error.status === 401 || error.status === 403),
      );
      if (!is && !isStranger && !signal.aborted)
        log.error({ server: access.server }, "what answers is no API server: it has no /version");
      isStranger = !is;
      return is;
    },
    get answeredAt() {
      return answeredAt;
    },
    get away() {
      return away?.reason;
    },
    close: async () => await upstream?.way.close(),
  };
}

function parseOr(text: Buffer, otherwise: undefined): unknown {
  try {
    return JSON.parse(text.toString("utf8"));
  } catch {
    return otherwise;
  }
}
