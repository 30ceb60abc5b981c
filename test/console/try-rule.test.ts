import { setImmediate as turn, setTimeout as rest } from "node:timers/promises";
import { expect, test } from "vitest";
import type { RuleTrial } from "../../src/console/api/policies.ts";
import { tryRule, type TrialVerdict } from "../../src/console/try-rule.ts";
import type { Journal } from "../../src/observability/journal.ts";
import type { JournalRecord } from "../../src/observability/journal-record.ts";
import { startScene } from "./console-scene.ts";
import { startConsole } from "./lone-console.ts";

const startMs = Date.UTC(2026, 10, 23, 12);
const recordOf = (at: number) => ({
  id: `r${at}`,
  timeMs: startMs - at,
  principal: { id: "p" },
  target: { name: "t" },
});

/** A journal of so many records, all on one page, and a clock that moves when a record is judged. */
function openTrial(count: number, msEach: number, verdict: TrialVerdict = { matches: false, would: "nothing" }) {
  const records = Array.from({ length: count }, (_, at) => recordOf(at) as unknown as JournalRecord);
  let nowMs = 0;
  const seen = { judged: 0 };
  const trial = (): TrialVerdict => {
    nowMs += msEach;
    seen.judged += 1;
    return verdict;
  };
  const journal = { query: async () => ({ records, next: undefined }) };
  const clock = { monotonic: () => nowMs };
  const run = (signal = new AbortController().signal) => tryRule(trial, journal, { most: count, clock, signal });
  return { seen, run };
}

test("while a dear rule is tried others get their turn every few milliseconds of its work", async () => {
  const { seen, run } = openTrial(50, 1);
  let longest = 0;
  let last = 0;
  let isDone = false;
  const done = run().finally(() => (isDone = true));
  while (!isDone) {
    longest = Math.max(longest, seen.judged - last);
    last = seen.judged;
    await turn();
  }
  await done;
  expect(seen.judged).toBe(50);
  expect(longest).toBe(5);
});

test("a trial stops after two seconds of work and says how far it came", async () => {
  const { run } = openTrial(1_000, 100, { matches: true, would: "deny" });
  expect(await run()).toMatchObject({ of: 1_000, tried: 20, looked: 20, newlyDenied: 20, coversSinceMs: startMs - 19 });
}, 20_000);

test("a trial stops when whoever asked has gone", async () => {
  const { seen, run } = openTrial(1_000, 5);
  await run(AbortSignal.abort());
  expect(seen.judged).toBe(1);
});

test("one rule is tried at a time, and one more of the same session waits", async () => {
  const page = { records: [recordOf(0)], next: undefined };
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<typeof page>();
  let queries = 0;
  const query = () => {
    queries += 1;
    asked.resolve();
    return answered.promise;
  };
  let compiled = 0;
  const call = await startConsole({
    journal: { query: query as unknown as Journal["query"] },
    createTrial: async () => {
      compiled += 1;
      return () => undefined;
    },
  });
  const attempt = () => call("POST", "/api/policies/try", '{"deny":"true"}');
  const first = attempt();
  await asked.promise;
  const others = [attempt(), attempt()];
  expect(await Promise.race(others)).toMatchObject({ status: 503, error: { type: "overloaded" } });
  expect([compiled, queries]).toEqual([1, 1]);
  answered.resolve(page);
  expect(await first).toMatchObject({ status: 200, of: 1, tried: 1, looked: 0 });
  const statuses = (await Promise.all(others)).map(({ status }) => status);
  expect(statuses.toSorted((one, other) => one - other)).toEqual([200, 503]);
  expect(await attempt()).toMatchObject({ status: 200 });
});

test("a rule whose patterns are dear to check is checked without holding calls up, and refused where it takes too long", async () => {
  const scene = await startScene();
  const letters = "abcdefghijklmnopqrstuvwxyz";
  const dear = (at: number) => `principal.subject.matches("^.*${letters[at % 26]}${letters[at % 7]}.{19}b$")`;
  const attempt = (rule: object) => scene.admin<RuleTrial>("POST", "/api/policies/try", rule);
  const many = Array.from({ length: 60 }, (_, at) => dear(at)).join(" || ");
  let turns = 0;
  let isDone = false;
  const done = attempt({ deny: many }).finally(() => (isDone = true));
  while (!isDone) {
    turns += 1;
    await rest(5);
  }
  const { status, body } = await done;
  expect(status).toBe(400);
  expect(JSON.stringify(body)).toContain("too much to check");
  /* Two seconds of proving alone are some 300 turns; in this thread they would be none. */
  expect(turns).toBeGreaterThan(20);
  expect((await attempt({ deny: 'principal.subject.matches("(a+)+$")' })).body).toMatchObject({
    error: { message: expect.stringContaining("exponential") as string },
  });
  expect((await attempt({ deny: 'principal.subject.matches("^al[a-z]+$")' })).status).toBe(200);
}, 30_000);

test("an expression that fails matches nothing, and the trial says how often and why", async () => {
  const scene = await startScene();
  await scene.ask("alice", "small");
  await scene.ask("bob", "small");
  const attempt = async (rule: object) => (await scene.admin<RuleTrial>("POST", "/api/policies/try", rule)).body;
  const list = `[${Array.from({ length: 300 }, (_, at) => at).join()}]`;
  const dear = `![${list}, ${list}].all(x, ${list}.all(a, ${list}.all(b, a + b >= 0 && principal.subject != "")))`;
  const reason = "the expression takes too much work on this input";
  expect(await attempt({ deny: dear })).toMatchObject({
    looked: 2,
    matches: 0,
    failed: 2,
    failures: [{ reason, calls: 2 }],
    newlyDenied: 2,
    cases: [{ would: "deny", failed: reason }, {}],
  });
  expect(await attempt({ allow: dear })).toMatchObject({
    matches: 0,
    failed: 2,
    newlyAllowed: 0,
    unchanged: 2,
    cases: [],
  });
  expect(await attempt({ deny: 'principal.tenant == "red"' })).toMatchObject({ matches: 1, failed: 0, failures: [] });
});
