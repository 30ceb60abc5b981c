import { afterEach, beforeEach, expect, it } from "vitest";
import { serveAgent } from "../../agents/serve.ts";
import { createWriterAgent } from "../../agents/writer/server.ts";
import { rpc } from "./clients.ts";
import { startGateway, type TestGateway, type TestGatewayOptions } from "./harness.ts";
import { currentCard, json, startRawAgent, type RawAgent } from "./raw-agent.ts";

let agent: RawAgent;
let gateway: TestGateway | undefined;

beforeEach(async () => {
  agent = await startRawAgent();
});
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  await agent.close();
});

async function start(a2a: Record<string, unknown> = {}, more: Omit<TestGatewayOptions, "a2a"> = {}): Promise<string> {
  gateway = await startGateway({ a2a: { agents: { raw: { url: agent.url } }, ...a2a }, ...more });
  return `${gateway.url}/a2a/raw`;
}
const getCard = (url: string, headers: Record<string, string> = { "a2a-version": "1.0" }) =>
  fetch(`${url}/.well-known/agent-card.json`, { headers });

it("shows the gateway's address, security and capabilities, and nothing of where the agent is", async () => {
  agent.card = {
    ...currentCard(agent.url),
    provider: { organization: "Raw Inc", url: "https://raw.example" },
    iconUrl: `${agent.url}/icon.png`,
    documentationUrl: "https://docs.example/raw",
    unknownField: { inside: agent.url },
    supportedInterfaces: [
      { url: "http://agent.internal:5000/grpc", protocolBinding: "GRPC", protocolVersion: "1.0" },
      { url: `${agent.url}/rpc`, protocolBinding: "JSONRPC", protocolVersion: "1.0", tenant: "inner" },
    ],
    capabilities: {
      streaming: true,
      pushNotifications: true,
      extensions: [
        {
          uri: "urn:x",
          required: true,
          params: { endpoint: `${agent.url}/ext`, note: "ask agent.internal:5000 about it" },
        },
      ],
    },
    securitySchemes: { internal: { apiKeySecurityScheme: { location: "header", name: "x-internal" } } },
    securityRequirements: [{ schemes: { internal: { list: [] } } }],
    skills: [
      {
        id: "s",
        name: "S",
        description: "d",
        tags: ["t"],
        securityRequirements: [{ schemes: { internal: { list: [] } } }],
      },
    ],
    signatures: [{ protected: "p", signature: "s" }],
  };
  const url = await start(
    {},
    {
      authorization: {
        metadataUrl: "https://gw.example/.well-known/oauth-authorization-server",
        tokenUrl: "https://gw.example/oauth/token",
      },
    },
  );
  const response = await getCard(url);
  const card = await response.json();
  expect(card).toEqual({
    name: "raw",
    description: `An agent at ${url}.`,
    version: "1",
    provider: { organization: "Raw Inc", url: "https://raw.example" },
    documentationUrl: "https://docs.example/raw",
    defaultInputModes: ["text/plain"],
    defaultOutputModes: ["text/plain"],
    supportedInterfaces: [{ url, protocolBinding: "JSONRPC", protocolVersion: "1.0" }],
    capabilities: {
      streaming: true,
      pushNotifications: false,
      extendedAgentCard: false,
      extensions: [{ uri: "urn:x", required: true, params: { note: `ask ${url} about it` } }],
    },
    skills: [{ id: "s", name: "S", description: "d", tags: ["t"] }],
    securitySchemes: {
      bearer: { httpAuthSecurityScheme: { scheme: "bearer" } },
      oauth2: {
        oauth2SecurityScheme: {
          flows: { clientCredentials: { tokenUrl: "https://gw.example/oauth/token", scopes: {} } },
          oauth2MetadataUrl: "https://gw.example/.well-known/oauth-authorization-server",
        },
      },
    },
    securityRequirements: [{ schemes: { bearer: { list: [] } } }, { schemes: { oauth2: { list: [] } } }],
  });
  expect(response.headers.get("vary")).toBe("A2A-Version");
  expect(response.headers.get("cache-control")).toBe("public, max-age=60");
});

it("answers 304 to whoever has the card already", async () => {
  const url = await start();
  const etag = (await getCard(url)).headers.get("etag") ?? "";
  expect(etag).toMatch(/^".+"$/);
  const again = await getCard(url, { "a2a-version": "1.0", "if-none-match": `"other", W/${etag}` });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  expect(agent.cardFetches).toBe(1);
});

it("is pure 1.0 for who asks for 1.0, and readable by 0.3 for who names no version, where the agent speaks 0.3", async () => {
  const writer = await serveAgent(createWriterAgent(), 0);
  try {
    const url = await start({ agents: { raw: { url: writer.url } } });
    const current = (await (await getCard(url)).json()) as Record<string, unknown>;
    expect(current).not.toHaveProperty("url");
    expect(current.supportedInterfaces).toEqual([
      { url, protocolBinding: "JSONRPC", protocolVersion: "1.0" },
      { url, protocolBinding: "JSONRPC", protocolVersion: "0.3" },
    ]);
    const hybrid = (await (await getCard(url, {})).json()) as Record<string, unknown>;
    expect(hybrid).toMatchObject({ ...current, securitySchemes: { bearer: { type: "http", scheme: "bearer" } } });
    expect(hybrid).toMatchObject({
      url,
      protocolVersion: "0.3.0",
      preferredTransport: "JSONRPC",
      security: [{ bearer: [] }],
      supportsAuthenticatedExtendedCard: false,
    });
  } finally {
    await writer.close();
  }
});

it("names no 0.3 address for an agent that speaks 1.0 alone", async () => {
  expect(await (await getCard(await start(), {})).json()).not.toHaveProperty("url");
});

it("reads a card of 0.3, and posts to the path it names on the configured host", async () => {
  agent.card = {
    name: "old",
    description: "d",
    version: "1",
    protocolVersion: "0.3.0",
    url: "http://localhost:1/old/rpc",
    preferredTransport: "JSONRPC",
    capabilities: { streaming: true, stateTransitionHistory: true },
    defaultInputModes: [],
    defaultOutputModes: [],
    skills: [],
    supportsAuthenticatedExtendedCard: true,
  };
  const url = await start();
  expect(await (await getCard(url)).json()).toMatchObject({
    supportedInterfaces: [{ url, protocolVersion: "0.3" }],
    capabilities: { extendedAgentCard: true },
  });
  await rpc(
    url,
    "alice",
    "message/send",
    { message: { kind: "message", messageId: "m", role: "user", parts: [] } },
    { version: "" },
  );
  expect(agent.seen[0]).toMatchObject({ url: "/old/rpc", headers: { "a2a-version": "0.3" } });
});

it("passes an extended card on with the gateway's addresses in it", async () => {
  agent.card = { ...currentCard(agent.url), capabilities: { streaming: true, extendedAgentCard: true } };
  agent.answer = (body, response) =>
    json(response, {
      jsonrpc: "2.0",
      id: body.id,
      result: { ...currentCard(agent.url), name: "extended", signatures: [{}] },
    });
  const url = await start();
  const answer = (await (await rpc(url, "alice", "GetExtendedAgentCard", {})).json()) as {
    result: Record<string, unknown>;
  };
  expect(answer.result).toMatchObject({ name: "extended", supportedInterfaces: [{ url }] });
  expect(JSON.stringify(answer)).not.toContain(agent.url);
  expect(answer.result).not.toHaveProperty("signatures");
});

it("names the agent's own tenant to the agent alone", async () => {
  const interfaces = [{ url: `${agent.url}/rpc`, protocolBinding: "JSONRPC", protocolVersion: "1.0", tenant: "inner" }];
  agent.card = { ...currentCard(agent.url), supportedInterfaces: interfaces };
  const url = await start();
  await rpc(url, "alice", "SendMessage", { message: { messageId: "m", parts: [] } });
  expect(JSON.parse(agent.seen[0]?.body ?? "")).toMatchObject({
    params: { tenant: "inner", message: { messageId: "m" } },
  });
});

it("keeps the last good card while the agent is down, and takes the new one when it is back", async () => {
  let now = 1_000_000;
  const url = await start({ cardTtl: "1m" }, { clock: { now: () => now, monotonic: () => performance.now() } });
  expect(await (await getCard(url)).json()).toMatchObject({ version: "1" });
  const { port } = agent;
  await agent.close();
  now += 61_000;
  expect(await (await getCard(url)).json()).toMatchObject({ version: "1" });
  agent = await startRawAgent((at) => ({ ...currentCard(at), version: "2" }), port);
  now += 5_001;
  expect(await (await getCard(url)).json()).toMatchObject({ version: "2" });
});

it("says so when an agent never showed a card", async () => {
  const url = await start({ agents: { raw: { url: "http://127.0.0.1:9" } } });
  const response = await getCard(url);
  expect(response.status).toBe(502);
  expect(await response.json()).toMatchObject({ error: { code: -32603 } });
});

it("finds a card at its configured place, with a query", async () => {
  const url = await start({ agents: { raw: { url: `${agent.url}/agents/7`, card: "/cards?assistant=7" } } });
  expect((await getCard(url)).status).toBe(200);
  await rpc(url, "alice", "SendMessage", { message: { messageId: "m", parts: [] } });
  expect(agent.seen[0]?.url).toBe("/agents/7");
});

it("hides cards that are not public from who may not use the agent", async () => {
  const url = await start({ cards: "authenticated" });
  if (gateway !== undefined) gateway.rule = (principal) => principal.subject === "alice";
  const hidden = await getCard(url, { authorization: "Bearer mallory" });
  const unknown = await getCard(url.replace("/raw", "/nix"), { authorization: "Bearer mallory" });
  expect([hidden.status, (await hidden.text()).replace("raw", "nix")]).toEqual([unknown.status, await unknown.text()]);
  const shown = await getCard(url, { authorization: "Bearer alice" });
  expect([shown.status, shown.headers.get("vary"), shown.headers.get("cache-control")]).toEqual([
    200,
    "A2A-Version, Authorization",
    "private, max-age=60",
  ]);
});

it("lists the agents a caller may use", async () => {
  const url = await start({ agents: { raw: { url: agent.url }, other: { url: agent.url } } });
  if (gateway !== undefined) gateway.rule = (_principal, operation) => operation.target.server === "raw";
  expect(await (await fetch(`${gateway?.url}/a2a`)).json()).toEqual({
    agents: [{ name: "raw", url, card: `${url}/.well-known/agent-card.json` }],
  });
});
