import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startQuickstartProcess, type QuickstartProcess } from "../../src/cli/quickstart-process.ts";
import { collect, kindsOf, officialClient, rpc, textMessage } from "../a2a/clients.ts";
import { eventually } from "./eventually.ts";

let gateway: QuickstartProcess;
let token: string;

beforeAll(async () => {
  gateway = await startQuickstartProcess();
  token = await gateway.token();
}, 60_000);
afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
});

describe.each([
  ["1.0", false],
  ["0.3", true],
] as const)("the A2A SDK client, version %s", (version, legacy) => {
  const writer = () => officialClient(`${gateway.url}/a2a/writer`, token, legacy);

  test("reads a card that names nothing but the gateway", async () => {
    const card = await (await writer()).getAgentCard();
    const urls = card.supportedInterfaces.map((one) => one.url);
    expect(urls.length).toBeGreaterThan(0);
    expect(urls.every((url) => url.startsWith(gateway.url))).toBe(true);
  });

  test("sends a task and reads it again", async () => {
    const client = await writer();
    const sent = await client.sendMessage(textMessage("Write one line."));
    const taskId = "id" in sent ? sent.id : "";
    expect(taskId).not.toBe("");
    expect((await client.getTask({ id: taskId, tenant: "" })).id).toBe(taskId);
  });

  test("streams a task to its end", async () => {
    const kinds = kindsOf(await collect((await writer()).sendMessageStream(textMessage("Write one line."))));
    expect(kinds[0]).toBe("task");
    expect(kinds).toContain("artifactUpdate");
    expect(kinds.at(-1)).toBe("statusUpdate");
  });

  test("is denied by CEL on what the message holds", async () => {
    const client = await writer();
    const many = textMessage("one", { parts: Array.from({ length: 11 }, (_, index) => ({ text: `${index}` })) });
    await expect(client.sendMessage(many)).rejects.toThrow(/[Pp]olicy|denied|not allow/);
  });

  test("is refused without a token", async () => {
    const stranger = await officialClient(`${gateway.url}/a2a/writer`, "", legacy);
    await expect(stranger.sendMessage(textMessage("Write."))).rejects.toThrow();
    const method = version === "1.0" ? "SendMessage" : "message/send";
    const refused = await rpc(`${gateway.url}/a2a/writer`, "not-a-token", method, {}, { version: legacy ? "" : "1.0" });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toContain("resource_metadata=");
    expect(await refused.json()).toMatchObject({
      jsonrpc: "2.0",
      error: { code: expect.any(Number), message: expect.any(String) },
    });
  });

  test("goes away midway and leaves nothing behind", async () => {
    const controller = new AbortController();
    const events = (await writer()).sendMessageStream(textMessage("Write slowly."), { signal: controller.signal });
    const watch = (async () => {
      for await (const event of events) if (event !== undefined) controller.abort();
    })();
    await expect(watch).rejects.toThrow();
    await eventually(async () => {
      expect(await gateway.metric("sallyport_in_flight", 'protocol="a2a"')).toBe(0);
      expect(await gateway.metric("sallyport_exchanges_in_flight")).toBe(0);
    });
  });
});

test("an agent that policy hides looks like one that does not exist", async () => {
  const issued = await gateway.admin("/api/keys", {
    method: "POST",
    body: JSON.stringify({ name: "guest", tenant: "team-b", groups: ["guest"] }),
  });
  const { key } = (await issued.json()) as { key: string };
  const ask = async (agent: string) => {
    const response = await rpc(`${gateway.url}/a2a/${agent}`, key, "GetTask", { id: "t" });
    return { status: response.status, body: (await response.text()).replaceAll(agent, "…") };
  };
  expect(await ask("researcher")).toEqual(await ask("nobody"));
});

test("a task handed on through the gateway is one chain, and the second agent acts for the first caller", async () => {
  const client = await officialClient(`${gateway.url}/a2a/researcher`, token);
  const events = await collect(client.sendMessageStream(textMessage("Research gateways and write a line.")));
  expect(kindsOf(events)).toContain("artifactUpdate");
  await eventually(async () => {
    const read = async (query: string) =>
      ((await (await gateway.admin(`/api/journal?limit=100&${query}`)).json()) as { records: readonly JournalEntry[] })
        .records;
    const handedOver = (await read("target=writer")).find((one) => one.depth === 1);
    expect(handedOver).toBeDefined();
    const chain = await read(`chain=${handedOver?.chainId}`);
    expect(new Set(chain.map((one) => one.protocol))).toEqual(new Set(["a2a", "mcp", "llm"]));
    expect(new Set(chain.map((one) => one.principal.id)).size).toBe(1);
    expect(handedOver?.principal.actors[0]?.subject).toBe("researcher");
    expect(chain.find((one) => one.depth === 0)?.principal.actors).toEqual([]);
  });
});

interface JournalEntry {
  readonly depth: number;
  readonly chainId: string;
  readonly protocol: string;
  readonly principal: { readonly id: string; readonly actors: readonly { readonly subject: string }[] };
}
