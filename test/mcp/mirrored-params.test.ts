import { afterEach, beforeEach, expect, test } from "vitest";
import type { JsonEdit } from "../../src/core/json-edit.ts";
import { startHarness } from "./harness.ts";
import { ENVELOPE, raw, startSession, stateless } from "./raw-client.ts";
import { reply, startRawServer, type RawServer } from "./raw-server.ts";

/* 2026-07-28, streamable HTTP, "Custom Headers from Tool Parameters". */

const properties = {
  region: { type: "string", "x-mcp-header": "Region" },
  at: { type: "object", properties: { desk: { type: "integer", "x-mcp-header": "Desk" } } },
};
const tool = { name: "book", inputSchema: { type: "object", properties } };

let server: RawServer;
beforeEach(async () => {
  server = await startRawServer(({ message }, response) => {
    const result = {
      resultType: "complete",
      ...(message.method === "tools/list" ? { ttlMs: 1, cacheScope: "public", tools: [tool] } : { content: [] }),
    };
    reply(response, JSON.stringify({ jsonrpc: "2.0", id: message.id, result }));
  });
});
afterEach(() => server.close());

const args = '{"region":"Zürich","at":{"desk":7},"other":true}';
const encoded = `=?base64?${Buffer.from("Zürich").toString("base64")}?=`;

/** The headers that the server was sent with a call, by a client of either era. */
async function mirrored(
  era: "stateless" | "session",
  headers: Record<string, string>,
  edits: readonly JsonEdit[] = [],
) {
  const gateway = await startHarness({
    mcp: { servers: { raw: { url: server.url } }, routes: { "/mcp": { servers: ["raw"] } } },
    edits,
  });
  try {
    const modern = era === "stateless";
    const known = modern ? stateless("tools/call", "book") : await startSession(gateway.url());
    const params = `{"name":"book","arguments":${args}${modern ? `,${ENVELOPE}` : ""}}`;
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
    expect(await raw(gateway.url(), "POST", { ...known, ...headers }, body)).toMatchObject({ status: 200 });
  } finally {
    await gateway.close();
  }
  const sent = server.requests.at(-1);
  expect(sent?.message.method).toBe("tools/call");
  return Object.fromEntries(Object.entries(sent?.headers ?? {}).filter(([name]) => name.startsWith("mcp-param-")));
}

test("what a stateless client mirrors is passed on as it came, for its server to compare", async () => {
  const headers = { "mcp-param-region": encoded, "mcp-param-desk": "8", "mcp-param-own": "words" };
  expect(await mirrored("stateless", headers)).toEqual(headers);
});

test("for a client of a session the gateway mirrors", async () => {
  expect(await mirrored("session", { "mcp-param-region": "words" })).toEqual({
    "mcp-param-region": encoded,
    "mcp-param-desk": "7",
  });
});

test.each(["stateless", "session"] as const)(
  "what a guard has taken out of the arguments is not in their headers either: a %s client",
  async (era) => {
    const edits = [{ path: ["params", "arguments", "region"], json: '"[PLACE]"' }];
    const headers = { "mcp-param-region": encoded, "mcp-param-desk": "7", "mcp-param-own": encoded };
    expect(await mirrored(era, headers, edits)).toEqual({ "mcp-param-region": "[PLACE]", "mcp-param-desk": "7" });
  },
);
