import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { createMetrics, type Metrics } from "../../src/observability/metrics.ts";
import { createTestContext } from "./test-context.ts";

describe("metrics", () => {
  let metrics: Metrics;
  beforeEach(() => {
    metrics = createMetrics();
  });
  afterEach(() => metrics.close());
  const lines = async () => (await metrics.render()).body.split("\n").filter((line) => !line.startsWith("#"));

  test("an operation is counted by protocol, method, outcome and error kind, with its durations and tokens", async () => {
    metrics.operation(
      createTestContext({ context: { usage: { inputTokens: 7, outputTokens: 5, cachedInputTokens: 2 } } }),
      { status: "ok", durationMs: 40 },
    );
    metrics.operation(createTestContext({ context: { decision: { allow: false, rule: "no way out", reason: "r" } } }), {
      status: "denied",
      error: new GatewayError("denied", "no"),
      durationMs: 1,
    });
    const body = await lines();
    expect(body).toContain('sallyport_operations_total{protocol="mcp",method="tools/call",outcome="ok",kind="none"} 1');
    expect(body).toContain(
      'sallyport_operations_total{protocol="mcp",method="tools/call",outcome="denied",kind="denied"} 1',
    );
    expect(body).toContain(
      'sallyport_operation_duration_seconds_bucket{le="0.05",protocol="mcp",method="tools/call",outcome="ok"} 1',
    );
    expect(body).toContain(
      'sallyport_operation_duration_seconds_bucket{le="0.025",protocol="mcp",method="tools/call",outcome="ok"} 0',
    );
    expect(body).toContain('sallyport_first_byte_seconds_count{protocol="mcp",method="tools/call"} 2');
    expect(body).toContain('sallyport_tokens_total{direction="input",model="files"} 7');
    expect(body).toContain('sallyport_tokens_total{direction="output",model="files"} 5');
    expect(body).toContain('sallyport_tokens_total{direction="cached_input",model="files"} 2');
    expect(body).toContain('sallyport_denials_total{rule="no way out"} 1');
  });

  test("exchanges, work under way, upstreams and reloads have their metrics", async () => {
    metrics.exchange("/mcp", "mcp", 200);
    metrics.inFlight("llm", 1);
    metrics.inFlight("llm", 1);
    metrics.inFlight("llm", -1);
    metrics.upstream("llm", "gpt-4o", "failed", 2_000);
    metrics.configReload("refused");
    const body = await lines();
    expect(body).toContain('sallyport_exchanges_total{route="/mcp",protocol="mcp",status="200"} 1');
    expect(body).toContain('sallyport_in_flight{protocol="llm"} 1');
    expect(body).toContain(
      'sallyport_upstream_duration_seconds_sum{protocol="llm",candidate="gpt-4o",outcome="failed"} 2',
    );
    expect(body).toContain('sallyport_config_reloads_total{result="refused"} 1');
  });

  test("a method that no protocol knows is counted as other", async () => {
    for (let n = 0; n < 50; n += 1)
      metrics.operation(createTestContext({ operation: { method: `made-up-${n}` } }), {
        status: "failed",
        durationMs: 1,
      });
    expect(await lines()).toContain(
      'sallyport_operations_total{protocol="mcp",method="other",outcome="failed",kind="none"} 50',
    );
    expect((await lines()).some((line) => line.includes("made-up"))).toBe(false);
  });

  test("label combinations beyond the cap are counted together", async () => {
    const counter = metrics.meter.counter("seen_total", "Seen", ["who", "what"]);
    for (let n = 0; n < 5_000; n += 1) counter.add([`caller-${n}`, "x"]);
    counter.add(["caller-0", "x"]);
    const seen = (await lines()).filter((line) => line.startsWith("sallyport_seen_total"));
    expect(seen).toHaveLength(1_001);
    expect(seen).toContain('sallyport_seen_total{who="caller-0",what="x"} 2');
    expect(seen).toContain('sallyport_seen_total{who="other",what="other"} 4000');
  });

  test("series of what is gone are dropped by their first labels, make room, and begin anew", async () => {
    const counter = metrics.meter.counter("seen_total", "Seen", ["where", "who", "what"]);
    const gauge = metrics.meter.gauge("there", "There", ["where", "who"]);
    const seen = async () => (await lines()).filter((line) => /^sallyport_(seen|there)/.test(line));
    for (const who of ["a", "b"]) {
      for (const what of ["x", "y"]) counter.add(["here", who, what]);
      gauge.set(["here", who], 1);
    }
    counter.drop(["here", "b"]);
    gauge.drop(["here", "b"]);
    counter.drop(["nowhere", "b"]);
    const left = [
      'sallyport_seen_total{where="here",who="a",what="x"} 1',
      'sallyport_seen_total{where="here",who="a",what="y"} 1',
      'sallyport_there{where="here",who="a"} 1',
    ];
    expect(await seen()).toEqual(left);
    for (let n = 0; n < 5_000; n += 1) {
      counter.add(["here", `pod-${n}`, "x"]);
      counter.drop(["here", `pod-${n}`]);
    }
    expect(await seen()).toEqual(left);
    // The one that was used last too.
    counter.add(["here", "a", "y"]);
    counter.drop(["here"]);
    gauge.drop(["here"]);
    expect(await seen()).toEqual([]);
    counter.add(["here", "a", "y"]);
    expect(await seen()).toEqual(['sallyport_seen_total{where="here",who="a",what="y"} 1']);
  });

  test("a label from a caller can neither break the page nor fill it", async () => {
    const counter = metrics.meter.counter("odd_total", "Odd", ["name"]);
    counter.add(['a"} 1\nsallyport_forged 9\n\\']);
    counter.add(["x".repeat(100_000)]);
    const body = (await metrics.render()).body;
    expect(body).not.toMatch(/^sallyport_forged/m);
    expect(body.length).toBeLessThan(50_000);
  });

  test("the same declaration gives the same metric and another shape under its name is refused", async () => {
    metrics.meter.counter("twice_total", "Twice", ["a"]).add(["1"]);
    metrics.meter.counter("twice_total", "Twice", ["a"]).add(["1"], 2);
    expect(await lines()).toContain('sallyport_twice_total{a="1"} 3');
    expect(() => metrics.meter.gauge("twice_total", "Twice", ["a"])).toThrow(TypeError);
    expect(() => metrics.meter.counter("twice_total", "Twice", ["a"]).add([])).toThrow(TypeError);
  });

  test("a gauge can be set and moved, also without labels", async () => {
    const gauge = metrics.meter.gauge("level", "Level", []);
    gauge.set([], 5);
    gauge.add([], -2);
    expect(await lines()).toContain("sallyport_level 3");
  });

  test("the page says what the process uses, in the format Prometheus reads", async () => {
    const { contentType, body } = await metrics.render();
    expect(contentType).toContain("text/plain; version=0.0.4");
    for (const name of [
      "process_cpu_seconds",
      "process_resident_memory_bytes",
      "event_loop_utilization_ratio",
      "event_loop_delay_p99_seconds",
    ]) {
      const value = Number(new RegExp(`^sallyport_${name} (\\S+)$`, "m").exec(body)?.[1]);
      expect(value).toBeGreaterThanOrEqual(0);
    }
    // Every series stands under a type.
    const typed = new Set([...body.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]));
    for (const line of await lines()) {
      if (line === "") continue;
      expect(typed).toContain((line.split(/[ {]/)[0] as string).replace(/_(?:bucket|sum|count)$/, ""));
    }
  });

  test("two gateways in one process count apart", async () => {
    const other = createMetrics();
    other.exchange("/a", "mcp", 200);
    expect((await metrics.render()).body).not.toContain('route="/a"');
    other.close();
  });
});
