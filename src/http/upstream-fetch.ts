import { fetch as undiciFetch, type Dispatcher, type RequestInit } from "undici";
import { GatewayError } from "../core/errors.ts";

const HEADERS_TIMEOUT_MS = 30_000;
const BODY_TIMEOUT_MS = 300_000;
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Bounds what a library may be answered: no compressed bodies, none beyond 16 MiB unless it is an event stream, which its reader bounds. */
const bounded: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  let left = Number.POSITIVE_INFINITY;
  return dispatch(
    { ...options, headersTimeout: HEADERS_TIMEOUT_MS, bodyTimeout: BODY_TIMEOUT_MS },
    {
      onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
      onRequestUpgrade: (controller, status, headers, socket) =>
        handler.onRequestUpgrade?.(controller, status, headers, socket),
      onResponseStart(controller, status, headers, statusMessage) {
        const encoding = headers["content-encoding"];
        if (encoding !== undefined && encoding !== "identity") {
          throw new GatewayError("upstream_invalid", "The upstream compressed its answer without being asked.");
        }
        if (!String(headers["content-type"] ?? "").startsWith("text/event-stream")) left = MAX_BODY_BYTES;
        handler.onResponseStart?.(controller, status, headers, statusMessage);
      },
      onResponseData(controller, chunk) {
        left -= chunk.length;
        if (left < 0)
          throw new GatewayError("upstream_invalid", `The upstream's answer is larger than ${MAX_BODY_BYTES} bytes.`);
        handler.onResponseData?.(controller, chunk);
      },
      onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
      onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
    },
  );
};

/** Node's own Request is not undici's: it is taken apart, so that either can be passed. */
async function toInit(request: Request, init: RequestInit): Promise<RequestInit> {
  const hasBody = request.body !== null && init.body === undefined;
  return {
    method: request.method,
    headers: [...request.headers],
    signal: request.signal,
    ...(hasBody ? { body: new Uint8Array(await request.arrayBuffer()) } : {}),
    ...init,
  };
}

/** A `fetch` that goes out through `door`. Redirects are answers, not followed; bodies are bounded and never decompressed. */
export function createFetch(door: (url: URL) => Dispatcher): typeof globalThis.fetch {
  const composed = new WeakMap<Dispatcher, Dispatcher>();
  async function fetch(input: string | URL | Request, init?: RequestInit): Promise<unknown> {
    const url = new URL(input instanceof Request ? input.url : input);
    const outer = door(url);
    const dispatcher = composed.get(outer) ?? outer.compose(bounded);
    composed.set(outer, dispatcher);
    const settings = input instanceof Request ? await toInit(input, init ?? {}) : { ...init };
    const headers = new Headers(settings.headers);
    headers.set("accept-encoding", "identity");
    return undiciFetch(url, {
      ...settings,
      headers: [...headers],
      redirect: settings.redirect === "error" ? "error" : "manual",
      credentials: "omit",
      dispatcher,
    });
  }
  // undici's Response is the standard's in all but its nominal type.
  return fetch as unknown as typeof globalThis.fetch;
}
