import type { Exchange } from "../core/exchange.ts";
import { randomHex } from "../core/ids.ts";
import type { Operation } from "../core/operation.ts";
import type { OperationContext, Outcome } from "../core/step.ts";
import { tenantOf } from "../core/tenant.ts";

/** One finished piece of work in a trace. */
export interface SpanRecord {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty at a root. */
  readonly parentSpanId: string;
  readonly sampled: boolean;
  readonly name: string;
  /** `server`: an exchange the gateway answered. `client`: an operation it carried out elsewhere. */
  readonly kind: "server" | "client";
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** The error kind when it failed. */
  readonly error: string | undefined;
}

type Attributes = Record<string, string | number | boolean>;

/** https://opentelemetry.io/docs/specs/semconv/gen-ai/: the well-known operation names; what has none goes by its own. */
const genAiOperations: Readonly<Record<string, string>> = {
  "chat.completions": "chat",
  messages: "chat",
  responses: "chat",
  completions: "text_completion",
  embeddings: "embeddings",
  generateContent: "generate_content",
  "tools/call": "execute_tool",
  SendMessage: "invoke_agent",
  SendStreamingMessage: "invoke_agent",
  "message/send": "invoke_agent",
  "message/stream": "invoke_agent",
};

function describe({ protocol, method, target, mode }: Operation): { name: string; attributes: Attributes } {
  const operation = genAiOperations[method];
  const attributes: Attributes = { "sallyport.protocol": protocol };
  if (operation !== undefined) attributes["gen_ai.operation.name"] = operation;
  switch (protocol) {
    case "mcp":
      attributes["mcp.method.name"] = method;
      if (target.kind === "tool") attributes["gen_ai.tool.name"] = target.name;
      if (target.kind === "resource") attributes["mcp.resource.uri"] = target.name;
      if (target.kind === "prompt") attributes["gen_ai.prompt.name"] = target.name;
      if (target.server !== "") attributes["sallyport.server"] = target.server;
      // A resource's address has too many values for a span's name.
      return {
        name: target.name === "" || target.kind === "resource" ? method : `${method} ${target.name}`,
        attributes,
      };
    case "a2a":
      attributes["a2a.method"] = method;
      if (target.kind === "task") attributes["a2a.task.id"] = target.name;
      if (target.server !== "") attributes["gen_ai.agent.name"] = target.server;
      return { name: target.server === "" ? method : `${method} ${target.server}`, attributes };
    case "llm":
      attributes["gen_ai.request.model"] = target.name;
      if (target.server !== "") attributes["gen_ai.provider.name"] = target.server;
      if (mode === "stream") attributes["gen_ai.request.stream"] = true;
      return { name: `${operation ?? method} ${target.name}`, attributes };
    case "http":
      attributes["http.request.method"] = method;
      attributes["http.route"] = target.server;
      if (target.kind === "service") attributes["sallyport.service"] = target.name;
      return { name: `${method} ${target.name}`, attributes };
  }
}

/** The span of one operation, under the span of its exchange. */
export function toOperationSpan(context: OperationContext, outcome: Outcome): SpanRecord {
  const { exchange, operation, candidate, failed, decision, usage, upstreamStatus, firstByteMs } = context;
  const { trace, principal, chain } = exchange;
  const { name, attributes } = describe(operation);
  attributes["sallyport.operation.id"] = context.id;
  attributes["sallyport.outcome"] = outcome.status;
  attributes["sallyport.principal"] = principal.id;
  const tenant = tenantOf(exchange, operation);
  if (tenant !== "") attributes["sallyport.tenant"] = tenant;
  attributes["sallyport.chain.id"] = chain.id;
  attributes["sallyport.chain.depth"] = chain.depth;
  if (decision !== undefined) attributes["sallyport.rule"] = decision.rule;
  if (candidate !== undefined) attributes["sallyport.candidate"] = candidate.name;
  if (failed.length > 0) attributes["sallyport.fallback"] = failed.map(({ reason }) => reason).join(", ");
  if (upstreamStatus !== undefined) attributes["http.response.status_code"] = upstreamStatus;
  if (firstByteMs !== undefined) attributes["sallyport.first_byte_ms"] = firstByteMs;
  if (usage?.inputTokens !== undefined) attributes["gen_ai.usage.input_tokens"] = usage.inputTokens;
  if (usage?.outputTokens !== undefined) attributes["gen_ai.usage.output_tokens"] = usage.outputTokens;
  if (usage?.cachedInputTokens !== undefined)
    attributes["gen_ai.usage.cache_read.input_tokens"] = usage.cachedInputTokens;
  return {
    traceId: trace.traceId,
    spanId: randomHex(8),
    parentSpanId: trace.spanId,
    sampled: trace.sampled,
    name,
    kind: "client",
    startedAtMs: context.startedAtMs,
    durationMs: outcome.durationMs,
    attributes,
    error: outcome.error?.kind ?? (outcome.status === "ok" ? undefined : outcome.status),
  };
}

/** The span of one exchange, whose id upstreams see as their parent. `status` is 0 when the client had gone. */
export function toExchangeSpan(
  exchange: Pick<Exchange, "id" | "trace" | "request" | "route">,
  status: number,
  durationMs: number,
): SpanRecord {
  const { trace, request, route } = exchange;
  return {
    traceId: trace.traceId,
    spanId: trace.spanId,
    parentSpanId: trace.parentSpanId,
    sampled: trace.sampled,
    name: `${request.method} ${route.path}`,
    kind: "server",
    startedAtMs: request.receivedAtMs,
    durationMs,
    attributes: {
      "http.request.method": request.method,
      "http.route": route.path,
      "url.scheme": request.scheme,
      "server.address": request.host,
      "client.address": request.ip,
      "sallyport.exchange.id": exchange.id,
      "sallyport.protocol": route.protocol,
      ...(status > 0 && { "http.response.status_code": status }),
    },
    error: status >= 500 ? String(status) : status === 0 ? "cancelled" : undefined,
  };
}
