import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { newRequestId } from "../../src/core/ids.ts";
import { GatewayError } from "../../src/core/errors.ts";
import { silentLog } from "../../src/core/log.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { toExchangeSpan, toOperationSpan } from "../../src/observability/spans.ts";
import { createTracer, type Tracer } from "../../src/observability/traces.ts";
import { createTestContext } from "./test-context.ts";

interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly status: { readonly code: number; readonly message?: string };
}
interface OtlpBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** A collector that takes OTLP over HTTP as JSON, or fails as told. */
async function startCollector(mode: "takes" | "refuses" | "hangs") {
  const bodies: OtlpBody[] = [];
  const headers: Record<string, unknown>[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (mode === "hangs") return;
      headers.push(request.headers);
      if (mode === "takes") bodies.push(JSON.parse(Buffer.concat(chunks).toString()) as OtlpBody);
      response.writeHead(mode === "takes" ? 200 : 400, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    headers,
    spans: () =>
      bodies.flatMap((body) =>
        body.resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans)),
      ),
    bodies,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

const attributesOf = (span: OtlpSpan) =>
  Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

describe("traces", () => {
  const open: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });

  async function start(mode: "takes" | "refuses" | "hangs" | "away", sample = 1) {
    const collector = mode === "away" ? undefined : await startCollector(mode);
    const metrics = createMetrics();
    const tracer: Tracer = await createTracer(
      { otlp: collector?.url ?? "http://127.0.0.1:1/v1/traces", headers: { "api-key": "collector-key" }, sample },
      { log: silentLog, meter: metrics.meter },
    );
    open.push(
      () => metrics.close(),
      () => collector?.close(),
      () => tracer.close(),
    );
    const dropped = async () =>
      [...(await metrics.render()).body.matchAll(/^sallyport_spans_dropped_total\{.*\} (\d+)$/gm)].reduce(
        (sum, match) => sum + Number(match[1]),
        0,
      );
    return { tracer, collector: collector!, dropped };
  }

  test("spans of an exchange and its operation reach the collector, one under the other, with what the conventions name", async () => {
    const { tracer, collector } = await start("takes");
    const context = createTestContext({
      operation: {
        protocol: "llm",
        method: "chat.completions",
        mode: "stream",
        target: { kind: "model", name: "gpt-4o", server: "openai" },
      },
      context: { usage: { inputTokens: 11, outputTokens: 22 }, candidate: { name: "claude" } },
    });
    tracer.record(toOperationSpan(context, { status: "ok", durationMs: 250.5 }));
    tracer.record(toExchangeSpan(context.exchange, 200, 260));
    await tracer.close();

    expect(collector.headers[0]).toMatchObject({ "api-key": "collector-key" });
    expect(collector.bodies[0]?.resourceSpans[0]?.resource.attributes).toContainEqual({
      key: "service.name",
      value: { stringValue: "sallyport" },
    });
    const spans = collector.spans();
    expect(spans).toHaveLength(2);
    const server = spans.find((span) => span.kind === 2) as OtlpSpan;
    const client = spans.find((span) => span.kind === 3) as OtlpSpan;
    expect(server).toMatchObject({
      traceId: context.exchange.trace.traceId,
      spanId: "b7ad6b7169203331",
      parentSpanId: "00f067aa0ba902b7",
      name: "POST /mcp",
      status: { code: 0 },
    });
    expect(attributesOf(server)).toMatchObject({
      "http.request.method": "POST",
      "http.route": "/mcp",
      "http.response.status_code": 200,
    });
    expect(client).toMatchObject({
      traceId: context.exchange.trace.traceId,
      parentSpanId: server.spanId,
      name: "chat gpt-4o",
    });
    expect(BigInt(client.endTimeUnixNano) - BigInt(client.startTimeUnixNano)).toBe(250_500_000n);
    expect(BigInt(client.startTimeUnixNano)).toBe(1_750_000_000_000_000_000n);
    expect(attributesOf(client)).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "gpt-4o",
      "gen_ai.provider.name": "openai",
      "gen_ai.usage.input_tokens": 11,
      "gen_ai.usage.output_tokens": 22,
      "sallyport.candidate": "claude",
      "sallyport.rule": "analysts read",
    });
  });

  test("tool calls and handoffs carry their names, failures their kind, and none what was said", async () => {
    const { tracer, collector } = await start("takes");
    tracer.record(
      toOperationSpan(createTestContext(), {
        status: "failed",
        error: new GatewayError("upstream_timeout", "late"),
        durationMs: 1,
      }),
    );
    tracer.record(
      toOperationSpan(
        createTestContext({
          operation: {
            protocol: "a2a",
            method: "SendMessage",
            target: { kind: "agent", name: "writer", server: "writer" },
          },
        }),
        { status: "ok", durationMs: 1 },
      ),
    );
    await tracer.close();
    const [tool, handoff] = ["tools/call read_file", "SendMessage writer"].map(
      (name) => collector.spans().find((span) => span.name === name) as OtlpSpan,
    );
    expect(tool?.status).toEqual({ code: 2, message: "upstream_timeout" });
    expect(attributesOf(tool as OtlpSpan)).toMatchObject({
      "mcp.method.name": "tools/call",
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "read_file",
      "error.type": "upstream_timeout",
    });
    expect(attributesOf(handoff as OtlpSpan)).toMatchObject({
      "a2a.method": "SendMessage",
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "writer",
    });
    expect(JSON.stringify(collector.bodies)).not.toContain("canary-argument");
  });

  test("a span that was not sampled is not sent", async () => {
    const { tracer, collector } = await start("takes");
    const span = toOperationSpan(createTestContext(), { status: "ok", durationMs: 1 });
    tracer.record({ ...span, sampled: false });
    tracer.record({ ...span, name: "kept" });
    await tracer.close();
    expect(collector.spans().map((each) => each.name)).toEqual(["kept"]);
  });

  test("sampling keeps its share of new traces, keeps a caller's choice, and decides by the trace id alone", async () => {
    const { tracer } = await start("away", 0.25);
    const kept = Array.from({ length: 4_000 }, () => tracer.begin({}, newRequestId(1))).filter(
      (trace) => trace.sampled,
    ).length;
    expect(kept).toBeGreaterThan(800);
    expect(kept).toBeLessThan(1_200);
    const parent = (flag: string) =>
      tracer.begin({ traceparent: `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flag}` }, newRequestId(1))
        .sampled;
    expect([parent("01"), parent("00")]).toEqual([true, false]);
    const { tracer: all } = await start("away", 1);
    const { tracer: none } = await start("away", 0);
    expect(all.begin({}, newRequestId(1)).sampled).toBe(true);
    expect(Array.from({ length: 100 }, () => none.begin({}, newRequestId(1)).sampled)).not.toContain(true);
  });

  test("a collector that hangs costs a bounded queue, every lost span is counted, and closing does not wait for it", async () => {
    const { tracer, dropped } = await start("hangs");
    const span = toOperationSpan(createTestContext(), { status: "ok", durationMs: 1 });
    for (let n = 0; n < 10_000; n += 1) tracer.record(span);
    expect(await dropped()).toBe(10_000 - 4_096);
    await tracer.close();
    tracer.record(span);
  });

  test.for(["refuses", "away"] as const)(
    "a collector that %s loses spans, which are counted, and harms nothing",
    async (mode) => {
      const { tracer, dropped } = await start(mode);
      for (let n = 0; n < 600; n += 1)
        tracer.record(toOperationSpan(createTestContext(), { status: "ok", durationMs: 1 }));
      await tracer.close();
      while ((await dropped()) < 600) await sleep(50);
      expect(await dropped()).toBe(600);
    },
  );

  test("without an endpoint nothing is exported, new traces are not sampled and a caller's flag is passed on", async () => {
    const metrics = createMetrics();
    const tracer = await createTracer({ headers: {}, sample: 1 }, { log: silentLog, meter: metrics.meter });
    expect(tracer.exports).toBe(false);
    expect(tracer.begin({}, newRequestId(1)).sampled).toBe(false);
    expect(
      tracer.begin({ traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }, newRequestId(1)),
    ).toMatchObject({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      sampled: true,
    });
    tracer.record(toOperationSpan(createTestContext(), { status: "ok", durationMs: 1 }));
    await tracer.close();
    metrics.close();
  });
});
