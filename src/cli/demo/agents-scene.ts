import { randomUUID } from "node:crypto";
import { SendMessageRequest, type Part } from "@a2a-js/sdk";
import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory } from "@a2a-js/sdk/client";
import type { Scene } from "./scene.ts";

const textOf = ({ content }: Part): string => (content?.$case === "text" ? content.value : "");

const withToken =
  (token: string): typeof fetch =>
  (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("authorization", `Bearer ${token}`);
    return fetch(input, { ...init, headers });
  };

export const agentsScene: Scene = {
  title: "Agents: a task handed on through the gateway, under the name of the user it works for",
  async play({ gateway, tell, check }) {
    const card = (await (
      await fetch(`${gateway.url}/a2a/researcher/.well-known/agent-card.json`, { headers: { "a2a-version": "1.0" } })
    ).json()) as {
      supportedInterfaces: { url: string }[];
    };
    tell(`the card of "researcher" names ${card.supportedInterfaces.map((one) => one.url).join(", ")}`);
    check(
      card.supportedInterfaces.every((one) => one.url.startsWith(gateway.url)),
      "every address in a card is the gateway's",
    );
    const fetchImpl = withToken(await gateway.token());
    const client = await new ClientFactory({
      transports: [new JsonRpcTransportFactory({ fetchImpl })],
      cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
    }).createFromUrl(`${gateway.url}/a2a/researcher/`);
    let taskId = "";
    let report = "";
    const message = {
      messageId: randomUUID(),
      role: "ROLE_USER",
      parts: [{ text: "Research the weather in Paris and write a note about it." }],
    };
    for await (const event of client.sendMessageStream(SendMessageRequest.fromJSON({ message }))) {
      const { payload } = event;
      if (payload?.$case === "task") taskId = payload.value.id;
      if (payload?.$case === "artifactUpdate") report += payload.value.artifact?.parts.map(textOf).join("") ?? "";
    }
    tell(`asked to research the weather in Paris, it reports: ${report.replaceAll(/\s+/g, " ")}`);
    check(
      report !== "",
      "the report streams in while the agent calls a tool, a model and the writer through the gateway",
    );
    const get = async (token: string, id: string) =>
      (
        await fetch(`${gateway.url}/a2a/researcher`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "a2a-version": "1.0" },
          body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "GetTask", params: { id } }),
        })
      ).text();
    const stranger = await gateway.token("writer");
    const withoutId = async (id: string) => (await get(stranger, id)).replaceAll(id, "…");
    check(
      (await withoutId(taskId)) === (await withoutId("no-such-task")),
      "a stranger's task and an unknown one get the same answer",
    );
    const own = await get(await gateway.token(), taskId);
    const [state, reason] = [/TASK_STATE_\w+/.exec(own), /"reason":"(\w+)"/.exec(await get(stranger, taskId))];
    tell(`GetTask ${taskId} → ${state?.[0]} for its owner, ${reason?.[1]} for anybody else`);
    check(own.includes("TASK_STATE_COMPLETED"), "its owner may read it");
  },
};
