import { expect, test } from "vitest";
import type { OperationRecord } from "../../src/console/api/chains.ts";
import { type Scene, startScene } from "./console-scene.ts";

const budgets = `
budgets:
  - { name: each, per: principal, limits: ["200 tokens/day", "$1/day"] }
  - { name: chains, per: chain, limits: ["20 calls"] }
`;

const recordsOf = async ({ admin }: Scene, query: string): Promise<readonly OperationRecord[]> =>
  (await admin<{ records: readonly OperationRecord[] }>("GET", `/api/journal?${query}`)).body.records;

test("the journal has of each call which budgets it was charged in, and how much", async () => {
  const scene = await startScene(budgets);
  const { requestId } = await scene.ask("alice", "small");
  const [record] = await recordsOf(scene, `request=${requestId}`);
  expect(record?.charges).toEqual([
    {
      budget: "each",
      limit: "200 tokens/day",
      key: "urn:sallyport:key#alice",
      unit: "tokens",
      reserved: expect.any(Number),
      booked: 30,
    },
    {
      budget: "each",
      limit: "$1/day",
      key: "urn:sallyport:key#alice",
      unit: "nanodollars",
      reserved: expect.any(Number),
      booked: 50_000,
    },
    { budget: "chains", limit: "20 calls", key: "", unit: "calls", reserved: 1, booked: 1 },
  ]);
  expect(record?.charges?.[0]?.reserved).toBeGreaterThanOrEqual(60);
  expect(record?.principal).toMatchObject({ tenant: "blue", groups: ["analyst"] });
});

test("the journal has of a refused call which counter had no room, how full it was and what was needed", async () => {
  const scene = await startScene(budgets);
  for (let count = 0; count < 3; count++) await scene.ask("alice", "small");
  const { requestId, status } = await scene.ask("alice", "small");
  expect(status).toBe(429);
  const [record] = await recordsOf(scene, `request=${requestId}`);
  expect(record).toMatchObject({
    outcome: "failed",
    kind: "budget_exhausted",
    refusals: [
      {
        budget: "each",
        limit: "200 tokens/day",
        key: "urn:sallyport:key#alice",
        unit: "tokens",
        amount: 200,
        used: 90,
        needed: expect.any(Number),
        resetsAtMs: expect.any(Number),
      },
    ],
  });
  expect(record?.charges).toBeUndefined();
  expect((await scene.ask("bob", "small")).status).toBe(200);
});

test("records with picks and without, with charges and without, are read again as they were written", async () => {
  const scene = await startScene(budgets);
  const pooled = await scene.ask("alice", "pooled");
  const denied = await scene.ask("carl", "small");
  const [first] = await recordsOf(scene, `request=${pooled.requestId}`);
  const [second] = await recordsOf(scene, `request=${denied.requestId}`);
  expect(first).toMatchObject({ picks: [{ pool: "local" }], charges: [{ booked: 30 }, {}, {}], costNanos: 50_000 });
  expect(second).toMatchObject({ outcome: "denied", decision: { rule: "default" } });
  expect(second).not.toHaveProperty("charges");
  expect(second?.principal).not.toHaveProperty("groups");
});
