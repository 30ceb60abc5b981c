import { describe, expect, test } from "vitest";
import { newRequestId } from "../../src/core/ids.ts";
import { toTraceHeaders } from "../../src/core/trace-headers.ts";
import { beginTrace, parseTraceparent, parseTracestate } from "../../src/observability/trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const never = () => false;
const NOW_MS = 1_750_000_000_000;

describe("traceparent", () => {
  test.for([
    ["sampled", `00-${TRACE}-${SPAN}-01`, true],
    ["not sampled", `00-${TRACE}-${SPAN}-00`, false],
    ["other flags set, sampled", `00-${TRACE}-${SPAN}-ff`, true],
    ["other flags set, not sampled", `00-${TRACE}-${SPAN}-fe`, false],
    ["a later version", `01-${TRACE}-${SPAN}-01`, true],
    ["a later version with more", `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, true],
  ] as const)("is read: %s", ([, header, sampled]) => {
    expect(parseTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
  });

  test.for([
    ["empty", ""],
    ["version ff", `ff-${TRACE}-${SPAN}-01`],
    ["version 00 with more", `00-${TRACE}-${SPAN}-01-more`],
    ["version 00 with a dash at the end", `00-${TRACE}-${SPAN}-01-`],
    ["a later version with more and no dash", `cc-${TRACE}-${SPAN}-01.what`],
    ["an all-zero trace", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["an all-zero span", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["upper case", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ["a short trace", `00-${TRACE.slice(1)}-${SPAN}-01`],
    ["a long trace", `00-${TRACE}0-${SPAN}-01`],
    ["a short span", `00-${TRACE}-${SPAN.slice(1)}-01`],
    ["no flags", `00-${TRACE}-${SPAN}`],
    ["half a flag", `00-${TRACE}-${SPAN}-1`],
    ["not hex", `00-${TRACE.replace("0", "g")}-${SPAN}-01`],
    ["a space before", ` 00-${TRACE}-${SPAN}-01`],
    ["two of them joined", `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`],
    ["a later version of endless length", `cc-${TRACE}-${SPAN}-01-${"x".repeat(10_000)}`],
    ["injected lines", `00-${TRACE}-${SPAN}-01\r\nx: y`],
  ] as const)("is ignored, and a new trace begins: %s", ([, traceparent]) => {
    expect(parseTraceparent(traceparent)).toBeUndefined();
    const trace = beginTrace({ traceparent, tracestate: "a=1" }, newRequestId(NOW_MS), never);
    expect(trace).toMatchObject({ parentSpanId: "", tracestate: "", sampled: false });
    expect(trace.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(trace.traceId).not.toBe(TRACE);
  });
});

describe("tracestate", () => {
  test.for([
    ["one", "congo=t61rcWkgMzE", "congo=t61rcWkgMzE"],
    [
      "several, with spaces and empty members",
      "rojo=00f067aa0ba902b7 , ,\tcongo=t61rcWkgMzE,",
      "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    ],
    ["a tenant", "fw529a3039@dt=FfffffffffffffffAB", "fw529a3039@dt=FfffffffffffffffAB"],
    [
      "32 members",
      Array.from({ length: 32 }, (_, n) => `k${n}=1`).join(","),
      Array.from({ length: 32 }, (_, n) => `k${n}=1`).join(","),
    ],
    ["empty", "", ""],
  ] as const)("is passed on: %s", ([, header, expected]) => {
    expect(parseTracestate(header)).toBe(expected);
  });

  test.for([
    ["33 members", Array.from({ length: 33 }, (_, n) => `k${n}=1`).join(",")],
    ["a repeated key", "a=1,a=2"],
    ["an upper-case key", "Foo=1"],
    ["no value", "foo="],
    ["no key", "=1"],
    ["no equals sign", "foo"],
    ["an equals sign in the value", "foo=a=b"],
    ["a control character", "foo=a\u0001b"],
    ["not ASCII", "foo=ä"],
    ["too long", `foo=${"x".repeat(600)}`],
    ["two tenants", "a@b@c=1"],
  ] as const)("is dropped: %s", ([, header]) => {
    expect(parseTracestate(header)).toBe("");
  });
});

describe("a trace", () => {
  test("goes on under the caller's, with a span of our own and the caller's state and flag", () => {
    const trace = beginTrace({ traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: "a=1" }, newRequestId(NOW_MS), never);
    expect(trace).toEqual({
      traceId: TRACE,
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      parentSpanId: SPAN,
      sampled: true,
      tracestate: "a=1",
    });
    expect(trace.spanId).not.toBe(SPAN);
    expect(toTraceHeaders(trace)).toEqual({ traceparent: `00-${TRACE}-${trace.spanId}-01`, tracestate: "a=1" });
  });

  test("without a caller's is new every time, sorts by time and ends in random bytes", () => {
    const traces = Array.from({ length: 1_000 }, (_, n) => beginTrace({}, newRequestId(NOW_MS + n), never));
    expect(new Set(traces.map((trace) => trace.traceId)).size).toBe(1_000);
    expect(new Set(traces.map((trace) => trace.traceId.slice(18))).size).toBe(1_000);
    const ids = traces.map((trace) => trace.traceId);
    expect([...ids].sort()).toEqual(ids);
    expect(toTraceHeaders(traces[0]!)).toEqual({ traceparent: `00-${traces[0]!.traceId}-${traces[0]!.spanId}-00` });
  });

  test("what goes out is read back", () => {
    for (const sampled of [true, false]) {
      const trace = beginTrace({}, newRequestId(NOW_MS), () => sampled);
      expect(parseTraceparent(toTraceHeaders(trace)["traceparent"])).toEqual({
        traceId: trace.traceId,
        spanId: trace.spanId,
        sampled,
      });
    }
  });
});
