import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { systemClock } from "../../src/core/clock.ts";
import type { Clock } from "../../src/core/clock.ts";
import { GatewayError } from "../../src/core/errors.ts";
import type { Exchange, JsonBody, Reply } from "../../src/core/exchange.ts";
import { randomHex } from "../../src/core/ids.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Log } from "../../src/core/log.ts";
import type { Operation } from "../../src/core/operation.ts";
import type { Principal } from "../../src/core/principal.ts";
import type { Operate, OperationContext, Outcome } from "../../src/core/step.ts";
import { createUpstream } from "../../src/http/undici-upstream.ts";
import { mcpConfig } from "../../src/mcp/config.ts";
import { createMcp } from "../../src/mcp/mcp.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import type { Store } from "../../src/state/store.ts";

/** One operation as the steps saw it. */
export interface Seen {
  readonly operation: Operation;
  readonly principal: string;
  outcome: Outcome["status"] | undefined;
}

export interface Harness {
  readonly url: (path?: string) => URL;
  readonly seen: Seen[];
  readonly store: Store;
  /** Ends the gateway as a crash would: nothing is said to anybody. */
  readonly close: () => Promise<void>;
}

export interface HarnessOptions {
  readonly mcp: unknown;
  readonly store?: Store;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Throws to refuse. */
  readonly authorize?: (principal: string, operation: Operation) => void;
  readonly visible?: (principal: string, operation: Operation) => boolean;
  /** What steps change in a request. */
  readonly edits?: OperationContext["edits"];
  /** What looks at answers. */
  readonly answer?: OperationContext["answer"];
}

function principalOf(request: IncomingMessage): Principal {
  const subject = String(request.headers["x-test-principal"] ?? "tester");
  return {
    id: `test|${subject}`,
    issuer: "test",
    subject,
    client: "",
    tenant: "",
    scopes: [],
    groups: [],
    claims: {},
    actors: [],
    credential: "anonymous",
    expiresAtMs: undefined,
    credentialId: undefined,
  };
}

function replyFor(response: ServerResponse): Reply {
  const extra: Record<string, string> = {};
  return {
    get status() {
      return response.headersSent ? response.statusCode : 0;
    },
    get started() {
      return response.headersSent;
    },
    setHeader: (name, value) => void (extra[name] = value),
    send: (status, headers, body) =>
      void (response.destroyed || response.writeHead(status, { ...extra, ...headers }).end(body)),
    open: (status, headers) => void response.writeHead(status, { ...extra, ...headers }).flushHeaders(),
    write: (chunk) => {
      if (response.destroyed) return;
      if (!response.write(chunk))
        return new Promise<void>((resolve) => {
          const go = () => {
            response.off("drain", go).off("close", go);
            resolve();
          };
          response.once("drain", go).once("close", go);
        });
    },
    end: () => void response.end(),
    destroy: () => void response.destroy(),
  };
}

async function readJson(request: IncomingMessage): Promise<JsonBody> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  try {
    return { bytes, value: JSON.parse(bytes.toString("utf8")) as unknown };
  } catch (cause) {
    throw new GatewayError("parse_error", "The body is not JSON.", { cause });
  }
}

/** The relay behind a plain HTTP server that does what the edge and the steps do, as far as the relay can tell. */
export async function startHarness(options: HarnessOptions): Promise<Harness> {
  const clock = options.clock ?? systemClock;
  const store = options.store ?? createMemoryStore({ clock, log: silentLog });
  const upstream = createUpstream({ egress: { allow: [], connections: 256, connectTimeout: 2_000, ca: undefined } });
  const config = z.object(mcpConfig).parse({ mcp: options.mcp }).mcp!;
  const seen: Seen[] = [];

  const operate: Operate = async (exchange, operation, work, signal) => {
    const entry: Seen = { operation, principal: exchange.principal.subject, outcome: undefined };
    seen.push(entry);
    const context: OperationContext = {
      id: randomHex(16),
      exchange,
      operation,
      signal: signal ?? exchange.signal,
      startedAtMs: clock.now(),
      candidates: [],
      candidate: undefined,
      failed: [],
      decision: undefined,
      edits: operation.judged ? (options.edits ?? []) : [],
      usage: undefined,
      costNanos: undefined,
      upstreamStatus: undefined,
      firstByteMs: undefined,
      answer: options.answer,
    };
    try {
      if (operation.judged) options.authorize?.(exchange.principal.subject, operation);
      const [candidate] = await work.plan(context);
      const result = await work.relay(context, candidate!);
      entry.outcome = "ok";
      return result;
    } catch (thrown) {
      entry.outcome = context.signal.aborted
        ? "aborted"
        : GatewayError.from(thrown).kind === "denied"
          ? "denied"
          : "failed";
      throw thrown;
    }
  };

  const handler = createMcp({
    config,
    publicUrl: new URL("http://127.0.0.1/"),
    operate,
    visible: (exchange, operation) => options.visible?.(exchange.principal.subject, operation) ?? true,
    upstream,
    store,
    clock,
    log: options.log ?? silentLog,
  });

  const http = createServer((request, response) => {
    if (!/^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/.test(request.headers.host ?? ""))
      return void response.writeHead(421).end();
    const gone = new AbortController();
    response.once("close", () => gone.abort(new GatewayError("cancelled", "The client has gone.")));
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    let body: Promise<JsonBody> | undefined;
    const exchange: Exchange = {
      id: randomHex(16),
      route: {
        path: url.pathname,
        protocol: "mcp",
        audiences: [],
        methods: ["GET", "POST", "DELETE"],
        authentication: "optional",
        bodyLimitBytes: 4 * 1024 * 1024,
      },
      request: {
        method: request.method ?? "GET",
        path: url.pathname,
        query: "",
        headers: request.headers as Record<string, string>,
        host: "127.0.0.1",
        scheme: "http",
        ip: "127.0.0.1",
        connection: {},
        receivedAtMs: clock.now(),
      },
      principal: principalOf(request),
      trace: { traceId: randomHex(16), spanId: randomHex(8), parentSpanId: "", sampled: false, tracestate: "" },
      chain: { id: "", depth: 0, alone: true, root: "", path: [], spent: 0, tainted: false },
      log: silentLog,
      reply: replyFor(response),
      signal: gone.signal,
      bodyStream: () => undefined,
      body: () => (body ??= readJson(request)),
    };
    handler.handle(exchange).catch((thrown: unknown) => {
      if (response.headersSent || response.destroyed) return void response.destroy();
      const rendered = handler.renderError(GatewayError.from(thrown), exchange);
      response.writeHead(rendered.status, rendered.headers).end(rendered.body);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    url: (path = "/mcp") => new URL(path, origin),
    seen,
    store,
    async close() {
      await handler.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await upstream.close();
      if (options.store === undefined) await store.close();
    },
  };
}
