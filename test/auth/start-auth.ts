import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { onTestFinished } from "vitest";
import { createAuth, type Auth, type AuthOptions } from "../../src/auth/auth.ts";
import { parseAuthConfig } from "../../src/auth/config.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { CanonicalRequest, Route } from "../../src/core/exchange.ts";
import { silentLog, type Log } from "../../src/core/log.ts";
import { parseHttpConfig } from "../../src/http/config.ts";
import { createUpstream } from "../../src/http/undici-upstream.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import type { Store } from "../../src/state/store.ts";

/** A clock that a test moves on. */
export interface TestClock extends Clock {
  advance(ms: number): void;
}

export function testClock(): TestClock {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    monotonic: () => performance.now() + offset,
    advance: (ms) => void (offset += ms),
  };
}

export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** Listens on a free port and closes when the test is over; the handler can be set later. */
export async function listen(): Promise<{ url: string; handle: (listener: Listener) => void }> {
  let listener: Listener = (_request, response) => void response.writeHead(503).end();
  const server = createServer((request, response) => listener(request, response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => new Promise<void>((done) => (server.close(() => done()), server.closeAllConnections())));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    handle: (next) => void (listener = next),
  };
}

export interface Started {
  readonly auth: Auth;
  readonly url: string;
  readonly store: Store;
  readonly clock: TestClock;
  readonly routes: readonly Route[];
  route(path: string): Route;
  /** Authenticates a request with these headers on a route, as the gateway would. */
  authenticate(path: string, headers: Record<string, string>, query?: string): ReturnType<Auth["authenticate"]>;
}

const toRoute = (audience: string, base: string, path: string): Route => ({
  path,
  protocol: "mcp",
  audiences: [base + path, audience],
  methods: ["POST"],
  authentication: path === "/open" ? "optional" : "required",
  bodyLimitBytes: 1_024,
});

export interface StartOptions extends Partial<
  Pick<AuthOptions, "tenant" | "policyScopes" | "consoleOrigin" | "consoleClient" | "log">
> {
  readonly config?: unknown;
  readonly store?: Store;
  readonly clock?: TestClock;
  readonly paths?: readonly string[];
  /** The address the outside knows, where it differs from the one listened on. */
  readonly publicUrl?: string;
  readonly server?: Awaited<ReturnType<typeof listen>>;
}

/** A running authorization side on a real port, with routes /mcp, /mcp/safe and /open. */
export async function startAuth(options: StartOptions = {}): Promise<Started> {
  const {
    config = { embedded: true },
    clock = testClock(),
    paths = ["/mcp", "/mcp/safe", "/open"],
    log = silentLog,
    server = await listen(),
  } = options;
  const store = options.store ?? createMemoryStore({ clock, log: silentLog });
  const upstream = createUpstream({ egress: parseHttpConfig({}).egress });
  const parsed = parseAuthConfig(config);
  const base = options.publicUrl ?? server.url;
  const routes = paths.map((path) => toRoute(parsed.audience ?? base, base, path));
  const auth = await createAuth({
    config: parsed,
    publicUrl: new URL(base),
    routes: () => routes,
    store,
    upstream,
    clock,
    log,
    ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
    consoleOrigin: options.consoleOrigin,
    consoleClient: options.consoleClient,
    ...(options.policyScopes === undefined ? {} : { policyScopes: options.policyScopes }),
  });
  const app = express().disable("x-powered-by");
  app.use(auth.router);
  server.handle(app);
  onTestFinished(async () => {
    await auth.close();
    await upstream.close();
    if (options.store === undefined) await store.close();
  });
  const route = (path: string): Route => {
    const found = routes.find((one) => one.path === path);
    if (found === undefined) throw new Error(`no route ${path}`);
    return found;
  };
  return {
    auth,
    url: server.url,
    store,
    clock,
    routes,
    route,
    authenticate: (path, headers, query = "") => auth.authenticate(toRequest(path, headers, query), route(path)),
  };
}

export function toRequest(path: string, headers: Record<string, string>, query = ""): CanonicalRequest {
  return {
    method: "POST",
    path,
    query,
    headers,
    host: "gateway.test",
    scheme: "https",
    ip: "192.0.2.7",
    connection: {},
    receivedAtMs: 0,
  };
}

/** A log that keeps what was written. */
export function recordingLog(lines: unknown[]): Log {
  const write = (fields: Readonly<Record<string, unknown>>, message: string): void =>
    void lines.push({ ...fields, message });
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  return log;
}
