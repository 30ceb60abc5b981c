import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import type { SecureContext } from "node:tls";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { bindHostOf } from "./config.ts";
import type { EdgeOptions } from "./edge.ts";
import { serveTlsFiles } from "./tls-files.ts";

/** Where something is bound. */
export interface BoundAddress {
  readonly host: string;
  readonly port: number;
}

export function addressOf({ config, listener, port }: EdgeOptions): BoundAddress {
  if (port !== undefined) return port.address;
  if (listener === "data") return { host: bindHostOf(config), port: config.listen.port };
  return config.listen[listener];
}

/** Takes a request; `expectsContinue`: the caller waits for 100 before it sends the body. */
export type TakeRequest = (req: IncomingMessage, res: ServerResponse, expectsContinue: boolean) => void;

/** Node's server with every limit set. Nothing is bound. */
export function createListener(options: EdgeOptions, take: TakeRequest): Server | TlsServer {
  const { contextFor } = options;
  const { limits } = options.config;
  const settings = {
    maxHeaderSize: limits.headers.bytes,
    headersTimeout: limits.headerTimeout,
    // Nor of the body, by Node: a body that is passed on may take as long as both sides keep at it. Whoever reads one counts for itself.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1_000, limits.headerTimeout),
    keepAliveTimeout: limits.keepAlive,
    insecureHTTPParser: false,
    // Checked by the canonical request, which answers with a body.
    requireHostHeader: false,
    noDelay: true,
  };
  const server = servesTls(options)
    ? createTlsServer({
        ...settings,
        minVersion: "TLSv1.2",
        ALPNProtocols: ["http/1.1"],
        handshakeTimeout: limits.headerTimeout,
        ...(contextFor && {
          SNICallback: (name: string, done: (error: null, context?: SecureContext) => void) =>
            done(null, contextFor(name.toLowerCase())),
        }),
      })
    : createServer(settings);
  // Node would silently drop what is beyond its own count, Authorization included; the canonical request counts instead.
  server.maxHeadersCount = 0;
  server.maxConnections = limits.connections;
  server.on("request", (req, res) => take(req, res, false));
  server.on("checkContinue", (req, res) => take(req, res, true));
  server.on("checkExpectation", (req, res) => take(req, res, false));
  return server;
}

const servesTls = ({ config, listener, port }: EdgeOptions): boolean =>
  port === undefined ? listener === "data" && config.listen.tls !== undefined : port.tls;

/** Loads the certificate of `listen` where there is one; what it gives stops looking for changes of it. */
export async function loadTls(server: Server | TlsServer, { config, port, log }: EdgeOptions): Promise<() => void> {
  const { tls } = config.listen;
  return port === undefined && tls !== undefined && server instanceof TlsServer
    ? await serveTlsFiles(server, tls, log)
    : () => {};
}

/** Binds and resolves with the address; rejects when the port is taken. */
export async function bind(server: Server | TlsServer, address: BoundAddress, log: Log): Promise<BoundAddress> {
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
}

const portTaken = ({ host, port }: BoundAddress, cause: Error): GatewayError =>
  new GatewayError("internal", `${host}:${port} is in use: end what listens there, or choose another port.`, { cause });
