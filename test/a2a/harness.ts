import { createA2a, type A2aOptions } from "../../src/a2a/a2a.ts";
import { a2aConfig } from "../../src/a2a/config.ts";
import { toAbortSignal } from "../../src/core/abort.ts";
import { systemClock } from "../../src/core/clock.ts";
import { GatewayError } from "../../src/core/errors.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { randomHex } from "../../src/core/ids.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Operation } from "../../src/core/operation.ts";
import type { Principal } from "../../src/core/principal.ts";
import type { Operate, OperationContext, Outcome, ProtocolHandler, Visible } from "../../src/core/step.ts";
import { parseHttpConfig } from "../../src/http/config.ts";
import { createEdge, type Incoming } from "../../src/http/edge.ts";
import { parseJsonBody } from "../../src/http/json-scan.ts";
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
  readonly complaint: OperationContext["complaint"];
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

/** The A2A relay behind the real edge. `Authorization: Bearer NAME` makes NAME the caller; none is anonymous. */
export async function startGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const config = a2aConfig.a2a.parse(options.a2a);
  if (config === undefined) throw new Error("the test needs an a2a configuration");
  const http = parseHttpConfig({ listen: { port: 0 } });
  const open = new Set<AbortController>();
  const edge = createEdge({
    config: http,
    listener: "data",
    dispatch: (incoming) => serve(gateway.handler, open, incoming),
    clock: systemClock,
    log: silentLog,
  });
  const { port } = await edge.listen();
  const url = `http://127.0.0.1:${port}`;
  const upstream = createUpstream({ egress: http.egress });
  const store: Store = options.store ?? createMemoryStore({ clock: systemClock, log: silentLog });
  const visible: Visible = (exchange, operation) => gateway.rule(exchange.principal, operation);
  const gateway: TestGateway = {
    url,
    records: [],
    rule: () => true,
    answer: undefined,
    handler: createA2a({
      config,
      publicUrl: new URL(url),
      operate: (exchange, operation, work, signal) => operateFor(gateway)(exchange, operation, work, signal),
      visible,
      upstream,
      store,
      clock: options.clock ?? systemClock,
      log: silentLog,
      ...(options.onHandoff === undefined ? {} : { onHandoff: options.onHandoff }),
      ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
    }),
    abort: (reason) => open.forEach((one) => one.abort(reason)),
    async close() {
      await gateway.handler.close();
      await edge.close();
      await upstream.close();
      if (options.store === undefined) await store.close();
    },
  };
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
      failed: [],
      decision: undefined,
      edits: [],
      usage: undefined,
      costNanos: undefined,
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
      const { complaint } = context;
      gateway.records.push({ operation, principal: exchange.principal.id, outcome, error: failure?.kind, complaint });
    }
  };
}

async function serve(handler: ProtocolHandler, open: Set<AbortController>, incoming: Incoming): Promise<void> {
  let value: unknown;
  const own = new AbortController();
  const limits = parseHttpConfig({}).limits.json;
  const signal = AbortSignal.any([toAbortSignal(incoming.signal), own.signal]);
  const exchange = toExchange(incoming, signal, async () => {
    const body = parseJsonBody(await incoming.readBody({ limitBytes: 4_194_304 }), limits);
    value = body.value;
    return body;
  });
  open.add(own);
  try {
    await handler.handle(exchange);
  } catch (thrown) {
    const rendered = handler.renderError(GatewayError.from(thrown), exchange, value);
    incoming.reply.send(rendered.status, rendered.headers, rendered.body);
  } finally {
    open.delete(own);
  }
}

function toExchange({ id, request, reply }: Incoming, signal: AbortSignal, body: Exchange["body"]): Exchange {
  const name = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  return {
    id,
    route: {
      path: "/a2a",
      protocol: "a2a",
      audiences: [],
      methods: ["GET", "POST"],
      authentication: "optional",
      bodyLimitBytes: 4_194_304,
    },
    request,
    principal: toPrincipal(name),
    trace: { traceId: randomHex(16), spanId: randomHex(8), parentSpanId: "", sampled: true, tracestate: "" },
    chain: { id: randomHex(16), depth: 0, alone: true, root: name ?? "anonymous", path: [], spent: 0, tainted: false },
    log: silentLog,
    reply,
    signal,
    body,
    bodyStream: () => undefined,
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
