import { describe, expect, test } from "vitest";
import { z } from "zod";
import { stateConfig } from "../../src/state/config.ts";

const schema = z.strictObject(stateConfig);
const parse = (state?: unknown) => schema.parse(state === undefined ? {} : { state }).state;
const redis = { kind: "redis", cluster: false, prefix: "sallyport:", timeoutMs: 500, ca: undefined };

describe("state configuration", () => {
  test.for([
    ["nothing", undefined, { kind: "sqlite", file: "./data/sallyport.db", synchronous: "normal" }],
    ["a path", "./data/sallyport.db", { kind: "sqlite", file: "./data/sallyport.db", synchronous: "normal" }],
    [
      "an absolute path",
      "/var/lib/sallyport/state.db",
      { kind: "sqlite", file: "/var/lib/sallyport/state.db", synchronous: "normal" },
    ],
    ["memory", "memory", { kind: "memory" }],
    ["a Redis address", "redis://127.0.0.1:6379/2", { ...redis, urls: ["redis://127.0.0.1:6379/2"] }],
    [
      "a Redis address over TLS",
      "rediss://user:pass@redis:6380",
      { ...redis, urls: ["rediss://user:pass@redis:6380"] },
    ],
    [
      "a file that keeps everything",
      { file: "x.db", synchronous: "full" },
      { kind: "sqlite", file: "x.db", synchronous: "full" },
    ],
    [
      "a cluster",
      { redis: ["redis://a", "redis://b"], cluster: true, prefix: "gw:", timeout: "250ms" },
      { ...redis, urls: ["redis://a", "redis://b"], cluster: true, prefix: "gw:", timeoutMs: 250 },
    ],
  ] as const)("takes %s", ([, input, expected]) => {
    expect(parse(input)).toEqual(expected);
  });

  test.for([
    ["another kind of address", "postgres://db/x"],
    ["an address without a host", "redis://"],
    ["an empty path", ""],
    ["a number", 5],
    ["an empty object", {}],
    ["an unknown key", { file: "x.db", journal: "wal" }],
    ["both places", { file: "x.db", redis: "redis://a" }],
    ["a file with Redis settings", { file: "x.db", timeout: "1s" }],
    ["Redis with file settings", { redis: "redis://a", synchronous: "full" }],
    ["several servers that are no cluster", { redis: ["redis://a", "redis://b"] }],
    ["a prefix that would move keys between slots", { redis: "redis://a", prefix: "{x}" }],
    ["a timeout of nothing", { redis: "redis://a", timeout: "1ms" }],
  ] as const)("refuses %s", ([, input]) => {
    expect(schema.safeParse({ state: input }).success).toBe(false);
  });

  test("is described for people and tools, and its secrets are marked", () => {
    const text = JSON.stringify(z.toJSONSchema(schema, { io: "input" }));
    expect(text).toContain('"x-secret":"[:@]"');
    expect(text).toContain("redis://");
  });
});
