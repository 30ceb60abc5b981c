import { randomUUID } from "node:crypto";
import { describeChain, type ShownChain } from "../describe-chain.ts";
import type { Scene } from "./scene.ts";

interface Record {
  readonly chainId: string;
  readonly method: string;
  readonly target: { readonly name: string };
  readonly outcome: string;
  readonly decision?: { readonly rule: string };
}

export const loopScene: Scene = {
  title: "Chains: two agents that hand the work to each other are stopped before it goes round",
  async play({ gateway, tell, check }) {
    const message = { messageId: randomUUID(), role: "ROLE_USER", parts: [{ text: "Plan a trip to Paris." }] };
    const response = await fetch(`${gateway.url}/a2a/planner`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${await gateway.token()}`,
        "content-type": "application/json",
        "a2a-version": "1.0",
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "SendMessage", params: { message } }),
    });
    const answer = await response.text();
    const said = /"text":"([^"]*work back[^"]*)"/.exec(answer)?.[1] ?? answer;
    tell(`planner hands its notes to reviewer, reviewer to planner; the user reads: ${said}`);
    check(said.includes("planner → reviewer → planner"), "the refusal names the circle and says what to do instead");
    const read = async (query: string) =>
      ((await (await gateway.admin(`/api/journal?limit=100&${query}`)).json()) as { records: readonly Record[] })
        .records;
    const refused = (await read("outcome=denied")).find(({ decision }) => decision?.rule === "no loops");
    check(refused?.target.name === "planner", 'the journal has it as denied by "no loops"');
    const chain = await gateway.admin(`/api/chains/${refused?.chainId}`);
    for (const line of describeChain((await chain.json()) as ShownChain)) tell(line);
    const handed = (await read(`chain=${refused?.chainId}`)).filter(({ method }) => method === "SendMessage");
    check(handed.length === 3, "the planner was asked once: its loop never began");
  },
};
