import { expect, test } from "vitest";
import { createAnnouncer } from "../../src/mcp/announcer.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("what waits for a caller who does not read is announced once, and what changes while it is sent once more", async () => {
  const sent: string[] = [];
  let take = () => {};
  const announce = createAnnouncer((message) => {
    sent.push(message);
    return new Promise<void>((resolve) => (take = resolve));
  });
  for (let round = 0; round < 1_000; round++) for (const message of ["a", "b", "c"]) announce(message);
  expect(sent).toEqual(["a"]);
  for (let round = 0; round < 6; round++) {
    take();
    await turn();
  }
  expect(sent).toEqual(["a", "b", "c", "a"]);
});

test("a caller who reads is told at once, each time", async () => {
  const sent: string[] = [];
  const announce = createAnnouncer((message) => void sent.push(message));
  announce("a");
  expect(sent).toEqual(["a"]);
  await turn();
  announce("a");
  expect(sent).toEqual(["a", "a"]);
});
