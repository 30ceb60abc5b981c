import { afterAll, beforeAll, expect, test } from "vitest";
import { startQuickstartProcess, type QuickstartProcess } from "../../src/cli/quickstart-process.ts";
import { commands } from "../../src/cli/registry.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import type { JournalRecord } from "../../src/observability/journal-record.ts";

let gateway: QuickstartProcess;
let token: string;

beforeAll(async () => {
  gateway = await startQuickstartProcess();
  token = await gateway.token();
}, 60_000);
afterAll(async () => {
  expect(await gateway.stop()).toBe(0);
});

function post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${gateway.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

const callTool = (
  name: string,
  args: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
) =>
  post(
    "/mcp",
    {
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: {
        name,
        arguments: args,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": {},
        },
      },
    },
    {
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": name,
      ...headers,
    },
  );
const sendTo = (agent: string, texts: readonly string[]) =>
  post(
    `/a2a/${agent}`,
    {
      jsonrpc: "2.0",
      id: 1,
      method: "SendMessage",
      params: { message: { messageId: "m-1", role: "ROLE_USER", parts: texts.map((text) => ({ text })) } },
    },
    { "a2a-version": "1.0" },
  );
const ask = (model: string) => post("/v1/chat/completions", { model, messages: [{ role: "user", content: "hello" }] });

function idOf(answer: Response): string {
  const id = answer.headers.get("x-request-id") ?? "";
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  return id;
}

async function journal(query: string): Promise<readonly JournalRecord[]> {
  const answer = await gateway.admin(`/api/journal?${query}`);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { records: readonly JournalRecord[] }).records;
}

test.for([
  [
    "an MCP tool",
    () => callTool("read_file", { path: "../secrets" }),
    "no way out",
    "Policy does not allow this request.",
  ],
  [
    "an A2A agent",
    () => sendTo("writer", ["a", "b", "c", "d"]),
    "the writer takes one thing at a time",
    "PERMISSION_DENIED",
  ],
  ["a model", () => ask("large"), "the large model is for operators", "model_not_found"],
] as const)("a denied call of %s carries an id that leads to the rule that denied it", async ([, call, rule, said]) => {
  const answer = await call();
  const id = idOf(answer);
  // What the caller is told does not say the rule: the id is for whoever may read the journal.
  const body = await answer.text();
  expect(body).toContain(said);
  expect(body).not.toContain(rule);
  expect(await journal(`request=${id}`)).toMatchObject([
    { requestId: id, outcome: "denied", decision: { allow: false, rule } },
  ]);
});

test("a failed call carries an id that leads to what failed", async () => {
  const id = idOf(await ask("no-such-model"));
  expect(await journal(`request=${id}`)).toMatchObject([{ requestId: id, outcome: "failed", kind: "not_found" }]);
});

test("each call of a chain is found by its own id, and all of them by the id of the first", async () => {
  const answer = await sendTo("researcher", ["What do the notes say?"]);
  const root = idOf(answer);
  await answer.text();
  const all = await journal(`chain=${root}&limit=1000`);
  expect(all.filter((record) => record.requestId === root)).toMatchObject([{ method: "SendMessage", depth: 0 }]);
  const handedOn = all.filter((record) => record.requestId !== root);
  expect(handedOn.map((record) => record.protocol)).toEqual(expect.arrayContaining(["mcp", "a2a", "llm"]));
  for (const { id, requestId, depth } of handedOn) {
    expect(depth).toBeGreaterThan(0);
    expect((await journal(`request=${requestId}`)).map((record) => record.id)).toEqual([id]);
  }
});

test("ids are never a caller's own choice, and a page of another origin can read them", async () => {
  const chosen = "0".repeat(31) + "1";
  const origin = "http://localhost:3000";
  const answer = await callTool(
    "read_file",
    { path: "../x" },
    { "x-request-id": chosen, traceparent: `00-${chosen}-b7ad6b7169203331-01`, origin },
  );
  expect(idOf(answer)).not.toBe(chosen);
  expect(answer.headers.get("access-control-expose-headers")?.toLowerCase().split(", ")).toContain("x-request-id");
  expect(await journal(`request=${chosen}`)).toEqual([]);
  expect(await journal(`chain=${chosen}`)).toEqual([]);
});

test("the command line shows why a call was denied, by the id of its answer", async () => {
  const id = idOf(await callTool("read_file", { path: "../secrets" }));
  const run = async (...args: readonly string[]) => {
    const [out, err]: [string[], string[]] = [[], []];
    const code = await runCommand(commands, "0", ["journal", "--data", gateway.dataDir, ...args], {
      out: (line) => void out.push(line),
      err: (line) => void err.push(line),
    });
    return { code, out: out.join("\n"), err: err.join("\n") };
  };
  const shown = await run("--request", id);
  expect(shown).toMatchObject({ code: 0, err: "" });
  expect(shown.out).toMatch(/denied  mcp tools\/call tool read_file of files/);
  expect(shown.out).toContain("denied by no way out: the rule matched");
  expect(shown.out).toContain(`request ${id}`);
  const lines = (await run("--outcome", "denied", "--limit", "2", "--json")).out.split("\n");
  expect(lines.map((line) => (JSON.parse(line) as JournalRecord).outcome)).toEqual(["denied", "denied"]);
  expect(await run("--request", "f".repeat(32))).toMatchObject({
    code: 0,
    out: "",
    err: expect.stringContaining("no such record") as string,
  });
  expect(await run("--limit", "0")).toMatchObject({ code: 2 });
  expect(await run("--outcome", "fine")).toMatchObject({ code: 1, err: expect.stringContaining("denied") as string });
});
