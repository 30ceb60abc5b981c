import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { LightAbortSignal } from "../../../src/core/abort.ts";
import { GatewayError } from "../../../src/core/errors.ts";
import { answerWith, type Caller, createRecallScene, type RecallScene } from "./recall-scene.ts";

const caller = (question: string, signal = new LightAbortSignal()): Caller & { readonly signal: LightAbortSignal } => ({
  tenant: "acme",
  principal: "ada",
  path: "/v1/chat/completions",
  body: { model: "small", messages: [{ role: "user", content: question }] },
  signal,
});
const said = (reason: string) =>
  Buffer.from(JSON.stringify({ choices: [{ index: 0, message: { content: "Yes" }, finish_reason: reason }] }));

const ended = (status: "failed" | "aborted") => ({ status, durationMs: 1 });

/* How the model, or its caller, may end a call. */
const endings = ["stored", "apart", "failed", "left"] as const;
type Ending = (typeof endings)[number];

/** One caller's way: given an answer, or asking the model, which ends so. */
async function live(scene: RecallScene, who: ReturnType<typeof caller>, ending: Ending, ms: number): Promise<string> {
  const { recalled } = scene.recall(who);
  const recall = await recalled.catch((error: unknown) => error);
  if (recall instanceof GatewayError) return "left while waiting";
  if (!(typeof recall === "object" && recall !== null && "end" in recall)) throw new Error("no way", { cause: recall });
  const way = recall as NonNullable<Awaited<typeof recalled>>;
  if (way.answer !== undefined) {
    await way.answer();
    way.end({ status: "ok", durationMs: 1 });
    return "given";
  }
  await delay(ms);
  if (ending === "failed") way.end(ended("failed"));
  else if (ending === "left" || who.signal.aborted) way.end(ended("aborted"));
  else await answerWith(way, said(ending === "stored" ? "stop" : "length"), who.body);
  return "asked";
}

test("however calls end and whoever leaves, everybody comes to an end and nothing is left behind", async () => {
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
  const counts = new Map<string, number>();
  for (let round = 0; round < 60; round++) {
    const scene = createRecallScene();
    const lives = Array.from({ length: 24 }, async () => {
      await delay(random(4));
      /* Each round has two questions of its own; the embedder of the scene takes them for one. */
      const who = caller(`${round} ${random(2)}`);
      if (random(4) === 0) setTimeout(() => who.signal.abort(new GatewayError("cancelled", "gone")), random(6));
      return live(scene, who, endings[random(endings.length)]!, random(5));
    });
    for (const how of await Promise.all(lives)) counts.set(how, (counts.get(how) ?? 0) + 1);
    expect(scene.cache.flights.count).toBe(0);
  }
  expect([...counts.keys()].toSorted()).toEqual(["asked", "given", "left while waiting"]);
  expect([...counts.values()].reduce((sum, count) => sum + count)).toBe(60 * 24);
});

test("who waits for one caller after the other that leaves waits no longer than configured, all in all", async () => {
  const scene = createRecallScene({ wait: 60 });
  let gone = 0;
  const leaders = Array.from({ length: 30 }, () =>
    live(scene, caller("Why?"), "left", 25).then(() => {
      gone += 1;
    }),
  );
  expect(await live(scene, caller("Why?"), "stored", 0)).toBe("asked");
  /* One after the other they take 750 ms. */
  expect(gone).toBeLessThan(30);
  await Promise.all(leaders);
  expect(scene.cache.flights.count).toBe(0);
});

test("calls that fail one after the other are waited for three times, and then everybody is on their own", async () => {
  const scene = createRecallScene();
  let under = 0;
  let most = 0;
  const lives = Array.from({ length: 20 }, async () => {
    const way = await scene.recall(caller("Why?")).recalled;
    under += 1;
    most = Math.max(most, under);
    await delay(10);
    under -= 1;
    way?.end(ended("failed"));
  });
  await Promise.all(lives);
  /* Three by themselves, the other seventeen at once. */
  expect(most).toBe(17);
});

test("what was under way when answers were flushed is given to its callers and not kept", async () => {
  const scene = createRecallScene();
  const [first, second] = [caller("How tall is it?"), caller("How tall is it?")];
  const way = await scene.recall(first).recalled;
  const waiting = scene.recall(second).recalled;
  await scene.cache.flush({ tenant: "acme" });
  await answerWith(way!, said("stop"), first.body);
  expect((await waiting)?.answer).toBeDefined();
  expect(scene.cache.answers.count).toBe(0);
  const again = await scene.recall(first).recalled;
  await answerWith(again!, said("stop"), first.body);
  expect(scene.cache.answers.count).toBe(1);
});
