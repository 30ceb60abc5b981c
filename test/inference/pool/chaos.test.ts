import { expect, test } from "vitest";
import type { Harness } from "../harness.ts";
import { answer, fail, type ModelServer } from "./model-server.ts";
import { startGateway, startServers, until } from "./pool-scene.ts";

/** Numbers that look random and are the same in every run. */
function createDice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const behaviours: readonly ModelServer["onCall"][] = [
  answer,
  answer,
  answer,
  fail,
  (response) => void response.socket?.destroy(),
  (response) => void setTimeout(() => answer(response), 20),
  (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write('data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n');
    setTimeout(() => response.destroy(), 10);
  },
];

async function callAndPerhapsLeave({ url }: Harness, dice: () => number): Promise<number> {
  const leaving = new AbortController();
  if (dice() < 0.3) setTimeout(() => leaving.abort(), dice() * 30);
  const content = `question ${dice()} `.repeat(1 + Math.floor(dice() * 100));
  const body = { model: "llama", stream: dice() < 0.5, messages: [{ role: "user", content }] };
  try {
    const response = await fetch(`${url}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-batch": dice() < 0.2 ? "1" : "0" },
      body: JSON.stringify(body),
      signal: leaving.signal,
    });
    await response.text();
    return response.status;
  } catch {
    return 0;
  }
}

test.for([1, 2, 3])("whatever servers and callers do, nothing is counted for ever (seed %i)", async (seed) => {
  const dice = createDice(seed);
  const servers = await startServers(4);
  const gateway = await startGateway(servers, {
    capacity: 2,
    metrics: seed === 3 ? "off" : { every: "100ms" },
    priority: [{ when: 'request.headers["x-batch"] == "1"', is: -1 }],
    queue: { waiting: 8, ttl: "300ms" },
  });
  const statuses: number[] = [];
  for (let round = 0; round < 12; round++) {
    for (const server of servers) server.onCall = behaviours[Math.floor(dice() * behaviours.length)]!;
    const victim = servers[Math.floor(dice() * servers.length)]!;
    const kills = dice() < 0.4;
    if (kills) await victim.stop();
    if (dice() < 0.3) gateway.pools.drain(`local-${Math.floor(dice() * 4)}`, dice() < 0.5);
    statuses.push(...(await Promise.all(Array.from({ length: 20 }, () => callAndPerhapsLeave(gateway, dice)))));
    if (kills) await victim.start();
  }
  const pool = () => gateway.pools.list()[0]!;
  await until(() => pool().endpoints.every(({ requests }) => requests === 0), "no call is under way");
  expect(pool().waiting).toBe(0);
  expect(new Set(statuses)).toContain(200);
  for (const status of statuses) expect([0, 200, 429, 500, 502, 503]).toContain(status);
  for (let at = 0; at < 4; at++) gateway.pools.drain(`local-${at}`, false);
  for (const server of servers) server.onCall = answer;
  await until(
    () => pool().endpoints.every(({ state }) => state === "well" || state === "ejected"),
    "all are reachable",
  );
  expect(await callAndPerhapsLeave(gateway, () => 0.9)).toBe(200);
});
