import { describe, expect, test } from "vitest";
import { emptyChain, toBlockChain } from "../../../src/inference/picker/block-chain.ts";
import { Endpoints } from "../../../src/inference/picker/endpoints.ts";
import { createPicker } from "../../../src/inference/picker/picker.ts";
import { PrefixIndex } from "../../../src/inference/picker/prefix-index.ts";
import { type Profile, profiles, profileSchema } from "../../../src/inference/picker/profiles.ts";
import { endpointSaturation, mustShed } from "../../../src/inference/picker/saturation.ts";
import type { PickRequest } from "../../../src/inference/picker/scene.ts";

function poolOf(size: number, profile: Profile, replica = "a") {
  const endpoints = new Endpoints({ slots: 64 });
  for (let at = 0; at < size; at++) endpoints.add(`http://vllm-${at}`);
  const prefixes = new PrefixIndex();
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
const blockTokens = 64;
const adapters = { running: ["a"], waiting: [], max: 4 };
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
    // The same address again is another server too: the old requests are not its own.
    for (const address of ["http://another", "http://another"]) {
      endpoints.remove(0);
      endpoints.add(address);
      const third = picker.pick(short(`at ${address}`), { nowMs: 0 })!;
      second.end();
      expect(endpoints.requests[0]).toBe(1);
      expect(endpoints.tokens[0]).toBe(10);
      endpoints.remove(0);
      endpoints.add(address);
      picker.pick(short("next"), { nowMs: 0 });
      third.end();
      expect(endpoints.requests[0]).toBe(1);
    }
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

  test("knows that a server which started anew holds nothing of what it was sent", () => {
    const { endpoints, picker } = poolOf(4, sticky);
    const home = picker.pick(long("first", 7), { nowMs: 0 })!;
    home.end();
    endpoints.restarted(home.slot);
    const next = picker.pick(long("next", 7), { nowMs: 0, explain: true })!;
    expect(next.explanation?.endpoints.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 0, 0, 0]);
  });

  test("goes in turn over what is usable when it is told to, and at random when it is told that", () => {
    const { endpoints, picker } = poolOf(4, profiles["round-robin"]);
    endpoints.usable[2] = 0;
    const turns = Array.from({ length: 7 }, (_, at) => picker.pick(short(`r${at}`), { nowMs: 0 })!.slot);
    const start = [0, 1, 3].indexOf(turns[0]!);
    expect(turns).toEqual(turns.map((_, at) => [0, 1, 3][(start + at) % 3]));
    const random = poolOf(4, profileSchema.parse({ picker: { type: "random-picker" } })).picker;
    const counts = [0, 0, 0, 0];
    for (let at = 0; at < 400; at++) counts[random.pick(short(`r${at}`), { nowMs: 0 })!.slot]! += 1;
    // Six standard deviations of a binomial share of a quarter are 52.
    for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(52);
  });

  test("stays with its session's endpoint where a filter says so, and moves only the sessions of one that is lost", () => {
    const profile = profileSchema.parse({
      filters: [{ type: "session-affinity-filter" }],
      scorers: [{ type: "active-request-scorer" }],
    });
    const { endpoints, picker } = poolOf(5, profile);
    const place = (session: number) => picker.pick({ ...short("r"), session: `s${session}` }, { nowMs: 0 })!.slot;
    const sessions = Array.from({ length: 40 }, (_, at) => at);
    const before = sessions.map(place);
    expect(sessions.map(place)).toEqual(before);
    endpoints.usable[before[0]!] = 0;
    for (const [session, slot] of sessions.map(place).entries()) {
      if (before[session] === before[0]) expect(slot).not.toBe(before[0]);
      else expect(slot).toBe(before[session]);
    }
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

describe("room for endpoints", () => {
  test("is made as they come, and what is known of those that are there stays known", () => {
    const { endpoints, picker } = poolOf(3, sticky);
    const { room } = endpoints;
    const asked = long("before", 7);
    const picked = picker.pick(asked, { nowMs: 0 })!;
    endpoints.report(picked.slot, { queued: 2, running: 3, kvUsage: 0.5, adapters }, 0);
    const told = () => ({
      requests: endpoints.requests[picked.slot],
      backlog: endpoints.backlogTokens(picked.slot),
      queue: endpoints.queue(picked.slot, 0),
      load: endpoints.load(picked.slot, 0),
      kvUsage: endpoints.kvUsage(picked.slot, 0),
      adapters: endpoints.adapters(picked.slot),
      weight: endpoints.hashes[picked.slot],
    });
    const before = told();
    for (let at = 3; at < 64; at++) endpoints.add(`http://vllm-${at}`);
    expect(endpoints.room).toBeGreaterThan(room);
    expect(told()).toEqual(before);
    for (let at = 3; at < 64; at++) endpoints.report(at, idle, 0);
    expect(picker.pick(long("again", 7), { nowMs: 0, explain: true })!.trace!.cached[picked.slot]).toBe(
      20 * blockTokens,
    );
    for (let at = 0; at < 62; at++) picker.pick(long(`${at}`, at), { nowMs: 0 });
    expect([...endpoints.requests].filter((requests) => requests > 0).length).toBeGreaterThan(32);
  });

  test("is a few kilobytes in a pool that was never called", () => {
    const before = process.memoryUsage().arrayBuffers;
    const pools = Array.from({ length: 500 }, () => poolOf(2, sticky));
    expect((process.memoryUsage().arrayBuffers - before) / pools.length).toBeLessThan(4_096);
  });
});

describe("what a scrape says", () => {
  test("is moved by what was sent since", () => {
    const { endpoints } = poolOf(1, classic);
    endpoints.begin(0, 0, 0, undefined);
    endpoints.report(0, { queued: 3, running: 5, kvUsage: 0.4 }, 1_000);
    endpoints.begin(0, 0, 0, undefined);
    expect(endpoints.queue(0, 1_000)).toBe(4);
    expect(endpoints.load(0, 1_000)).toBe(2 + 7);
  });

  test("is no good news once it is stale: as bad as it was, and later like the others", () => {
    const { endpoints } = poolOf(3, classic);
    endpoints.report(0, { queued: 9, running: 9, kvUsage: 0.9 }, 0);
    endpoints.report(1, { queued: 0, running: 0, kvUsage: 0 }, 0);
    const told = (nowMs: number, slot: number) => [
      endpoints.queue(slot, nowMs),
      endpoints.load(slot, nowMs),
      endpoints.kvUsage(slot, nowMs),
    ];
    for (const nowMs of [2_500, 19_000, 25_000]) {
      endpoints.report(2, { queued: 4, running: 2, kvUsage: 0.5 }, nowMs);
      expect(told(nowMs, 0)).toEqual(nowMs > 20_000 ? [4, 6, 0.5] : [9, 18, 0.9]);
      expect(told(nowMs, 1)).toEqual([4, 6, 0.5]);
    }
    endpoints.begin(1, 0, 0, undefined);
    expect(endpoints.queue(1, 25_000)).toBe(5);
    expect(endpoints.load(1, 25_000)).toBe(7);
  });

  test.each(["classic", "sticky-until-saturated"] as const)(
    "that has gone stale makes an endpoint neither preferred nor starved (%s)",
    (name) => {
      const { endpoints, picker } = poolOf(5, profiles[name]);
      const open: { end(): void }[] = [];
      const counts = [0, 0, 0, 0, 0];
      for (let at = 0; at < 2_000; at++) {
        const nowMs = at * 20;
        for (let slot = 1; slot < 5; slot++) endpoints.report(slot, busy(endpoints, slot), nowMs);
        // The first one's last word was that it is idle.
        if (at === 0) endpoints.report(0, idle, 0);
        const picked = picker.pick(short(`r${at}`), { nowMs })!;
        if (nowMs > 2_000) counts[picked.slot]! += 1;
        open.push(picked);
        if (open.length > 60) open.shift()!.end();
      }
      const mean = counts.reduce((sum, count) => sum + count, 0) / 5;
      expect(counts[0]).toBeGreaterThan(mean * 0.7);
      expect(counts[0]).toBeLessThan(mean * 1.3);
    },
  );

  test("cannot poison the scores of others with what is no number", () => {
    const { endpoints, picker } = poolOf(3, classic);
    endpoints.report(0, { queued: Number.NaN, running: -5, kvUsage: Infinity }, 0);
    const explained = picker.pick(short("one"), { nowMs: 0, explain: true })?.explanation;
    for (const { total } of explained!.endpoints) expect(total).toBeGreaterThanOrEqual(0);
  });

  test("makes an endpoint full, and in a full pool only what may be shed is shed", () => {
    const { endpoints } = poolOf(2, classic);
    expect(endpointSaturation(endpoints, 0, 0)).toBe(1);
    endpoints.report(0, { queued: 5, running: 1, kvUsage: 0.2 }, 0);
    endpoints.report(1, { queued: 0, running: 1, kvUsage: 0.4 }, 0);
    expect(endpointSaturation(endpoints, 0, 0)).toBe(1);
    expect(endpointSaturation(endpoints, 1, 0)).toBe(0.5);
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

/** Eight run and the rest wait; each request takes a fiftieth of the KV cache. */
const busy = (endpoints: Endpoints, slot: number) => ({
  queued: Math.max(0, endpoints.requests[slot]! - 8),
  running: Math.min(8, endpoints.requests[slot]!),
  kvUsage: endpoints.requests[slot]! / 50,
});
