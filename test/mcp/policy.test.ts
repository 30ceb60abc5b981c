import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { connectLegacy, connectModern } from "./clients.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";
import { ENVELOPE, raw, startSession, stateless } from "./raw-client.ts";
import { startServer } from "./start-server.ts";
import type { RunningServer } from "./start-server.ts";

let notes: RunningServer;
let other: RunningServer;
let gateway: Harness;

/* Bob may read and must not name "secret"; writing needs a scope. Everything else is hidden from him. */
beforeAll(async () => {
  [notes, other] = await Promise.all([startServer("tools/notes/server.ts"), startServer("tools/notes/server.ts")]);
  gateway = await startHarness({
    mcp: {
      servers: { notes: { url: notes.url }, other: { url: other.url } },
      routes: {
        "/mcp": { servers: ["notes"] },
        "/both": { servers: ["notes", "other"] },
        "/always": { servers: ["notes", "other"], prefix: "always" },
        "/safe": { servers: ["notes"], tools: ["read_*"] },
      },
    },
    visible: (principal, { target }) =>
      principal !== "bob" || target.name.startsWith("read_") || target.name === "write_note",
    authorize: (principal, { target, variables }) => {
      if (principal !== "bob") return;
      if (target.name === "write_note")
        throw new GatewayError("insufficient_scope", "This needs another scope.", {
          headers: { "www-authenticate": 'Bearer error="insufficient_scope", scope="notes:write"' },
        });
      if (!target.name.startsWith("read_")) throw new GatewayError("denied", "Policy does not allow this.");
      if ((variables.mcp?.tool.arguments as { id?: string } | undefined)?.id === "secret")
        throw new GatewayError("denied", "Policy does not allow this.");
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([notes.close(), other.close()]);
});

const names = async (path: string, principal = "alice") => {
  const client = await connectModern(gateway.url(path), principal);
  const { tools } = await client.listTools();
  await client.close();
  return tools.map(({ name }) => name);
};

test("lists what the caller may see, to each its own", async () => {
  expect(await names("/mcp", "bob")).toEqual(["read_note", "write_note"]);
  expect(await names("/mcp")).toEqual(["read_note", "write_note", "reindex", "ask_user"]);
});

test("offers on a route only the tools its patterns name", async () => {
  expect(await names("/safe")).toEqual(["read_note"]);
});

test("answers of a hidden tool what it answers of an unknown one, in both eras", async () => {
  for (const client of [
    await connectModern(gateway.url(), "bob"),
    (await connectLegacy(gateway.url(), "bob")).client,
  ]) {
    const refusal = async (name: string) =>
      await client.callTool({ name, arguments: {} }).catch((error: { code: number; message: string }) => ({
        code: error.code,
        message: error.message.replace(name, "X"),
      }));
    expect(await refusal("reindex")).toEqual(await refusal("no_such_tool"));
    await client.close();
  }
});

test("records a guess at what does not exist like a denied call, in both eras", async () => {
  const guesses = [
    ["tools/call", { name: "no_such_tool" }, "tool", "no_such_tool"],
    ["tools/call", { name: "n".repeat(9_000) }, "tool", "n".repeat(256)],
    ["prompts/get", { name: "no_such_prompt" }, "prompt", "no_such_prompt"],
    ["resources/read", { uri: "none://such" }, "resource", "none://such"],
    ["completion/complete", { ref: { type: "ref/prompt", name: "no_such" }, argument: {} }, "prompt", "no_such"],
  ] as const;
  const session = await startSession(gateway.url("/both"));
  for (const [method, params, kind, target] of guesses) {
    const shown = "name" in params ? params.name : "uri" in params ? params.uri : undefined;
    const envelope = JSON.parse(`{${ENVELOPE}}`) as object;
    for (const [headers, sent] of [
      [session, params],
      [stateless(method, shown), { ...params, ...envelope }],
    ] as const) {
      gateway.seen.length = 0;
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: sent });
      const answer = await raw(gateway.url("/both"), "POST", headers, body);
      expect(answer).toMatchObject({ status: 200, text: expect.stringMatching(/Unknown|not found/) as string });
      expect(gateway.seen).toMatchObject([
        { operation: { method, judged: true, target: { kind, name: target, server: "" } }, outcome: "failed" },
      ]);
    }
  }
});

test("tells the model when it may use a tool, but not like this", async () => {
  const client = await connectModern(gateway.url(), "bob");
  expect(await client.callTool({ name: "read_note", arguments: { id: "secret" } })).toMatchObject({
    isError: true,
    content: [{ text: "Policy does not allow this." }],
  });
  await client.close();
});

test("turns a missing scope into a challenge", async () => {
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write_note","arguments":{"id":"a","text":"b"},${ENVELOPE}}}`;
  const answer = await raw(
    gateway.url(),
    "POST",
    { ...stateless("tools/call", "write_note"), "x-test-principal": "bob" },
    body,
  );
  expect(answer.status).toBe(403);
  expect(answer.headers["www-authenticate"]).toContain('scope="notes:write"');
  expect(JSON.parse(answer.text)).toMatchObject({ id: 1, error: { message: "This needs another scope." } });
});

test("judges a call under the tool's own name and server, with its arguments and annotations", async () => {
  const client = await connectModern(gateway.url("/always"));
  gateway.seen.length = 0;
  await client.callTool({ name: "other__read_note", arguments: { id: "note-1" } });
  const operation = gateway.seen.find(({ operation: { method } }) => method === "tools/call")!.operation;
  expect(operation.target).toEqual({ kind: "tool", name: "read_note", server: "other" });
  expect(operation.variables.mcp).toMatchObject({
    method: "tools/call",
    server: "other",
    tool: { name: "read_note", arguments: { id: "note-1" }, annotations: { readOnlyHint: true } },
  });
  await client.close();
});

test("prefixes what clashes, so that a later server never takes an earlier one's name", async () => {
  expect(await names("/both")).toEqual([
    "read_note",
    "write_note",
    "reindex",
    "ask_user",
    "other__read_note",
    "other__write_note",
    "other__reindex",
    "other__ask_user",
  ]);
  const client = await connectModern(gateway.url("/both"));
  expect((await client.getPrompt({ name: "other__summarize", arguments: { id: "note-2" } })).messages).toHaveLength(1);
  await client.close();
});

test("hands on a server's instructions to who sees something of it, and to nobody else, in both eras", async () => {
  const fresh = await startHarness({
    mcp: {
      servers: { notes: { url: notes.url }, other: { url: other.url } },
      routes: { "/mcp": { servers: ["notes", "other"] } },
    },
    visible: (principal, { target }) => principal === "alice" || (principal === "bob" && target.server === "notes"),
  });
  for (const [principal, named] of [
    ["alice", ["# notes", "# other"]],
    ["bob", ["# notes"]],
    ["carol", undefined],
  ] as const) {
    const modern = await connectModern(fresh.url(), principal);
    const { client: legacy } = await connectLegacy(fresh.url(), principal);
    for (const client of [modern, legacy]) {
      expect(client.getInstructions()?.match(/^# .*$/gm)).toEqual(named);
      await client.close();
    }
  }
  await fresh.close();
});

test("marks what it filtered as private", async () => {
  const answer = await raw(
    gateway.url(),
    "POST",
    { ...stateless("tools/list"), "x-test-principal": "bob" },
    `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{${ENVELOPE}}}`,
  );
  expect(JSON.parse(answer.text)).toMatchObject({ result: { resultType: "complete", cacheScope: "private" } });
});
