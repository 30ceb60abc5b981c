import { afterAll, beforeAll, expect, test } from "vitest";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";
import { ENVELOPE, raw, startSession, stateless } from "./raw-client.ts";
import { reply, startRawServer } from "./raw-server.ts";
import type { RawServer } from "./raw-server.ts";

/* What JSON.parse and JSON.stringify would spoil: large integers, 1.0, the order of integer-like keys, escapes, white space. */
const ODD = '{"b":1.0,"10":12345678901234567890,"2":"\\u00e9\\/","nested": [ 1e400 , -0 ]}';
const TOOL = `{ "name":"echo", "inputSchema":{"type":"object","properties":{"a":{"const":1.50}}},"outputSchema":{"type":"object"},"icons":[{"src":"https://x/y.png"}],"annotations":{"readOnlyHint":true,"x-own":1.0},"x-unknown":${ODD} }`;

let server: RawServer;
let gateway: Harness;

beforeAll(async () => {
  server = await startRawServer(({ body, message }, response) => {
    const id = /"id":\s*("(?:[^"\\]|\\.)*"|[^,}\s]+)/.exec(body)![1]!;
    if (message.method === "tools/list")
      return reply(
        response,
        `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","ttlMs":1,"cacheScope":"public","tools":[${TOOL},{"name":"fail","inputSchema":{"type":"object"}}]}}`,
      );
    if (message.params?.["name"] === "fail")
      return reply(
        response,
        `{"jsonrpc":"2.0","id":${id},"error":{"code":-32099,"message":"no \\u00fc","data":${ODD}}}`,
      );
    reply(
      response,
      `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","content":[],"structuredContent":${ODD},"_meta":{"own/key":1.0}}}`,
    );
  });
  gateway = await startHarness({
    mcp: {
      servers: { raw: { url: server.url }, "team-a/raw.v2": { url: server.url } },
      routes: {
        "/mcp": { servers: ["raw"] },
        "/prefixed": { servers: ["raw"], prefix: "always" },
        "/namespaced": { servers: ["team-a/raw.v2"], prefix: "always" },
      },
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await server.close();
});

const call = (id: string, name = "echo") =>
  `{"jsonrpc":"2.0",  "id":${id},"method":"tools/call","params":{"name":"${name}","arguments":${ODD},"x-own":2.0,${ENVELOPE}}}`;

test.each(["0", '""', "12345678901234567890", "1.0", '"\\u00e9"', "-7"])(
  "echoes the id %s as it was spelled, and passes a request on byte for byte",
  async (id) => {
    const body = call(id);
    const answer = await raw(gateway.url(), "POST", stateless("tools/call", "echo"), body);
    expect(answer.text).toBe(
      `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","content":[],"structuredContent":${ODD},"_meta":{"own/key":1.0}}}`,
    );
    expect(server.requests.at(-1)!.body).toBe(body);
  },
);

test("lists a tool in its server's own bytes", async () => {
  const answer = await raw(
    gateway.url(),
    "POST",
    stateless("tools/list"),
    `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{${ENVELOPE}}}`,
  );
  expect(answer.text).toContain(TOOL);
});

test("changes nothing but the name where tools are prefixed", async () => {
  const list = await raw(
    gateway.url("/prefixed"),
    "POST",
    stateless("tools/list"),
    `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{${ENVELOPE}}}`,
  );
  expect(list.text).toContain(TOOL.replace('"echo"', '"raw__echo"'));
  await raw(gateway.url("/prefixed"), "POST", stateless("tools/call", "raw__echo"), call("5", "raw__echo"));
  expect(server.requests.at(-1)!.body).toBe(call("5"));
  expect(server.requests.at(-1)!.headers["mcp-name"]).toBe("echo");
});

test("a prefix of a server of a namespace has only what model APIs take in the name of a tool", async () => {
  const name = "team-a_raw_v2__echo";
  const list = await raw(
    gateway.url("/namespaced"),
    "POST",
    stateless("tools/list"),
    `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{${ENVELOPE}}}`,
  );
  expect(list.text).toContain(TOOL.replace('"echo"', `"${name}"`));
  await raw(gateway.url("/namespaced"), "POST", stateless("tools/call", name), call("5", name));
  expect(server.requests.at(-1)!.body).toBe(call("5"));
});

test("passes a server's error on with its code, message and data", async () => {
  const answer = await raw(gateway.url(), "POST", stateless("tools/call", "fail"), call('"x"', "fail"));
  expect(answer.text).toBe(`{"jsonrpc":"2.0","id":"x","error":{"code":-32099,"message":"no \\u00fc","data":${ODD}}}`);
});

test("takes only the result type away for a session-era client", async () => {
  const session = await startSession(gateway.url());
  const body = `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":${ODD}}}`;
  const answer = await raw(gateway.url(), "POST", session, body);
  expect(answer.text).toBe(
    `{"jsonrpc":"2.0","id":3,"result":{"content":[],"structuredContent":${ODD},"_meta":{"own/key":1.0}}}`,
  );
  expect(server.requests.at(-1)!.body).toContain(`"arguments":${ODD}`);
  expect(server.requests.at(-1)!.headers).toMatchObject({
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "echo",
  });
});
