import {
  Client as StatelessClient,
  StreamableHTTPClientTransport as StatelessTransport,
} from "@modelcontextprotocol/client";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { Client as SessionClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as SessionTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { startQuickstartProcess, type QuickstartProcess } from "../../src/cli/quickstart-process.ts";

let gateway: QuickstartProcess;
let token: string;

beforeAll(async () => {
  gateway = await startQuickstartProcess();
  token = await gateway.token();
}, 60_000);
afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
});

interface McpClient {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(
    parameters: { name: string; arguments: Record<string, unknown> },
    signal?: AbortSignal,
    onProgress?: (progress: number) => void,
  ): Promise<{ isError?: boolean; content: unknown }>;
  close(): Promise<void>;
}

type Connect = (url: URL, authorization: string | undefined) => Promise<McpClient>;

const requestInit = (authorization: string | undefined) => ({
  requestInit: { headers: authorization === undefined ? {} : { authorization } },
});

const connectV1: Connect = async (url, authorization) => {
  const client = new SessionClient({ name: "e2e", version: "1.0.0" });
  await client.connect(new SessionTransport(url, requestInit(authorization)));
  return {
    listTools: () => client.listTools(),
    callTool: (parameters, signal, onProgress) =>
      client.callTool(parameters, undefined, {
        ...(signal && { signal }),
        ...(onProgress && { onprogress: ({ progress }) => onProgress(progress) }),
      }) as ReturnType<McpClient["callTool"]>,
    close: () => client.close(),
  };
};

const connectV2 =
  (mode: "legacy" | { pin: string }): Connect =>
  async (url, authorization) => {
    const client = new StatelessClient({ name: "e2e", version: "1.0.0" }, { versionNegotiation: { mode } });
    await client.connect(new StatelessTransport(url, requestInit(authorization)));
    return {
      listTools: () => client.listTools(),
      callTool: (parameters, signal, onProgress) =>
        client.callTool(parameters, {
          ...(signal && { signal }),
          ...(onProgress && { onprogress: ({ progress }: { progress: number }) => onProgress(progress) }),
        }) as ReturnType<McpClient["callTool"]>,
      close: () => client.close(),
    };
  };

const clients: readonly [string, Connect][] = [
  ["MCP SDK v1 client", connectV1],
  ["MCP SDK v2 client, session era", connectV2("legacy")],
  ["MCP SDK v2 client, 2026-07-28", connectV2({ pin: "2026-07-28" })],
];

describe.each(clients)("%s", (_name, connect) => {
  const mcp = () => new URL(`${gateway.url}/mcp`);

  test("sees one list of all servers, without what policy denies, and calls what it allows", async () => {
    const client = await connect(mcp(), `Bearer ${token}`);
    const names = (await client.listTools()).tools.map((tool) => tool.name);
    expect(names).toEqual(expect.arrayContaining(["read_file", "list_files", "add_minutes", "read_note"]));
    expect(names).not.toContain("write_file");
    const read = await client.callTool({ name: "read_file", arguments: { path: "notes.md" } });
    expect(read.isError ?? false).toBe(false);
    expect(JSON.stringify(read.content)).toContain("text");
    const sum = await client.callTool({
      name: "add_minutes",
      arguments: { instant: "2026-07-28T10:00:00Z", minutes: 90 },
    });
    expect(JSON.stringify(sum.content)).toContain("11:30");
    await client.close();
  });

  test("is denied by CEL on an argument, and told nothing of a tool it may not see", async () => {
    const client = await connect(mcp(), `Bearer ${token}`);
    const attempt = async (name: string, args: Record<string, unknown>) => {
      const outcome = await client.callTool({ name, arguments: args }).catch((error: unknown) => error);
      return outcome instanceof Error ? outcome.message : JSON.stringify(outcome);
    };
    const climbed = await attempt("read_file", { path: "../secrets" });
    expect(climbed).toContain("Policy does not allow");
    const hidden = await attempt("write_file", { path: "a", text: "b" });
    const unknown = await attempt("no_such_tool", {});
    expect(hidden.replace("write_file", "X")).toBe(unknown.replace("no_such_tool", "X"));
    await client.close();
  });

  test("is refused without a token, and with a token meant for another route", async () => {
    await expect(connect(mcp(), undefined)).rejects.toThrow();
    const elsewhere = await gateway.token("quickstart", { resource: `${gateway.url}/v1` });
    await expect(connect(mcp(), `Bearer ${elsewhere}`)).rejects.toThrow();
  });

  test("hears of progress while a call runs", async () => {
    const client = await connect(mcp(), `Bearer ${token}`);
    const heard: number[] = [];
    await client.callTool({ name: "reindex", arguments: { steps: 4, stepMs: 20 } }, undefined, (progress) =>
      heard.push(progress),
    );
    expect(heard.length).toBeGreaterThan(0);
    expect([...heard].sort((one, other) => one - other)).toEqual(heard);
    await client.close();
  });

  test("goes away midway and leaves nothing behind", async () => {
    const client = await connect(mcp(), `Bearer ${token}`);
    const controller = new AbortController();
    const call = client.callTool({ name: "reindex", arguments: { steps: 50, stepMs: 1_000 } }, controller.signal, () =>
      controller.abort(),
    );
    await expect(call).rejects.toThrow();
    await client.close();
    await eventually(async () => {
      expect(await gateway.metric("sallyport_in_flight", 'protocol="mcp"')).toBe(0);
      expect(await gateway.metric("sallyport_exchanges_in_flight")).toBe(0);
    });
  });
});

test("a LangGraph agent uses tools over MCP and a model, both through the gateway", async () => {
  const servers = {
    sallyport: { transport: "http" as const, url: `${gateway.url}/mcp`, headers: { authorization: `Bearer ${token}` } },
  };
  const multi = new MultiServerMCPClient({ mcpServers: servers });
  const tools = await multi.getTools();
  expect(tools.map((tool) => tool.name)).toContain("read_note");
  const model = new ChatOpenAI({
    model: "small",
    apiKey: token,
    configuration: { baseURL: `${gateway.url}/v1` },
    maxRetries: 0,
  });
  const agent = createReactAgent({ llm: model, tools });
  const result = await agent.invoke({
    messages: [{ role: "user", content: "Call read_note, then say what you found." }],
  });
  const kinds = result.messages.map((message) => message.getType());
  expect(kinds).toEqual(["human", "ai", "tool", "ai"]);
  await multi.close();
});

test("a LangGraph agent's tool is denied by CEL, with a message that the model can read", async () => {
  const [multi, tool] = await langchainTool("read_file");
  await expect(tool.invoke({ path: "../secrets" })).rejects.toThrow("Policy does not allow");
  await multi.close();
});

test("a LangGraph agent's tool that is given up midway leaves nothing behind", async () => {
  const controller = new AbortController();
  const [multi, tool] = await langchainTool("reindex", () => controller.abort());
  const call = tool.invoke({ steps: 50, stepMs: 1_000 }, { signal: controller.signal });
  await expect(call).rejects.toThrow();
  await multi.close();
  await eventually(async () => {
    expect(await gateway.metric("sallyport_in_flight", 'protocol="mcp"')).toBe(0);
    expect(await gateway.metric("sallyport_exchanges_in_flight")).toBe(0);
  });
});

async function langchainTool(name: string, onProgress = () => {}) {
  const url = `${gateway.url}/mcp`;
  const sallyport = { transport: "http" as const, url, headers: { authorization: `Bearer ${token}` } };
  const multi = new MultiServerMCPClient({ mcpServers: { sallyport }, onProgress });
  const tool = (await multi.getTools()).find((one) => one.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  return [multi, tool] as const;
}

test("LangGraph's client without a token is refused cleanly, its look for an older transport included", async () => {
  const multi = new MultiServerMCPClient({
    mcpServers: { sallyport: { transport: "http", url: `${gateway.url}/mcp` } },
  });
  await expect(multi.getTools()).rejects.toThrow(/401|[Uu]nauthorized|[Aa]uthentication/);
  await multi.close();
});
