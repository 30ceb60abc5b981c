import type { IncomingMessage, ServerResponse } from "node:http";
import { Server as TlsServer } from "node:https";
import type { SecureContext } from "node:tls";
import type { AbortSignalLike } from "../core/abort.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { BodyStream, CanonicalRequest, Listener, Reply } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { RenderedError } from "../core/step.ts";
import type { BufferBudget } from "./body.ts";
import { answerParserErrors } from "./parser-errors.ts";
import type { HttpConfig } from "./config.ts";
import type { OriginPolicy } from "./cors.ts";
import { createFrontChecks } from "./front-checks.ts";
import { addressOf, bind, type BoundAddress, createListener, loadTls } from "./listener.ts";
import type { TlsPair } from "./tls-files.ts";
import { createUnderWay } from "./under-way.ts";

export interface ReadBodyOptions {
  readonly limitBytes: number;
  /** Refuses (415) any content type but JSON. Default true. */
  readonly json?: boolean;
}

/** One request as the edge hands it on: checked, not yet authenticated, its body unread. */
export interface Incoming {
  /** 32 hex digits; sent as `x-request-id` on every answer. */
  readonly id: string;
  readonly request: CanonicalRequest;
  readonly reply: Reply;
  /** Aborts when the caller has gone (`cancelled`) or the gateway stops (`draining`); the reason is a GatewayError. */
  readonly signal: AbortSignalLike;
  /** Whether the request came with a body. */
  readonly hasBody: boolean;
  /**
   * Reads the body once; a second call gives the same promise. Rejects with `too_large`, `request_timeout`,
   * `unsupported_media`, `overloaded` or `cancelled`.
   */
  readBody(options: ReadBodyOptions): Promise<Buffer>;
  /** The body as it comes, of any type and in any encoding, in place of `readBody`; undefined where there is none. Throws `too_large`. */
  streamBody(limitBytes: number): BodyStream | undefined;
  /** Aborts the signal with this reason: the credential expired, say. The first reason stays. */
  abort(reason: GatewayError): void;
  /**
   * Hands the request to a library that wants Node's own objects (Express). Its address and headers are the canonical
   * ones; headers set on the reply so far are set on the response. The reply does nothing from then on.
   */
  raw(): { readonly req: IncomingMessage; readonly res: ServerResponse };
}

export type Dispatch = (incoming: Incoming) => void | Promise<void>;

export interface EdgeOptions {
  readonly config: HttpConfig;
  /**
   * Which listener of the config this is. `health` answers to any Host: a kubelet calls by address. `console` answers to this
   * machine's names and any address beside the configured hosts, wherever it is bound.
   */
  readonly listener: "data" | "console" | "health";
  /** A port of its own, in place of that of `listen`; `tls`: https, with what `setCertificate` is given. */
  readonly port?: { readonly address: BoundAddress; readonly tls: boolean };
  /** The certificate for whoever asks for this name, in lower case; undefined: the usual one. */
  readonly contextFor?: (serverName: string) => SecureContext | undefined;
  /**
   * The listener that requests to this Host header belong to, where several share the port; undefined: the one of `listen`. `serverName`:
   * what the handshake asked for. Throws `not_found` or `misdirected`.
   */
  readonly listenerOf?: (header: string, serverName: string | undefined) => Listener | undefined;
  /** Answers one request. What it throws or rejects with before the answer has started is rendered. */
  readonly dispatch: Dispatch;
  readonly clock: Clock;
  readonly log: Log;
  /** One for all listeners of a process; each edge makes its own when absent. */
  readonly budget?: BufferBudget;
  /** The protocol's own error shape. `path` is what the request's target looks like when it could not be read; the default is plain JSON. */
  readonly renderError?: (error: GatewayError, path: string) => RenderedError;
  /** Whether a Host header is answered that the configuration of this listener does not list; asked for each request with one. */
  readonly servesHost?: (header: string) => boolean;
  /** Methods that `dispatch` can answer; the usual ones when absent. */
  readonly methods?: ReadonlySet<string>;
  /** Default `listed` for all; on the console it is always `own`. */
  readonly originPolicy?: OriginPolicy;
}

export interface Edge {
  /** Binds and resolves with the address; rejects when the port is taken or the certificate does not load. */
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  /** Serves this certificate to new connections that ask for no other; only where there is TLS. */
  setCertificate(pair: TlsPair): void;
  /** Requests under way. */
  readonly active: number;
  /**
   * Stops accepting, lets requests under way finish for `graceMs`, then aborts the rest with `draining` and breaks what
   * is left a second later. Resolves when every connection is closed.
   */
  drain(graceMs: number): Promise<void>;
  /** Breaks every connection at once. */
  close(): Promise<void>;
}

/** Between the abort and the break of what is left: time to write an end that the protocol knows. */
const LAST_WORDS_MS = 1_000;

const plainError = (error: GatewayError): RenderedError => ({
  status: error.spec.status,
  headers: { "content-type": "application/json", "x-should-retry": String(error.spec.retry), ...error.headers },
  body: JSON.stringify({ error: { type: error.kind, message: error.message } }),
});

/** One listener: Node's server with every limit set, and the checks that come before any route. Nothing is bound before `listen`. */
export function createEdge(options: EdgeOptions): Edge {
  const { clock, log } = options;
  const render = options.renderError ?? plainError;
  const address = addressOf(options);
  const underWay = createUnderWay(options, createFrontChecks(options, address), render);
  const server = createListener(options, underWay.begin);
  answerParserErrors(server, underWay, render, clock);
  let stopTls: (() => void) | undefined;
  const closed = () => new Promise<void>((resolve) => server.close(() => resolve()));

  return {
    get active() {
      return underWay.count;
    },
    setCertificate(pair) {
      if (server instanceof TlsServer) server.setSecureContext(pair);
    },
    async listen() {
      stopTls = await loadTls(server, options);
      return await bind(server, address, log);
    },
    async drain(graceMs) {
      underWay.closeConnections();
      const done = closed();
      await underWay.idle(graceMs);
      underWay.abortAll(new GatewayError("draining", "The gateway is stopping: try again."));
      await underWay.idle(LAST_WORDS_MS);
      stopTls?.();
      server.closeAllConnections();
      await done;
    },
    async close() {
      underWay.closeConnections();
      stopTls?.();
      const done = closed();
      server.closeAllConnections();
      await done;
    },
  };
}
