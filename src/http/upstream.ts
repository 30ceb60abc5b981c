import type { AbortSignalLike } from "../core/abort.ts";
import type { BodyStream } from "../core/exchange.ts";

/**
 * Whose idea an address was. `configured`: the operator wrote it, so it may be private. `delegated`: somebody wrote it whom the
 * operator lets have upstreams, so it may be anywhere on a network, but not this machine or its link. `influenced`: a caller, a card,
 * a token or a server had a say, so it must be https to a public address. The last two are checked again at connect time.
 */
export type Trust = "configured" | "delegated" | "influenced";

export interface UpstreamRequest {
  /** Not to be changed afterwards: what it says may be remembered with it. */
  readonly url: URL;
  readonly trust: Trust;
  readonly method: string;
  /** Exactly what is sent, beyond host and content-length. Never a caller's own credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** In place of `body`, what is sent as it comes. It ends with the call: nothing of it is read after. */
  readonly stream?: BodyStream | undefined;
  /** Path and query in place of those of `url`, sent as they stand. */
  readonly path?: string;
  /**
   * For what is passed on unread: a `host` among the headers is sent, encodings are negotiated by the caller's headers alone, and an
   * answer may come in any of them.
   */
  readonly verbatim?: boolean;
  readonly signal?: AbortSignalLike;
  /** From dispatch, or from the last of a `stream` that was sent, to the response head. Default 60 s. */
  readonly headersTimeoutMs?: number;
  /** Longest silence inside the body; 0: none. Default 5 min. */
  readonly idleTimeoutMs?: number;
}

/** A response whose body is pulled: not reading is back pressure on the upstream. */
export interface UpstreamResponse {
  readonly status: number;
  /** Lower-case names; repeated headers joined by a comma, `set-cookie` dropped. */
  readonly headers: Readonly<Record<string, string>>;
  /** Each `set-cookie` of it: for a caller only where the upstream is its own to talk to. Absent: none. */
  readonly cookies?: readonly string[];
  /** The chunks as they arrive. Throws GatewayError("upstream_truncated") when the body breaks off. */
  readonly body: AsyncIterable<Buffer>;
  /** The whole body; GatewayError("upstream_invalid") beyond `limitBytes`. */
  bytes(limitBytes: number): Promise<Buffer>;
  /** Lets go of a body that is not wanted; a short rest of it is read, so that its connection can be used again. */
  discard(): void;
  /** Breaks its connection off at once: what the upstream is still making costs, and nobody wants it. */
  cancel(): void;
}

/** The only way out of the gateway. Redirects are never followed; ambient proxies and credentials are never used. */
export interface Upstream {
  /**
   * Rejects with `upstream_unavailable` (refused, reset, not resolved), `upstream_timeout`, `denied` (address not allowed),
   * or the signal's reason.
   */
  request(request: UpstreamRequest): Promise<UpstreamResponse>;
  /** A `fetch` over the same door, for libraries that bring their own requests. */
  fetch(trust: Trust): typeof globalThis.fetch;
  close(): Promise<void>;
}
