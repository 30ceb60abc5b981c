import { setTimeout as delay } from "node:timers/promises";
import { toAbortSignal, type AbortSignalLike } from "../../core/abort.ts";
import { GatewayError } from "../../core/errors.ts";
import type { UpstreamResponse } from "../../http/upstream.ts";
import { fromStart, readAnswer, readStream, refusedBy } from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import { greet, headersOf } from "./greet.ts";
import type { Hello, SessionHandle } from "./greet.ts";
import type { Incoming, Link, OnMessage, Outbound, ServerInfo } from "./link.ts";
import { renumber } from "./renumber.ts";

export interface NewSession {
  readonly handle: SessionHandle;
  readonly info: ServerInfo;
  readonly link: Link;
  /** What the server dropped before. */
  readonly dropped: SessionHandle | undefined;
}

export interface SessionLinkOptions {
  readonly endpoint: Endpoint;
  readonly hello: Hello;
  /** A session made earlier, perhaps by a gateway that was killed since. */
  readonly restored?: SessionHandle | undefined;
  /** Asked before a session is made: one that another replica has made meanwhile, and that is not the one the server dropped. */
  readonly find?: (dropped: SessionHandle | undefined) => Promise<SessionHandle | undefined>;
  /** Called before the first request goes out on a new session. Gives the one that stands: another replica's, where that was faster. */
  readonly onSession?: (made: NewSession) => Promise<SessionHandle>;
  /** Whether several callers share the session, so that their ids would collide. */
  readonly shared: boolean;
}

export interface SessionLink extends Link {
  /** Starts the session where there is none. */
  start(): Promise<void>;
  /** What the server said of itself; starts the session where there is none. */
  info(): Promise<ServerInfo>;
}

const CLOSE_TIMEOUT_MS = 2_000;
const MAX_RESUMES = 100;
const LONGEST_RETRY_MS = 30_000;

async function endSession(endpoint: Endpoint, handle: SessionHandle): Promise<void> {
  if (handle.id === "") return;
  const signal = AbortSignal.timeout(CLOSE_TIMEOUT_MS);
  try {
    (await endpoint.send("DELETE", headersOf(handle), undefined, signal, CLOSE_TIMEOUT_MS)).discard();
  } catch {
    // A server that cannot be reached drops the session by itself.
  }
}

/** A session that nobody keeps is let go of: the client's own may have gone while this one was made. */
async function keepSession(
  { onSession }: SessionLinkOptions,
  made: NewSession,
  letGo: (handle: SessionHandle) => Promise<void>,
): Promise<SessionHandle | undefined> {
  try {
    return await onSession?.(made);
  } catch (thrown) {
    await letGo(made.handle);
    throw thrown;
  }
}

/** A link to a session-era server over Streamable HTTP. An expired session is made anew once, without the caller noticing. */
export function createSessionLink(options: SessionLinkOptions): SessionLink {
  const { endpoint, hello, shared } = options;
  let session = options.restored;
  let dropped: SessionHandle | undefined;
  let info: ServerInfo | undefined;
  let opening: Promise<SessionHandle> | undefined;
  let lastId = 0;

  async function open(): Promise<SessionHandle> {
    const found = await options.find?.(dropped);
    if (found !== undefined) return (session = found);
    const { session: handle, info: said } = await greet(endpoint, hello);
    session = handle;
    info = said;
    const standing = (await keepSession(options, { handle, info, link, dropped }, letGo)) ?? handle;
    if (standing.id !== handle.id) {
      session = standing;
      await endSession(endpoint, handle);
    }
    return standing;
  }

  const drop = (handle: SessionHandle): void => {
    if (session !== handle) return;
    session = undefined;
    dropped = handle;
  };

  const letGo = (handle: SessionHandle): Promise<void> => {
    drop(handle);
    return endSession(endpoint, handle);
  };

  /* One handshake for all who wait for it. */
  const ensure = (): Promise<SessionHandle> | SessionHandle =>
    session ?? (opening ??= open().finally(() => (opening = undefined)));

  async function post(
    bytes: Buffer,
    signal: AbortSignalLike,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<UpstreamResponse> {
    const before = session;
    const handle = await ensure();
    const response = await endpoint.send(
      "POST",
      { ...headers, ...headersOf(handle) },
      bytes,
      signal,
      endpoint.config.timeouts.call,
    );
    /* 404 means the server has dropped the session and has not looked at the message (2025-11-25, "Session Management"). */
    if (response.status !== 404 || before === undefined || handle.id === "") return response;
    response.discard();
    drop(handle);
    return await endpoint.send(
      "POST",
      { ...headers, ...headersOf(await ensure()) },
      bytes,
      signal,
      endpoint.config.timeouts.call,
    );
  }

  /* A server may close a stream early and give the rest to who comes back (2025-11-25, "Resumability and Redelivery"). */
  async function followAnswer(
    first: UpstreamResponse,
    idText: string,
    signal: AbortSignalLike,
    onMessage: OnMessage,
  ): Promise<Incoming> {
    const position = fromStart();
    let response = first;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await readAnswer(endpoint.server, response, idText, onMessage, position);
      } catch (thrown) {
        if (
          signal.aborted ||
          position.lastEventId === "" ||
          attempt >= MAX_RESUMES ||
          GatewayError.from(thrown).kind !== "upstream_truncated"
        )
          throw thrown;
        await delay(Math.min(position.retryMs, LONGEST_RETRY_MS), undefined, { signal: toAbortSignal(signal) });
        response = await endpoint.send(
          "GET",
          { ...headersOf(await ensure()), "last-event-id": position.lastEventId },
          undefined,
          signal,
          endpoint.config.timeouts.call,
        );
        if (response.status !== 200) {
          response.discard();
          throw thrown;
        }
      }
    }
  }

  async function send(bytes: Buffer): Promise<void> {
    const response = await post(bytes, AbortSignal.timeout(endpoint.config.timeouts.connect));
    response.discard();
    if (response.status >= 400) throw refusedBy(endpoint.server, response);
  }

  const link: SessionLink = {
    era: "legacy",
    dedicated: !shared,
    async start() {
      await ensure();
    },
    async info() {
      if (info === undefined) await ensure();
      return info!;
    },
    async request(outbound: Outbound, signal: AbortSignalLike, onMessage: OnMessage): Promise<Incoming> {
      const own = shared ? renumber(outbound, (lastId += 1)) : undefined;
      const idText = own === undefined ? outbound.idText : String(lastId);
      try {
        const response = await post(own?.bytes ?? outbound.bytes, signal, outbound.headers);
        const answer = await followAnswer(
          response,
          idText,
          signal,
          own === undefined ? onMessage : (message) => onMessage(own.restore(message)),
        );
        return own?.restore(answer) ?? answer;
      } catch (thrown) {
        /* In this era a closed connection is not a cancellation; the server has to be told (2025-11-25, "Cancellation"). */
        if (signal.aborted && session !== undefined)
          send(
            Buffer.from(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${idText}}}`),
          ).catch(() => {});
        throw thrown;
      }
    },
    send,
    async listen(signal, onMessage, onOpen) {
      const handle = await ensure();
      const response = await endpoint.send("GET", headersOf(handle), undefined, signal, 0);
      if (response.status === 404) drop(handle);
      if (response.status !== 200) {
        response.discard();
        return response.status === 405 ? "unsupported" : "ended";
      }
      onOpen();
      await readStream(endpoint.server, response, onMessage);
      return "ended";
    },
    async close() {
      const handle = session;
      session = undefined;
      if (handle !== undefined) await endSession(endpoint, handle);
    },
  };
  return link;
}
