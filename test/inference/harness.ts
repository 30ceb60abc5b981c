import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { AbortSignalLike } from "../../src/core/abort.ts";
import { systemClock } from "../../src/core/clock.ts";
import { GatewayError } from "../../src/core/errors.ts";
import type { Exchange, JsonBody, Reply } from "../../src/core/exchange.ts";
import { randomHex } from "../../src/core/ids.ts";
import type { JsonEdit } from "../../src/core/json-edit.ts";
import { silentLog } from "../../src/core/log.ts";
import { createRetryBudget } from "../../src/gateway/retry-budget.ts";
import type { Operation } from "../../src/core/operation.ts";
import type { AnswerEvent, Operate, OperationContext, Outcome } from "../../src/core/step.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import { createUpstream } from "../../src/http/undici-upstream.ts";
import type { InferenceConfig } from "../../src/inference/config.ts";
import type { CountTokens } from "../../src/inference/demand.ts";
import { createInference } from "../../src/inference/inference.ts";
import { createModelMemory } from "../../src/inference/routing/model-memory.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { createPools, type Pools } from "../../src/inference/pool/pools.ts";

const BODY_LIMIT_BYTES = 32 * 1_048_576;

export interface HarnessOptions {
  readonly config: InferenceConfig;
  /** What a call and a listed item are allowed; everything by default. */
  readonly allows?: (operation: Operation) => boolean;
  readonly shows?: (operation: Operation) => boolean;
  readonly answer?: (event: AnswerEvent) => AnswerEvent;
  /** What a step before the relay changes in the request. */
  readonly edits?: (operation: Operation) => readonly JsonEdit[];
  readonly keepAliveMs?: number;
  /** Nobody counts by default. */
  readonly countTokens?: CountTokens;
}

export interface Carried {
  readonly context: OperationContext;
  readonly outcome: Outcome;
}

export interface Harness {
  /** Ends in `/v1`. */
  readonly url: string;
  /** Every operation that has ended, oldest first. */
  readonly carried: readonly Carried[];
  readonly pools: Pools;
  /** Resolves with the next operation to end. */
  nextEnd(): Promise<Carried>;
  /** Ends everything under way as an expired credential would. */
  expire(): void;
  close(): Promise<void>;
}

/** The model relay behind a real HTTP server and in front of real sockets, without the rest of the gateway. */
export async function startHarness(options: HarnessOptions): Promise<Harness> {
  const carried: Carried[] = [];
  const waiting: ((value: Carried) => void)[] = [];
  const open = new Set<AbortController>();
  const upstream = createUpstream({ egress: { allow: [], connections: 64, connectTimeout: 2_000 } });
  const allows = options.allows ?? (() => true);
  const shows = options.shows ?? (() => true);

  const operate: Operate = async (exchange, operation, work, signal = exchange.signal) => {
    const context = createContext(exchange, operation, signal, options.answer);
    const end = (status: Outcome["status"], error?: GatewayError) => {
      const ended = {
        context,
        outcome: { status, durationMs: Date.now() - context.startedAtMs, ...(error === undefined ? {} : { error }) },
      };
      carried.push(ended);
      waiting.shift()?.(ended);
    };
    try {
      context.candidates = await work.plan(context);
      if (operation.judged && !allows(operation))
        throw new GatewayError("denied", "Policy does not allow this request.");
      const candidate = context.candidates[0];
      if (candidate === undefined) throw new GatewayError("internal", "no candidate");
      context.candidate = candidate;
      context.edits = options.edits?.(operation) ?? [];
      const result = await work.relay(context, candidate);
      end("ok");
      return result;
    } catch (thrown) {
      const error = GatewayError.from(signal.aborted ? signal.reason : thrown);
      end(signal.aborted ? "aborted" : "failed", error);
      throw error;
    }
  };

  const { meter } = createMetrics();
  const pools = createPools({
    upstream,
    clock: systemClock,
    log: silentLog,
    meter,
    retries: createRetryBudget(systemClock),
  });
  const handler = createInference({
    config: options.config,
    operate,
    visible: (_, operation) => shows(operation),
    upstream,
    pools,
    modelMemory: createModelMemory({
      store: createMemoryStore({ clock: systemClock, log: silentLog }),
      log: silentLog,
    }),
    meter,
    clock: systemClock,
    log: silentLog,
    countTokens: options.countTokens ?? (async () => undefined),
    ...(options.keepAliveMs === undefined ? {} : { keepAliveMs: options.keepAliveMs }),
  });

  handler.begin?.();

  const server = createServer((request, response) => {
    const abort = new AbortController();
    open.add(abort);
    response.once("close", () => {
      open.delete(abort);
      if (!response.writableFinished) abort.abort(new GatewayError("cancelled", "The caller has gone."));
    });
    const exchange = createExchange(request, response, abort.signal);
    handler.handle(exchange).catch((thrown: unknown) => {
      const { status, headers, body } = handler.renderError(GatewayError.from(thrown), exchange);
      exchange.reply.send(status, headers, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    carried,
    pools,
    nextEnd: () => new Promise((resolve) => waiting.push(resolve)),
    expire() {
      for (const abort of open) abort.abort(new GatewayError("unauthenticated", "The credential has expired."));
    },
    async close() {
      await handler.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await upstream.close();
    },
  };
}

function createContext(
  exchange: Exchange,
  operation: Operation,
  signal: AbortSignalLike,
  answer: HarnessOptions["answer"],
): OperationContext {
  return {
    id: randomHex(16),
    exchange,
    operation,
    signal,
    startedAtMs: Date.now(),
    candidates: [],
    candidate: undefined,
    failed: [],
    decision: undefined,
    edits: [],
    usage: undefined,
    costNanos: undefined,
    upstreamStatus: undefined,
    firstByteMs: undefined,
    answer: answer === undefined ? undefined : async (event) => [answer(event)],
  };
}

function createExchange(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Exchange {
  const id = randomHex(16);
  const url = new URL(request.url ?? "/", "http://gateway");
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) headers[name] = String(value);
  let body: Promise<JsonBody> | undefined;
  return {
    id,
    route: {
      path: "/v1",
      protocol: "llm",
      audiences: [],
      methods: ["POST", "GET"],
      authentication: "required",
      bodyLimitBytes: BODY_LIMIT_BYTES,
    },
    request: {
      method: request.method ?? "GET",
      path: url.pathname,
      query: "",
      headers,
      host: "gateway",
      scheme: "http",
      ip: "127.0.0.1",
      connection: {},
      receivedAtMs: Date.now(),
    },
    principal: {
      id: "test tester",
      issuer: "test",
      subject: "tester",
      client: "",
      tenant: "",
      scopes: [],
      groups: [],
      claims: {},
      actors: [],
      credential: "token",
      expiresAtMs: undefined,
      credentialId: undefined,
    },
    trace: { traceId: randomHex(16), spanId: randomHex(8), parentSpanId: "", sampled: true, tracestate: "" },
    chain: { id: randomHex(16), depth: 0, alone: true, root: "test tester", path: [], spent: 0, tainted: false },
    log: silentLog,
    reply: createReply(response, id),
    signal,
    bodyStream: () => undefined,
    body: () => (body ??= readBody(request)),
  };
}

function createReply(response: ServerResponse, id: string): Reply {
  response.setHeader("x-request-id", id);
  return {
    get status() {
      return response.headersSent ? response.statusCode : 0;
    },
    get started() {
      return response.headersSent;
    },
    setHeader: (name, value) => void response.setHeader(name, value),
    send(status, headers, body) {
      if (!response.destroyed) response.writeHead(status, headers).end(body);
    },
    open(status, headers) {
      response.writeHead(status, headers);
      response.flushHeaders();
    },
    write(chunk) {
      if (response.destroyed || response.write(chunk)) return undefined;
      return Promise.race([once(response, "drain"), once(response, "close")]).then(() => undefined);
    },
    end: () => void response.end(),
    destroy: () => void response.destroy(),
  };
}

async function readBody(request: IncomingMessage): Promise<JsonBody> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= BODY_LIMIT_BYTES) chunks.push(chunk);
  }
  if (size > BODY_LIMIT_BYTES)
    throw new GatewayError("too_large", `The body is larger than ${BODY_LIMIT_BYTES} bytes.`);
  const bytes = Buffer.concat(chunks);
  try {
    return { bytes, value: JSON.parse(bytes.toString("utf8")) as unknown };
  } catch (cause) {
    throw new GatewayError("parse_error", "The body is not valid JSON.", { cause });
  }
}
