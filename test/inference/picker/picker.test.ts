import { describe, expect, test } from "vitest";
import { blockTokens, emptyChain, toBlockChain } from "../../../src/inference/picker/block-chain.ts";
import { Endpoints } from "../../../src/inference/picker/endpoints.ts";
import { createPicker } from "../../../src/inference/picker/picker.ts";
import { PrefixIndex } from "../../../src/inference/picker/prefix-index.ts";
import { type Profile, profiles, profileSchema } from "../../../src/inference/picker/profiles.ts";
import { endpointSaturation, mustShed, poolSaturation } from "../../../src/inference/picker/saturation.ts";
import type { PickRequest } from "../../../src/inference/picker/scene.ts";

function poolOf(size: number, profile: Profile, replica = "a") {
  const endpoints = new Endpoints({ slots: 64 });
  for (let at = 0; at < size; at++) endpoints.add(`http://vllm-${at}`);
  const prefixes = new PrefixIndex({ slots: 64 });
  return { endpoints, prefixes, picker: createPicker({ endpoints, prefixes, profile, replica }) };
}

const { classic } = profiles;
const sticky = profiles["sticky-until-saturated"];
const short = (id: string): PickRequest => ({ id, chain: emptyChain, promptTokens: 10 });

function long(id: string, fill: number, blocks = 20): PickRequest {
  const bytes = new Uint8Array(blocks * blockTokens * 4).fill(fill);
  return { id, chain: toBlockChain(bytes, 1), promptTokens: blocks * blockTokens };
}

const profileOf = (type: string) => profileSchema.parse({ scorers: [{ type }] });
const idle = { queued: 0, running: 0, kvUsage: 0 };

describe("a pick", () => {
  test("counts itself in before the next one, so a burst spreads evenly with no scrape between", () => {
    for (const profile of [profileOf("active-request-scorer"), sticky]) {
      const { endpoints, picker } = poolOf(10, profile);
      for (let at = 0; at < 200; at++) picker.pick(short(`r${at}`), { nowMs: 0 });
      expect([...endpoints.requests.subarray(0, 10)]).toEqual(Array.from({ length: 10 }, () => 20));
    }
  });

  test("is counted out once, however often its end is told, and never off another endpoint in its slot", () => {
    const { endpoints, picker } = poolOf(1, sticky);
    const first = picker.pick(short("one"), { nowMs: 0 })!;
    const second = picker.pick(short("two"), { nowMs: 0 })!;
    first.end();
    first.end();
    expect(endpoints.requests[0]).toBe(1);
    endpoints.remove(0);
    endpoints.add("http://another");
    picker.pick(short("three"), { nowMs: 0 });
    second.end();
    expect(endpoints.requests[0]).toBe(1);
    expect(endpoints.tokens[0]).toBe(10);
  });

  test("leaves out what is unusable or tried already, and finds nothing when nothing is left", () => {
    const { endpoints, picker } = poolOf(3, classic);
    endpoints.usable[1] = 0;
    for (let at = 0; at < 20; at++) expect(picker.pick(short(`r${at}`), { nowMs: 0, except: [0] })?.slot).toBe(2);
    expect(picker.pick(short("last"), { nowMs: 0, except: [0, 2] })).toBeUndefined();
  });

  test("goes where the prompt is cached, until waiting there costs more than two seconds", () => {
    const { endpoints, picker } = poolOf(4, sticky);
    const home = picker.pick(long("first", 7), { nowMs: 0 })!;
    home.end();
    for (let at = 0; at < 20; at++) expect(picker.pick(long(`next${at}`, 7), { nowMs: 0 })?.slot).toBe(home.slot);
    endpoints.tokens[home.slot] = 2.1 * 15_928;
    expect(picker.pick(long("over", 7), { nowMs: 0 })?.slot).not.toBe(home.slot);
  });

  test("goes where the adapter is loaded, then where one more has room", () => {
    const { endpoints, picker } = poolOf(3, sticky);
    const full = { running: ["x", "y"], waiting: [], max: 2 };
    endpoints.report(0, { ...idle, adapters: full }, 0);
    endpoints.report(1, { ...idle, adapters: { running: ["x"], waiting: [], max: 2 } }, 0);
    endpoints.report(2, { ...idle, adapters: full }, 0);
    expect(picker.pick({ ...short("new"), adapter: "z" }, { nowMs: 0 })?.slot).toBe(1);
    for (let at = 0; at < 5; at++) {
      expect(picker.pick({ ...short(`again${at}`), adapter: "z" }, { nowMs: 0 })?.slot).toBe(1);
    }
  });

  test("breaks ties differently in two replicas, and evenly", () => {
    const counts = new Int32Array(8);
    let same = 0;
    for (let at = 0; at < 4_000; at++) {
      const one = poolOf8.one.pick(short(`r${at}`), { nowMs: 0 })!;
      const other = poolOf8.other.pick(short(`r${at}`), { nowMs: 0 })!;
      if (one.slot === other.slot) same++;
      counts[one.slot]! += 1;
      one.end();
      other.end();
    }
    // One in eight by chance; six standard deviations are 125 and 126.
    expect(Math.abs(same - 500)).toBeLessThan(126);
    for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(126);
  });

  test("explains each score, its weight, their sum and what took an endpoint out", () => {
    const { endpoints, picker } = poolOf(3, classic);
    endpoints.report(0, { queued: 4, running: 9, kvUsage: 0.5 }, 0);
    endpoints.report(1, { queued: 0, running: 9, kvUsage: 0.25 }, 0);
    endpoints.report(2, { queued: 2, running: 9, kvUsage: 1 }, 0);
    const { explanation, address } = picker.pick(short("asked"), { nowMs: 0, explain: true })!;
    expect(address).toBe("http://vllm-1");
    expect(explanation?.endpoints.map(({ total }) => total)).toEqual([0 + 0 + 1 + 1, 0 + 2 + 1.5 + 1, 0 + 1 + 0 + 1]);
    expect(explanation?.endpoints[0]?.scores["queue-scorer"]).toEqual({ score: 0, weight: 2 });
    const other = poolOf(2, sticky);
    const home = other.picker.pick(long("first", 1), { nowMs: 0 })!;
    const next = other.picker.pick(long("next", 1), { nowMs: 0, explain: true })!;
    const away = next.explanation?.endpoints.find((endpoint) => endpoint.address !== home.address);
    expect(away?.filteredBy).toBe("prefix-cache-affinity-filter");
    expect(picker.pick(short("unasked"), { nowMs: 0 })?.explanation).toBeUndefined();
  });
});

const poolOf8 = { one: poolOf(8, sticky, "one").picker, other: poolOf(8, sticky, "other").picker };

describe("what a scrape says", () => {
  test("is moved by what was sent since, and says nothing once it is stale", () => {
    const { endpoints } = poolOf(1, classic);
    endpoints.begin(0, 0, undefined);
    endpoints.report(0, { queued: 3, running: 5, kvUsage: 0.4 }, 1_000);
    endpoints.begin(0, 0, undefined);
    expect(endpoints.queue(0, 1_000)).toBe(4);
    expect(endpoints.load(0, 1_000)).toBe(2 + 7);
    expect(endpoints.queue(0, 3_001)).toBe(0);
    expect(endpoints.load(0, 3_001)).toBe(2);
  });

  test("cannot poison the scores of others with what is no number", () => {
    const { endpoints, picker } = poolOf(3, classic);
    endpoints.report(0, { queued: Number.NaN, running: -5, kvUsage: Infinity }, 0);
    const explained = picker.pick(short("one"), { nowMs: 0, explain: true })?.explanation;
    for (const { total } of explained!.endpoints) expect(total).toBeGreaterThanOrEqual(0);
  });

  test("makes a pool full, and then only what may be shed is shed", () => {
    const { endpoints } = poolOf(2, classic);
    expect(poolSaturation(endpoints, 0)).toBe(1);
    endpoints.report(0, { queued: 5, running: 1, kvUsage: 0.2 }, 0);
    endpoints.report(1, { queued: 0, running: 1, kvUsage: 0.4 }, 0);
    expect(endpointSaturation(endpoints, 0, 0)).toBe(1);
    expect(poolSaturation(endpoints, 0)).toBe(0.75);
    expect([mustShed(-1, 1), mustShed(0, 5), mustShed(-1, 0.9)]).toEqual([true, false, false]);
  });
});

describe("an endpoint that lies", () => {
  test("that it is always idle gets its share at most, and next to nothing where own counts decide", () => {
    // A fifth by chance is 100; four standard deviations are 36. The classic scorers believe what they are told of a queue.
    for (const [profile, most] of [
      [sticky, 10],
      [classic, 136],
    ] as const) {
      const { endpoints, picker } = poolOf(5, profile);
      let lied = 0;
      for (let at = 0; at < 500; at++) {
        const nowMs = at * 10;
        for (let slot = 0; slot < 5; slot++) endpoints.report(slot, slot === 0 ? idle : truth(endpoints, slot), nowMs);
        const picked = picker.pick(short(`r${at}`), { nowMs })!;
        if (picked.slot === 0) lied++;
        else picked.end();
      }
      expect(lied).toBeLessThan(most);
    }
  });
});

const truth = (endpoints: Endpoints, slot: number) => ({ queued: 0, running: endpoints.requests[slot]!, kvUsage: 0 });
