import { expect, test } from "vitest";
import { createTurns } from "../../src/console/turns.ts";

const signal = new AbortController().signal;

function openTurns() {
  const turns = createTurns({ mostWaiting: 2, full: "enough" });
  const done: string[] = [];
  const held = Promise.withResolvers<void>();
  const take = (owner: string, name: string, by = signal) => turns.take(owner, by, async () => void done.push(name));
  const first = turns.take("a", signal, () => held.promise);
  return { take, done, release: () => (held.resolve(), first) };
}

test("owners take turns, however much one of them asks for", async () => {
  const { take, done, release } = openTurns();
  const all = [take("a", "a1"), take("a", "a2"), take("b", "b1"), take("c", "c1")];
  await expect(take("a", "a3")).rejects.toThrow("enough");
  await release();
  await Promise.all(all);
  expect(done).toEqual(["a1", "b1", "c1", "a2"]);
});

test("who has gone does not get a turn, and holds nobody up", async () => {
  const { take, done, release } = openTurns();
  const gone = new AbortController();
  const left = take("b", "b1", gone.signal);
  const stays = take("c", "c1");
  gone.abort(new Error("gone"));
  await expect(left).rejects.toThrow("gone");
  await release();
  await stays;
  await take("d", "d1");
  expect(done).toEqual(["c1", "d1"]);
});

test("work that fails ends its turn", async () => {
  const { take, done, release } = openTurns();
  const turns = createTurns({ mostWaiting: 1, full: "enough" });
  await expect(turns.take("a", signal, () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  expect(await turns.take("a", signal, async () => "next")).toBe("next");
  await release();
  await take("a", "a1");
  expect(done).toEqual(["a1"]);
});
