import { describe, expect, test } from "vitest";
import { LightAbortSignal } from "../../../src/core/abort.ts";
import { forbidsStoring, readCacheControl } from "../../../src/inference/cache/cache-control.ts";
import { createModelIdentities } from "../../../src/inference/cache/model-identity.ts";
import { questionOf } from "../../../src/inference/cache/question-of.ts";
import { toReplayed } from "../../../src/inference/cache/replayed.ts";
import { type Landing, SingleFlight } from "../../../src/inference/cache/single-flight.ts";
import { endpoints } from "../../../src/inference/dialects/registry.ts";

describe("cache-control of a request", () => {
  const all = { isFresh: false, isApart: false, isStored: false, maxAgeMs: Number.POSITIVE_INFINITY };
  test.for([
    [undefined, {}],
    ["", {}],
    ["no-cache", { isFresh: true }],
    ["No-Store", { isApart: true }],
    ["only-if-cached, max-age=5", { isStored: true, maxAgeMs: 5_000 }],
    ['max-age="7"', { maxAgeMs: 7_000 }],
    ["max-age=0", { isFresh: true, maxAgeMs: 0 }],
    ["max-age=soon", { isFresh: true, maxAgeMs: 0 }],
    ["max-age", { isFresh: true, maxAgeMs: 0 }],
    ['no-transform, min-fresh=3, x="no-store"', {}],
  ] as const)("%s", ([header, demand]) => {
    expect(readCacheControl(header)).toEqual({ ...all, ...demand });
  });

  test("a provider's no-store is heard, and nothing else", () => {
    expect(["no-store", "private, no-store, max-age=0", "No-Store"].map(forbidsStoring)).toEqual([true, true, true]);
    expect([undefined, "", "no-cache", "private, max-age=0"].map(forbidsStoring)).toEqual([false, false, false, false]);
  });
});

describe("the question of a call", () => {
  const chat = endpoints.get("/v1/chat/completions")!;
  const asked = (content: unknown, rest: object = {}, role = "user") =>
    questionOf(chat, {
      messages: [
        { role: "system", content: "Be brief." },
        { role, content },
      ],
      ...rest,
    })?.text;

  test("is the last message, where that is a user's plain text", () => {
    expect(asked("Why?")).toBe("Why?");
    expect(asked([{ type: "text", text: "Why?" }])).toBe("Why?");
    expect(asked("Why?", { n: 1 })).toBe("Why?");
    expect(questionOf(endpoints.get("/v1/messages")!, { messages: [{ role: "user", content: "Why?" }] })?.text).toBe(
      "Why?",
    );
  });

  test("and nothing where it is not", () => {
    expect(asked("Why?", {}, "assistant")).toBeUndefined();
    expect(asked("Why?", {}, "tool")).toBeUndefined();
    expect(asked("Why?", { n: 2 })).toBeUndefined();
    expect(asked(" ")).toBeUndefined();
    expect(asked("x".repeat(1_025))).toBeUndefined();
    expect(
      asked([
        { type: "text", text: "Why?" },
        { type: "image_url", image_url: { url: "https://x" } },
      ]),
    ).toBeUndefined();
    expect(asked([{ type: "tool_result", tool_use_id: "1", content: "42" }])).toBeUndefined();
    expect(asked(null)).toBeUndefined();
    expect(questionOf(chat, { messages: [] })).toBeUndefined();
    expect(questionOf(endpoints.get("/v1/embeddings")!, { input: "Why?" })).toBeUndefined();
  });
});

describe("what a model's name stands for", () => {
  const models = {
    a: { provider: "x", fallback: ["b"] },
    b: { provider: "x", fallback: ["a"], url: "u" },
    c: { pool: "p" },
  };
  const pools = { p: { endpoints: ["e"] } };
  const of = (change: object = {}, others: object = pools) =>
    createModelIdentities({ ...models, ...change }, others as Record<string, unknown>);

  test("changes with its entry, with those that step in, and with its pool, and with nothing else", () => {
    const before = of();
    expect(of().get("a")).toBe(before.get("a"));
    expect(of({ c: { pool: "q" } }).get("a")).toBe(before.get("a"));
    expect(of({ b: { provider: "x", url: "v" } }).get("a")).not.toBe(before.get("a"));
    expect(of({ a: { provider: "y" } }).get("a")).not.toBe(before.get("a"));
    expect(of({}, { p: { endpoints: ["f"] } }).get("c")).not.toBe(before.get("c"));
    expect(new Set(before.values()).size).toBe(3);
  });
});

describe("equal calls under way", () => {
  const never = new LightAbortSignal();

  test("are told once how the first ended, and leave nothing behind", async () => {
    const flights = new SingleFlight<string>();
    const flight = flights.lead("k");
    const waiting = [flights.follow("k", never, 60_000), flights.follow("k", never, 60_000)];
    expect(flights.isUnderWay("other")).toBe(false);
    flight.land({ answer: "yes" });
    flight.land({ how: "failed" });
    expect(await Promise.all(waiting)).toEqual([{ answer: "yes" }, { answer: "yes" }]);
    expect(flights.count).toBe(0);
  });

  test("a flight that lands late does not end the one after it", () => {
    const flights = new SingleFlight<string>();
    const first = flights.lead("k");
    first.land({ how: "left" });
    flights.lead("k");
    first.land({ how: "failed" });
    expect(flights.isUnderWay("k")).toBe(true);
  });

  test("who leaves or has waited long enough is told nothing more", async () => {
    const flights = new SingleFlight<string>();
    const flight = flights.lead("k");
    const signal = new LightAbortSignal();
    const left = flights.follow("k", signal, 60_000);
    const late = flights.follow("k", never, 1);
    signal.abort(new Error("gone"));
    await expect(left).rejects.toThrow("gone");
    expect(await late).toBeUndefined();
    await expect(flights.follow("k", signal, 60_000)).rejects.toThrow("gone");
    flight.land({ answer: "yes" });
    const nobody: Landing<string> | undefined = await flights.follow("k", never, 60_000);
    expect(nobody).toBeUndefined();
  });
});

test("a stored stream is handed out as it is read, a piece at a time", async () => {
  const bytes = Buffer.from("x".repeat(100_000));
  const { body } = toReplayed({
    dialect: "openai",
    contentType: "text/event-stream",
    bytes,
    headers: {},
    candidate: "small",
    usage: undefined,
    costNanos: undefined,
    storedAtMs: 0,
    expiresAtMs: 1,
  });
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(piece);
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(16_384);
});
