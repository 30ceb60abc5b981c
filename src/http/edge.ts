import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import type { AbortSignalLike } from "../core/abort.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { CanonicalRequest, Reply } from "../core/exchange.ts";
import { newRequestId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { createOpenSet } from "../core/open-set.ts";
import type { RenderedError } from "../core/step.ts";
import { isLoopbackHost } from "./address.ts";
import { createBufferBudget, type BufferBudget } from "./body.ts";
import { createCanonicalizer } from "./canonical-request.ts";
import { answerRaw, fromParserError } from "./client-error.ts";
import { bindHostOf, publicUrlOf, type HttpConfig } from "./config.ts";
import { createOriginCheck } from "./cors.ts";
import { createDeadlines } from "./deadlines.ts";
import { createHostCheck } from "./host.ts";
import { ServerExchange } from "./incoming.ts";
import { serveTlsFiles } from "./tls-files.ts";

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
  /** Which listener of the config this is. `health` answers to any Host: a kubelet calls by address. */
  readonly listener: "data" | "console" | "health";
  /** Answers one request. What it throws or rejects with before the answer has started is rendered. */
  readonly dispatch: Dispatch;
  readonly clock: Clock;
  readonly log: Log;
  /** One for all listeners of a process; each edge makes its own when absent. */
  readonly budget?: BufferBudget;
  /** The protocol's own error shape. `path` is what the request's target looks like when it could not be read; the default is plain JSON. */
  readonly renderError?: (error: GatewayError, path: string) => RenderedError;
  /** `any`: every web page may call this path, without cookies (metadata). Default `listed` for all. */
  readonly originPolicy?: (path: string) => "listed" | "any";
}

export interface Edge {
  /** Binds and resolves with the address; rejects when the port is taken or the certificate does not load. */
  listen(): Promise<{ readonly host: string; readonly port: number }>;
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

/** What may be under way on one connection. Clients that pipeline are rare, and Node would start all of them at once. */
const MAX_PIPELINED = 32;
/** Between the abort and the break of what is left: time to write an end that the protocol knows. */
const LAST_WORDS_MS = 1_000;

function ignore(): void {}

function addressOf({ config, listener }: EdgeOptions): { readonly host: string; readonly port: number } {
  if (listener === "data") return { host: bindHostOf(config), port: config.listen.port };
  return config.listen[listener];
}

const portTaken = ({ host, port }: ReturnType<typeof addressOf>, cause: Error): GatewayError =>
  new GatewayError("internal", `${host}:${port} is in use: end what listens there, or choose another port.`, { cause });

const plainError = (error: GatewayError): RenderedError => ({
  status: error.spec.status,
  headers: { "content-type": "application/json", "x-should-retry": String(error.spec.retry), ...error.headers },
  body: JSON.stringify({ error: { type: error.kind, message: error.message } }),
});

/** One listener: Node's server with every limit set, and the checks that come before any route. Nothing is bound before `listen`. */
// oxlint-disable-next-line max-lines-per-function -- one closure over the state of one listener
export function createEdge(options: EdgeOptions): Edge {
  const { config, dispatch, clock, log } = options;
  const { limits } = config;
  const address = addressOf(options);
  const publicUrl = publicUrlOf(config);
  const local = isLoopbackHost(address.host) || isLoopbackHost(publicUrl.hostname.replace(/^\[|\]$/g, ""));
  const render = options.renderError ?? plainError;
  const patterns = options.listener === "health" ? ["*"] : [publicUrl.hostname, ...config.listen.allowedHosts];
  const canonicalize = createCanonicalizer({
    checkHost: createHostCheck({ patterns, loopback: local }),
    trustedProxies: config.listen.trustedProxies,
    maxHeaders: limits.headers.count,
    clock,
  });
  const checkOrigin = createOriginCheck({
    publicOrigin: publicUrl.origin,
    allowedOrigins: config.listen.allowedOrigins,
    loopback: local,
    policy: options.originPolicy ?? (() => "listed"),
  });
  let draining = false;
  let onIdle: (() => void) | undefined;
  const active = createOpenSet<ServerExchange>();
  /* The requests under way on each connection, oldest first. */
  const pipelines = new WeakMap<object, ServerExchange[]>();
  const settings = {
    budget: options.budget ?? createBufferBudget(limits.buffers),
    bodyTimeoutMs: limits.requestTimeout,
    slowReaderMs: limits.slowReader,
    deadlines: createDeadlines(),
    draining: () => draining,
    closed: leave,
  };

  function fail(exchange: ServerExchange, thrown: unknown): void {
    const error = GatewayError.from(thrown);
    if (error.kind === "internal")
      log.error({ requestId: exchange.id, error: error.cause ?? error }, "a request failed inside the gateway");
    else log.debug({ requestId: exchange.id, kind: error.kind, cause: error.cause }, error.message);
    const { reply } = exchange;
    if (reply.started) {
      // Half an answer must not look like a whole one.
      if (!reply.ended || !exchange.res.writableEnded) reply.destroy();
      return;
    }
    const rendered = render(error, exchange.path);
    reply.send(rendered.status, rendered.headers, rendered.body);
  }

  function begin(req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): void {
    const exchange = new ServerExchange(newRequestId(clock.now()), req, res, settings, expectsContinue);
    const pipeline = pipelines.get(req.socket) ?? [];
    if (pipeline.length === 0) pipelines.set(req.socket, pipeline);
    pipeline.push(exchange);
    active.add(exchange);
    // Without a listener a reset inside a body would be an uncaught exception.
    req.on("error", ignore);
    try {
      if (pipeline.length > MAX_PIPELINED) {
        exchange.lastOnConnection = true;
        throw new GatewayError("overloaded", "Too many requests are under way on this connection.", {
          headers: { "retry-after": "1" },
        });
      }
      exchange.request = canonicalize(req);
      if (checkOrigin(exchange.request, exchange.reply)) return;
      const running = dispatch(exchange);
      if (running !== undefined)
        running.then(
          () => unanswered(exchange),
          (error: unknown) => fail(exchange, error),
        );
    } catch (error) {
      fail(exchange, error);
    }
  }

  function leave(exchange: ServerExchange): void {
    const pipeline = pipelines.get(exchange.req.socket);
    if (pipeline?.[0] === exchange) pipeline.shift();
    else pipeline?.splice(pipeline.indexOf(exchange), 1);
    active.delete(exchange);
    if (active.size === 0) onIdle?.();
  }

  function unanswered(exchange: ServerExchange): void {
    // A caller who has gone cannot be told anything; one who has half an answer must not wait for the rest.
    const { reply } = exchange;
    if (!reply.gone && !(reply.started && reply.ended))
      fail(exchange, new GatewayError("internal", "The gateway has no answer to this request."));
  }

  const onRequest: RequestListener = (req, res) => begin(req, res, false);
  const serverOptions = {
    maxHeaderSize: limits.headers.bytes,
    headersTimeout: limits.headerTimeout,
    // Behind the body's own timeout, which can answer in the protocol's shape.
    requestTimeout: Math.max(limits.requestTimeout, limits.headerTimeout) + 5_000,
    connectionsCheckingInterval: Math.min(1_000, limits.headerTimeout),
    keepAliveTimeout: limits.keepAlive,
    insecureHTTPParser: false,
    // Checked by the canonical request, which answers with a body.
    requireHostHeader: false,
    noDelay: true,
  };
  const tls = options.listener === "data" ? config.listen.tls : undefined;
  const server: Server | TlsServer =
    tls === undefined
      ? createServer(serverOptions, onRequest)
      : createTlsServer(
          {
            ...serverOptions,
            minVersion: "TLSv1.2",
            ALPNProtocols: ["http/1.1"],
            handshakeTimeout: limits.headerTimeout,
          },
          onRequest,
        );
  // Node would silently drop what is beyond its own count, Authorization included; the canonical request counts instead.
  server.maxHeadersCount = 0;
  server.maxConnections = limits.connections;
  server.on("checkContinue", (req, res) => begin(req, res, true));
  server.on("checkExpectation", (req, res) => begin(req, res, false));
  server.on("connect", (_req, socket: Socket) => {
    answerRaw(
      socket,
      render(new GatewayError("method_not_allowed", "This gateway is no proxy: CONNECT is not served."), ""),
      newRequestId(clock.now()),
    );
  });
  server.on("clientError", (cause: Error, socket: Socket) => {
    // Already answered: what follows on the connection is not read any more.
    if (socket.writableEnded) return;
    if (!socket.writable) return void socket.destroy();
    const error = fromParserError(cause);
    const last = pipelines.get(socket)?.at(-1);
    if (last === undefined) return answerRaw(socket, render(error, ""), newRequestId(clock.now()));
    // An answer to the broken request would be read as the answer to one before it. The one under way ends the connection.
    // The answer is out already and waits for its body to end; a library's answer cannot be waited for.
    if (last.reply.ended && !last.handedOver) return;
    if (last.reply.started) return void socket.destroy();
    last.failBody(error);
  });

  let stopTls: (() => void) | undefined;
  const closed = () => new Promise<void>((resolve) => server.close(() => resolve()));
  const idle = (ms: number) =>
    new Promise<void>((resolve) => {
      if (active.size === 0) return resolve();
      const timer = setTimeout(resolve, ms);
      onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  return {
    get active() {
      return active.size;
    },
    async listen() {
      if (tls !== undefined && server instanceof TlsServer) stopTls = await serveTlsFiles(server, tls, log);
      await new Promise<void>((resolve, reject) => {
        const refuse = (error: NodeJS.ErrnoException) =>
          reject(error.code === "EADDRINUSE" ? portTaken(address, error) : error);
        server.once("error", refuse);
        server.listen(address.port, address.host, () => {
          server.off("error", refuse);
          resolve();
        });
      });
      server.on("error", (error) => log.error({ error }, "the listener failed"));
      const bound = server.address();
      if (bound === null || typeof bound === "string") throw new Error("The listener has no address.");
      return { host: bound.address, port: bound.port };
    },
    async drain(graceMs) {
      draining = true;
      const done = closed();
      await idle(graceMs);
      for (const exchange of active.all())
        exchange.abort(new GatewayError("draining", "The gateway is stopping: try again."));
      await idle(LAST_WORDS_MS);
      stopTls?.();
      server.closeAllConnections();
      await done;
    },
    async close() {
      draining = true;
      stopTls?.();
      const done = closed();
      server.closeAllConnections();
      await done;
    },
  };
}
