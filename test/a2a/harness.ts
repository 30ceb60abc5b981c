import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createA2a, type A2aOptions } from "../../src/a2a/a2a.ts";
import { a2aConfig } from "../../src/a2a/config.ts";
import { systemClock } from "../../src/core/clock.ts";
import { GatewayError } from "../../src/core/errors.ts";
import type { Exchange, JsonBody, Reply } from "../../src/core/exchange.ts";
import { randomHex } from "../../src/core/ids.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Operation } from "../../src/core/operation.ts";
import type { Principal } from "../../src/core/principal.ts";
import type { Operate, OperationContext, Outcome, ProtocolHandler, Visible } from "../../src/core/step.ts";
import { parseHttpConfig } from "../../src/http/config.ts";
import { createUpstream } from "../../src/http/undici-upstream.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import type { Store } from "../../src/state/store.ts";

/** A rule of the test: whether `principal` may do `operation`. */
export type Rule = (principal: Principal, operation: Operation) => boolean;

export interface GatewayRecord {
  readonly operation: Operation;
  readonly principal: string;
  readonly outcome: Outcome["status"];
  readonly error: string | undefined;
}

export interface TestGateway {
  readonly url: string;
  readonly records: GatewayRecord[];
  /** Policy of the next requests; everything is allowed at first. */
  rule: Rule;
  /** Looks at events on their way back, as a guard would. */
  answer: OperationContext["answer"];
  readonly handler: ProtocolHandler;
  /** Ends what is under way, as an expired credential or a drain does. */
  abort(reason: GatewayError): void;
  close(): Promise<void>;
}

export interface TestGatewayOptions extends Partial<
  Pick<A2aOptions, "store" | "onHandoff" | "authorization" | "clock">
> {
  readonly a2a: Record<string, unknown>;
}

/** The A2A relay alone over real HTTP. `Authorization: Bearer NAME` makes NAME the caller; none is anonymous. */
export async function startGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const config = a2aConfig.a2a.parse(options.a2a);
  if (config === undefined) throw new Error("the test needs an a2a configuration");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const upstream = createUpstream({ egress: parseHttpConfig({}).egress });
  const store: Store = options.store ?? createMemoryStore({ clock: systemClock, log: silentLog });
  const open = new Set<AbortController>();
  const gateway: TestGateway = {
    url,
    records: [],
    rule: () => true,
    answer: undefined,
    handler: undefined as never,
    abort: (reason) => open.forEach((one) => one.abort(reason)),
    close,
  };
  const visible: Visible = (exchange, operation) => gateway.rule(exchange.principal, operation);
  const handler = createA2a({
    config,
    publicUrl: new URL(url),
    operate: operateFor(gateway),
    visible,
    upstream,
    store,
    clock: options.clock ?? systemClock,
    log: silentLog,
    ...(options.onHandoff === undefined ? {} : { onHandoff: options.onHandoff }),
    ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
  });
  Object.assign(gateway, { handler });
  server.on("request", (request, response) => void serve(handler, open, request, response));
  async function close() {
    await handler.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await upstream.close();
    if (options.store === undefined) await store.close();
  }
  return gateway;
}

function operateFor(gateway: TestGateway): Operate {
  return async (exchange, operation, work, signal = exchange.signal) => {
    const context: OperationContext = {
      id: randomHex(16),
      exchange,
      operation,
      signal,
      startedAtMs: Date.now(),
      candidates: [],
      candidate: undefined,
      decision: undefined,
      usage: undefined,
      upstreamStatus: undefined,
      firstByteMs: undefined,
      answer: gateway.answer,
    };
    let failure: GatewayError | undefined;
    try {
      context.candidates = await work.plan(context);
      const [candidate] = context.candidates;
      if (candidate === undefined) throw new GatewayError("upstream_unavailable", "no candidate");
      if (operation.judged && !gateway.rule(exchange.principal, operation))
        throw new GatewayError("denied", "Policy does not allow this.");
      return await work.relay(context, candidate);
    } catch (thrown) {
      failure = GatewayError.from(thrown);
      throw failure;
    } finally {
      const outcome =
        failure === undefined ? "ok" : signal.aborted ? "aborted" : failure.kind === "denied" ? "denied" : "failed";
      gateway.records.push({ operation, principal: exchange.principal.id, outcome, error: failure?.kind });
    }
  };
}

async function serve(
  handler: ProtocolHandler,
  open: Set<AbortController>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const abort = new AbortController();
  open.add(abort);
  response.on("close", () => {
    open.delete(abort);
    abort.abort(new GatewayError("cancelled", "The caller has gone."));
  });
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  let value: unknown;
  const exchange = toExchange(request, response, abort.signal, () => {
    const bytes = Buffer.concat(chunks);
    try {
      value = JSON.parse(bytes.toString("utf8"));
    } catch (cause) {
      throw new GatewayError("parse_error", "The body is not JSON.", { cause });
    }
    return { bytes, value };
  });
  try {
    await handler.handle(exchange);
  } catch (thrown) {
    const rendered = handler.renderError(GatewayError.from(thrown), exchange, value);
    exchange.reply.send(rendered.status, rendered.headers, rendered.body);
  }
}

function toExchange(
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
  body: () => JsonBody,
): Exchange {
  const url = new URL(request.url ?? "/", "http://localhost");
  const name = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  return {
    id: randomHex(16),
    route: {
      path: "/a2a",
      protocol: "a2a",
      audiences: [],
      methods: ["GET", "POST"],
      authentication: "optional",
      bodyLimitBytes: 4_194_304,
    },
    request: {
      method: request.method ?? "GET",
      path: url.pathname,
      query: url.search.slice(1),
      headers: Object.fromEntries(Object.entries(request.headers).map(([key, header]) => [key, String(header)])),
      host: request.headers.host ?? "",
      scheme: "http",
      ip: "127.0.0.1",
      receivedAtMs: Date.now(),
    },
    principal: toPrincipal(name),
    trace: { traceId: randomHex(16), spanId: randomHex(8), parentSpanId: "", sampled: true, tracestate: "" },
    chain: { id: randomHex(16), depth: 0, root: name ?? "anonymous", path: [] },
    log: silentLog,
    reply: toReply(response),
    signal,
    body: async () => body(),
  };
}

function toPrincipal(name: string | undefined): Principal {
  const subject = name ?? "anonymous";
  return {
    id: `https://issuer.test ${subject}`,
    issuer: "https://issuer.test",
    subject,
    client: "",
    tenant: "",
    scopes: [],
    groups: [],
    claims: {},
    actors: [],
    credential: name === undefined ? "anonymous" : "token",
    expiresAtMs: undefined,
    credentialId: undefined,
  };
}

function toReply(response: ServerResponse): Reply {
  return {
    get status() {
      return response.headersSent ? response.statusCode : 0;
    },
    get started() {
      return response.headersSent;
    },
    setHeader: (name, value) => void response.setHeader(name, value),
    send(status, headers, body) {
      if (response.destroyed) return;
      response.writeHead(status, headers).end(body);
    },
    open(status, headers) {
      if (response.destroyed) return;
      response.writeHead(status, headers);
      response.flushHeaders();
    },
    write(chunk) {
      if (response.destroyed || response.write(chunk)) return;
      return new Promise((resolve) => {
        const done = () => {
          response.off("drain", done);
          response.off("close", done);
          resolve();
        };
        response.on("drain", done);
        response.on("close", done);
      });
    },
    end: () => void response.end(),
    destroy: () => void response.destroy(),
  };
}
