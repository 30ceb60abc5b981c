import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { FILLER, startStreamsScene, wires, type Source, type StreamsScene } from "./streams-scene.ts";

/* What the sockets of two connections hold, and then some. */
const BUFFERED_BYTES = 32 * 1_048_576;

let scene: StreamsScene;
beforeAll(async () => {
  scene = await startStreamsScene();
}, 60_000);
afterAll(() => scene.close());

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of response.setEncoding("utf8")) text += String(piece);
  return text;
}

/** How much of what fills the events has come, however a guard has cut it. */
const fillerIn = (text: string) => [...text.matchAll(/x{50,}/g)].reduce((sum, [run]) => sum + run.length, 0);

/** True once nothing more has been taken since the look before. */
function cameToRest(source: Source): () => boolean {
  let before = -1;
  return () => {
    const rests = source.waiting && source.bytes === before;
    before = source.bytes;
    return rests;
  };
}

/** A stream that has begun, at its upstream and at its caller. */
async function begin(
  name: string,
  at = scene,
): Promise<{ readonly source: Source; readonly response: IncomingMessage }> {
  const beginning = at.nextSource();
  const opened = at.open(wires[name]!);
  const source = await beginning;
  for (let said = 0; said < 20; said++) source.say();
  return { source, response: await opened };
}

/** Nothing is reserved for the call any more: the only place there is can be had again. */
async function expectSettled(name: string): Promise<void> {
  let text = "";
  await vi.waitUntil(
    async () => {
      const beginning = scene.nextSource();
      void beginning.then((source) => source.finish());
      text = await textOf(await scene.open(wires[name]!));
      return text.includes(wires[name]!.end) && !text.includes("at-once");
    },
    { timeout: 5_000 },
  );
}

describe.each(Object.keys(wires))("a stream of %s", (name) => {
  test("waits for a caller who does not read, and then comes whole", async () => {
    const { source, response } = await begin(name);
    source.flood();
    await vi.waitUntil(cameToRest(source), { interval: 200, timeout: 10_000 });
    expect(source.bytes).toBeLessThan(BUFFERED_BYTES);
    source.finish();
    const text = await textOf(response);
    expect(fillerIn(text)).toBe(source.events * FILLER.length);
    expect(text.slice(-2_000)).toContain(wires[name]!.end);
    await expectSettled(name);
  }, 20_000);

  test("is called off when its caller leaves, and nothing stays reserved", async () => {
    const { source, response } = await begin(name);
    expect(await textOf(await scene.open(wires[name]!))).toContain("at-once");
    response.destroy();
    await vi.waitUntil(() => source.closed);
    await expectSettled(name);
  });

  test("is called off when a caller leaves who did not read", async () => {
    const { source, response } = await begin(name);
    source.flood();
    await vi.waitUntil(cameToRest(source), { interval: 200, timeout: 10_000 });
    response.destroy();
    await vi.waitUntil(() => source.closed);
    await expectSettled(name);
  }, 20_000);

  test("that breaks off never looks whole, and nothing stays reserved", async () => {
    const { source, response } = await begin(name);
    source.die();
    const text = await textOf(response);
    expect(text).not.toContain(wires[name]!.end === '"id":1' ? '"done"' : wires[name]!.end);
    expect(text.slice(-2_000)).toMatch(/"error"|"isError":true/);
    await expectSettled(name);
  });
});

test.each(Object.keys(wires))(
  "a stream of %s that nobody reads does not hold up the end of the gateway",
  async (name) => {
    const ending = await startStreamsScene();
    const { source } = await begin(name, ending);
    source.flood();
    await vi.waitUntil(cameToRest(source), { interval: 200, timeout: 10_000 });
    await ending.close();
    expect(source.closed).toBe(true);
  },
  20_000,
);
