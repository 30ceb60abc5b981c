import { describe, expect, test } from "vitest";
import { z } from "zod";
import { observabilityConfig } from "../../src/observability/config.ts";

const schema = z.strictObject(observabilityConfig);
const parse = (observability?: unknown) =>
  schema.parse(observability === undefined ? {} : { observability }).observability;

describe("observability configuration", () => {
  test("needs nothing: it logs, keeps a week of journal and exports no spans", () => {
    expect(parse()).toEqual({
      log: { level: "info", format: "json" },
      traces: { headers: {}, sample: 1 },
      journal: { retention: 7 * 86_400_000, maxRecords: 1_000_000, onFull: "drop" },
    });
  });

  test("takes every setting in human units", () => {
    expect(
      parse({
        log: { level: "debug", format: "pretty" },
        traces: { otlp: "https://collector.example/v1/traces", headers: { "api-key": "k" }, sample: 0.5 },
        journal: { retention: "12h", maxRecords: 5_000, onFull: "refuse" },
      }),
    ).toEqual({
      log: { level: "debug", format: "pretty" },
      traces: { otlp: "https://collector.example/v1/traces", headers: { "api-key": "k" }, sample: 0.5 },
      journal: { retention: 43_200_000, maxRecords: 5_000, onFull: "refuse" },
    });
  });

  test.for([
    [{ log: { level: "loud" } }],
    [{ logs: {} }],
    [{ traces: { otlp: "grpc://collector:4317" } }],
    [{ traces: { otlp: "collector:4318" } }],
    [{ traces: { sample: 1.5 } }],
    [{ traces: { headers: { "bad name": "x" } } }],
    [{ journal: { retention: 7 } }],
    [{ journal: { retention: "1s" } }],
    [{ journal: { maxRecords: 0 } }],
    [{ journal: { onFull: "block" } }],
  ])("refuses %j", ([input]) => {
    expect(schema.safeParse({ observability: input }).success).toBe(false);
  });
});
