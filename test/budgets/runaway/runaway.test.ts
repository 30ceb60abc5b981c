import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeEach, describe, expect, test } from "vitest";
import { runawayConfig } from "../../../src/budgets/runaway/runaway-config.ts";
import { createRunaway, type Runaway, type WatchedCall } from "../../../src/budgets/runaway/runaway.ts";
import type { Alarm } from "../../../src/budgets/runaway/runaway-alarm.ts";
import type { Operation } from "../../../src/core/operation.ts";
import { operation } from "../../authz/scene.ts";
import { createTestClock, type TestClock } from "../../state/test-clock.ts";

let clock: TestClock;
let runaway: Runaway;

const start = (config: object = {}) => {
  clock = createTestClock();
  runaway = createRunaway(runawayConfig.runaway.parse({ action: "stop", ...config }), clock);
};
beforeEach(() => start());

interface Play {
  readonly run?: string;
  readonly principal?: string;
  /** How long the call takes. */
  readonly takesMs?: number;
  readonly failed?: boolean;
  readonly costNanos?: number;
}
/** Makes one call to its end; the alarm it raised. */
function call(about: Operation, play: Play = {}): Alarm | undefined {
  const { run, principal = "ann", takesMs = 100, failed = false, costNanos } = play;
  const watched: WatchedCall = { operation: about, principalId: principal, run, costs: about.protocol === "llm" };
  const sight = runaway.begin(watched);
  if (sight.alarm?.liftsInMs !== undefined) return sight.alarm;
  clock.pass(takesMs);
  runaway.end(sight, failed, costNanos);
  return sight.alarm;
}
/** Makes calls until one is refused; how many passed. */
function callsUntilStopped(
  make: (index: number) => Operation,
  play: Play & { pauseMs?: number } = {},
  most = 100,
): number {
  for (let index = 0; index < most; index++) {
    if (call(make(index), play)?.liftsInMs !== undefined) return index;
    clock.pass(play.pauseMs ?? 1_000);
  }
  return most;
}
const run = "4bf92f3577b34da6a3ce929d0e0e4736";
const tool = (args: object, annotations: object = {}) =>
  operation({ tool: "build", server: "ci", arguments: args, annotations });
const prompt = (text: string, before: readonly object[] = []) =>
  operation({ model: "small", messages: [...before, { role: "user", content: text }] });

describe("the same call again and again", () => {
  test("is stopped after ten in one run, and after forty of one principal outside of runs", () => {
    expect(callsUntilStopped(() => tool({ id: 1 }), { run })).toBe(10);
    start();
    expect(callsUntilStopped(() => tool({ id: 1 }))).toBe(40);
    start();
    expect(callsUntilStopped(() => tool({ id: 1 }), { principal: "bob" })).toBe(40);
  });

  test("is the same whatever the order of its arguments, and another with others", () => {
    expect(callsUntilStopped((at) => tool(at % 2 === 0 ? { a: 1, b: [2] } : { b: [2], a: 1 }), { run })).toBe(10);
    start();
    expect(callsUntilStopped((at) => tool({ a: 1, b: [at] }), { run })).toBe(100);
    expect(callsUntilStopped((at) => tool({ cursor: `page-${at}` }), { run })).toBe(100);
  });

  test("counts for one principal alone, and for one run alone", () => {
    expect(callsUntilStopped(() => tool({ id: 1 }), { run })).toBe(10);
    expect(call(tool({ id: 1 }), { principal: "bob" })).toBeUndefined();
    expect(call(tool({ id: 1 }), { run: "another" })).toBeUndefined();
  });

  test("counts within the window alone", () => {
    expect(callsUntilStopped(() => tool({ id: 1 }), { run, pauseMs: 61_000 })).toBe(100);
    start({ window: "1h" });
    expect(callsUntilStopped(() => tool({ id: 1 }), { run, pauseMs: 61_000 })).toBe(10);
  });

  test("is told in long texts that differ in the middle alone", () => {
    const long = (at: number) => prompt(`${"x".repeat(5_000)}${String(at).padStart(3, "0")}${"y".repeat(5_000)}`);
    expect(callsUntilStopped(long, { run })).toBe(100);
    start();
    const stopsAt = callsUntilStopped(() => long(7), { run });
    expect([10, 11]).toContain(stopsAt);
  });

  test("lifts after a while for one call, and stops twice as long when that is the same again", () => {
    callsUntilStopped(() => tool({ id: 1 }), { run });
    const waits: number[] = [];
    for (let round = 0; round < 8; round++) {
      const alarm = call(tool({ id: 1 }), { run });
      waits.push(Math.round((alarm?.liftsInMs ?? 0) / 60_000));
      clock.pass((alarm?.liftsInMs ?? 0) + 1);
      expect(call(tool({ id: 1 }), { run })?.liftsInMs).toBeUndefined();
      expect(call(tool({ id: 1 }), { run })?.liftsInMs).toBeDefined();
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  test("every 30 seconds through a weekend of 64 hours comes to some 80 calls instead of 7,680", () => {
    let passed = 0;
    for (let at = 0; at < 64 * 120; at++) {
      if (call(prompt("again"), { run, takesMs: 0 })?.liftsInMs === undefined) passed++;
      clock.pass(30_000);
    }
    expect(passed).toBeGreaterThan(70);
    expect(passed).toBeLessThan(90);
  });

  test("is forgotten a window after its stop has lifted", () => {
    callsUntilStopped(() => tool({ id: 1 }), { run });
    clock.pass(60_000 + 600_000 + 1);
    expect(callsUntilStopped(() => tool({ id: 1 }), { run })).toBe(10);
  });

  test("is warned of before it is stopped, from four fifths of the limit on", () => {
    const alarms = Array.from({ length: 11 }, () => call(tool({ id: 1 }), { run, costNanos: 5 }));
    expect(alarms.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => undefined));
    expect(alarms.slice(8, 10)).toMatchObject([
      { signal: "same", count: 8, limit: 10, costNanos: 40, begins: true, liftsInMs: undefined },
      { count: 9, begins: false, liftsInMs: undefined },
    ]);
    expect(alarms[10]).toMatchObject({ count: 10, liftsInMs: 60_000 });
  });

  test("does not keep other calls from passing", () => {
    callsUntilStopped(() => tool({ id: 1 }), { run });
    expect(call(tool({ id: 2 }), { run })).toBeUndefined();
    expect(call(prompt("something else"), { run })).toBeUndefined();
  });

  test("tells how often it was made, how long it went on and what it cost", () => {
    callsUntilStopped(() => prompt("again"), { run, costNanos: 2_000 });
    expect(call(prompt("again"), { run })).toMatchObject({
      signal: "same",
      scope: "run",
      count: 10,
      limit: 10,
      costNanos: 20_000,
    });
  });

  test("is not watched for what is excepted, by name or by a prefix", () => {
    start({ except: ["ci/bu*"] });
    expect(callsUntilStopped(() => tool({ id: 1 }), { run })).toBe(100);
    start({ except: ["ci/deploy", "small"] });
    expect(callsUntilStopped(() => tool({ id: 1 }), { run })).toBe(10);
    expect(callsUntilStopped(() => prompt("again"), { run })).toBe(100);
  });
});

describe("honest polling", () => {
  const getTask = operation({ agent: "writer", method: "GetTask", task: { id: "t" } });

  test("of a task never counts", () => {
    expect(callsUntilStopped(() => getTask, { run, pauseMs: 10 })).toBe(100);
  });

  test.each([{ readOnlyHint: true }, { idempotentHint: true }])(
    "of a tool that says %o needs a pause alone",
    (hints) => {
      expect(callsUntilStopped(() => tool({ id: 1 }, hints), { run, pauseMs: 1_000 })).toBe(100);
      start();
      expect(callsUntilStopped(() => tool({ id: 1 }, hints), { run, pauseMs: 1_000, failed: true })).toBe(100);
      start();
      expect(callsUntilStopped(() => tool({ id: 1 }, hints), { run, pauseMs: 100 })).toBeLessThanOrEqual(12);
      start({ polling: "30s" });
      expect(callsUntilStopped(() => tool({ id: 1 }, hints), { run, pauseMs: 10_000 })).toBeLessThanOrEqual(12);
    },
  );

  test("of a tool that says nothing of itself is taken for a runaway: a false positive that annotations or `except` cure", () => {
    expect(callsUntilStopped(() => tool({ id: 1 }), { run, pauseMs: 10_000 })).toBe(10);
  });

  test("many at once is none", () => {
    const same = tool({ id: 1 }, { readOnlyHint: true });
    const begin = () => runaway.begin({ operation: same, principalId: "ann", run, costs: false });
    const stopped = Array.from({ length: 20 }, begin).filter(({ alarm }) => alarm?.liftsInMs !== undefined);
    expect(stopped.length).toBeGreaterThanOrEqual(8);
  });

  test("of a resource needs a pause alone", () => {
    expect(callsUntilStopped(() => operation({ resource: "file://a" }), { run })).toBe(100);
  });
});

describe("nearly the same prompt", () => {
  const attempt = (at: number) =>
    prompt(
      `Attempt ${at} at 2026-11-23T09:${at}: the upload of the report failed, please fix the path and try it again`,
    );

  test("again and again is stopped after twenty, though numbers and times in it change", () => {
    expect(callsUntilStopped(attempt, { run })).toBeLessThanOrEqual(23);
    expect(call(attempt(99), { run })).toMatchObject({ signal: "similar", limit: 20 });
  });

  test("with another row of a list in each is no repetition", () => {
    const word = (seed: number) => (seed * 2_654_435_761).toString(36).replaceAll(/[^a-z]/g, "");
    const row = (at: number) =>
      prompt(
        `Classify the following ticket: ${Array.from({ length: 12 }, (_, index) => word(at * 97 + index)).join(" ")}`,
      );
    expect(callsUntilStopped(row, { run })).toBe(100);
  });

  test.each(["before", "after", "around"])(
    "with another text of the same length in each, and long instructions %s it, is no repetition",
    (where) => {
      const instructions =
        "You sort letters to a town hall by what they ask for, and say nothing but the number of the kind. ".repeat(25);
      const letter = (at: number) => {
        let words = "";
        for (let seed = at * 7_919 + 1; words.length < 2_000; seed = (seed * 48_271) % 2_147_483_647)
          words += `${seed.toString(36).replaceAll(/\d/g, "")} `;
        return words.slice(0, 2_000);
      };
      const half = instructions.length / 2;
      const ask = (at: number) =>
        where === "before"
          ? `${instructions}${letter(at)}`
          : where === "after"
            ? `${letter(at)}${instructions}`
            : `${instructions.slice(0, half)}${letter(at)}${instructions.slice(half)}`;
      expect(callsUntilStopped((at) => prompt(ask(at)), { run })).toBe(100);
      start();
      expect(callsUntilStopped(() => prompt(ask(1)), { run })).toBeLessThanOrEqual(11);
      /* The same with a number that changes stays one. */
      start();
      expect(callsUntilStopped((at) => prompt(`Try ${at}: ${ask(1)}`), { run })).toBeLessThanOrEqual(23);
    },
  );

  test("after another step each time is progress", () => {
    const page =
      "You see the page of the shop with a list of shoes, a search field, a cart and a menu with ten entries";
    const step = (at: number) =>
      prompt(page, [
        { role: "user", content: "Buy shoes." },
        { role: "assistant", tool_calls: [{ id: "c", function: { name: "click", arguments: `{"at": "${at}"}` } }] },
      ]);
    expect(callsUntilStopped(step, { run })).toBe(100);
    start();
    expect(callsUntilStopped(() => step(3), { run })).toBe(10);
  });

  test("is found at the end of a history that grows, in both dialects", () => {
    const failed = "Error: the file /data/report.csv could not be opened because it does not exist on this machine";
    const openai = (at: number) =>
      operation({
        model: "small",
        messages: Array.from({ length: at + 1 }, () => [
          { role: "assistant", tool_calls: [{ function: { name: "open", arguments: "{}" } }] },
          { role: "tool", content: failed },
        ]).flat(),
      });
    const anthropic = (at: number) =>
      operation({
        model: "small",
        method: "messages",
        messages: Array.from({ length: at + 1 }, () => [
          { role: "assistant", content: [{ type: "tool_use", id: `${at}`, name: "open", input: {} }] },
          {
            role: "user",
            content: [{ type: "tool_result", tool_use_id: `${at}`, content: [{ type: "text", text: failed }] }],
          },
        ]).flat(),
      });
    for (const dialect of [openai, anthropic]) {
      start();
      expect(callsUntilStopped(dialect, { run })).toBeLessThanOrEqual(23);
    }
  });
});

describe("a call that fails again and again", () => {
  test("is stopped after eight failures in a row", () => {
    expect(callsUntilStopped(() => tool({ id: 1 }), { failed: true })).toBeLessThanOrEqual(10);
    expect(call(tool({ id: 1 }))).toMatchObject({ signal: "failures", limit: 8, count: 8 });
  });

  test("is let through again for good once it works", () => {
    start({ same: { run: 1_000, principal: 1_000 } });
    callsUntilStopped(() => tool({ id: 1 }), { failed: true });
    clock.pass(60_001);
    expect(call(tool({ id: 1 }))).toMatchObject({ liftsInMs: undefined });
    expect(callsUntilStopped(() => tool({ id: 1 }))).toBe(100);
  });

  test("is none when it fails once a day: what lies further apart than the window is no storm", () => {
    for (let day = 0; day < 30; day++) {
      expect(call(tool({ id: 1 }), { failed: true })).toBeUndefined();
      clock.pass(86_400_000);
    }
    callsUntilStopped(() => tool({ id: 1 }), { failed: true });
    clock.pass(86_400_000);
    expect(call(tool({ id: 1 }))).toBeUndefined();
  });

  test("is none when it was told to come back later, however often: it costs nothing and is asked to", () => {
    const told = (play: Play = {}) => {
      const sight = runaway.begin({ operation: prompt("again"), principalId: "ann", run, costs: true });
      expect(sight.alarm).toBeUndefined();
      clock.pass(25_000);
      runaway.end(sight, play.failed ?? "later", undefined);
    };
    for (let index = 0; index < 50; index++) told();
    for (let index = 0; index < 4; index++) told({ failed: false });
  });

  test("is none when every other one works, or when its caller has gone", () => {
    start({ same: { run: 1_000, principal: 1_000 } });
    let failed = false;
    for (let index = 0; index < 50; index++) {
      failed = !failed;
      expect(call(tool({ id: 1 }), { failed })).toBeUndefined();
    }
  });
});

describe("spending that speeds up", () => {
  const dollars = (amount: number) => amount * 1e9;
  let asked = 0;
  /* Six windows in which ten cents are spent. */
  const settleIn = () => {
    for (let window = 0; window < 7; window++) {
      expect(call(prompt(`question ${++asked * 7919}`), { costNanos: dollars(0.2) })).toBeUndefined();
      clock.pass(600_000);
    }
  };

  test("beyond ten times what the principal usually spends in a window stops what costs money", () => {
    settleIn();
    for (let index = 0; index < 11; index++) {
      const alarm = call(prompt(`another ${index * 104_729}`), { costNanos: dollars(0.2) });
      expect(alarm).toBeUndefined();
    }
    expect(call(prompt("one more"))).toMatchObject({ signal: "spend", scope: "principal", liftsInMs: 60_000 });
    expect(call(tool({ id: 1 }))).toBeUndefined();
    expect(call(prompt("one more"), { principal: "bob" })).toBeUndefined();
    clock.pass(600_000);
    expect(call(prompt("one more"))).toBeUndefined();
  });

  test("is not known of who has just come, nor of who spends less than a dollar, nor after a quiet weekend", () => {
    expect(call(prompt("first"), { costNanos: dollars(500) })).toBeUndefined();
    expect(call(prompt("second"), { costNanos: dollars(500) })).toBeUndefined();
    start();
    settleIn();
    clock.pass(3 * 86_400_000);
    for (let index = 0; index < 9; index++)
      expect(call(prompt(`monday ${index * 15_485_863}`), { costNanos: dollars(0.2) })).toBeUndefined();
  });
});

test("what only warns or slows lets every call pass", () => {
  for (const action of ["warn", "slow"] as const) {
    start({ action });
    const alarms = Array.from({ length: 15 }, () => call(tool({ id: 1 }), { run }));
    expect(alarms.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => undefined));
    expect(alarms.slice(10).map((alarm) => [alarm?.signal, alarm?.count, alarm?.begins])).toEqual([
      ["same", 10, true],
      ["same", 11, false],
      ["same", 12, false],
      ["same", 13, false],
      ["same", 14, false],
    ]);
  }
});

test("memory stays as it is, however many different calls come, and however many of them twice", () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const callsARound = 12_000;
  /* Every table is full after the first round: 10,000 repeated calls, 2,000 runs, 10,000 principals that spend. */
  const heapAfter = (round: number): number => {
    for (let at = 0; at < callsARound; at++) {
      const id = round * callsARound + at;
      const play = { run: `run ${id % 3_000}`, principal: `principal ${id}`, costNanos: 1_000, takesMs: 0 };
      call(tool({ id }), play);
      call(tool({ id }), play);
      call(prompt(`${"word ".repeat(20 * (id % 11))}${id}`), play);
    }
    gc();
    return process.memoryUsage().heapUsed;
  };
  const heaps = Array.from({ length: 4 }, (_, round) => heapAfter(round));
  const grown = heaps.slice(1).map((heap, index) => heap - (heaps[index] as number));
  /* What calls left behind would be there after each round; what the process does beside them comes and goes. */
  expect(Math.min(...grown)).toBeLessThan(32 * callsARound);
});
