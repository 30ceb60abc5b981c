import { expect, test } from "vitest";
import type { ChainList } from "../../src/console/api/chains.ts";
import type { ExplainedOperation } from "../../src/console/api/policies.ts";
import { startScene } from "./console-scene.ts";

test("a chain is found by the id of any of its requests, and a call is explained by it", async () => {
  const scene = await startScene();
  const chain = "0123456789abcdef0123456789abcdef";
  const headers = { traceparent: `00-${chain}-0123456789abcdef-01`, "x-sallyport-chain": chain };
  const ids: string[] = [];
  for (let count = 0; count < 12; count += 1) ids.push((await scene.ask("alice", "small", "hi", headers)).requestId);
  for (const id of ids) {
    const { body } = await scene.admin<ChainList>("GET", `/api/chains?q=${id}`);
    expect(body).toMatchObject({ total: 1, chains: [{ calls: 12 }] });
    expect((await scene.admin<ChainList>("GET", `/api/chains?q=${id}&outcome=denied`)).body.total).toBe(0);
  }
  const refused = await scene.ask("carl", "small", "hi");
  const { body } = await scene.admin<ExplainedOperation>("GET", `/api/operations/${refused.requestId}`);
  expect(body.record).toMatchObject({ requestId: refused.requestId, outcome: "denied" });
}, 30_000);
