import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { LightAbortSignal } from "../../src/core/abort.ts";
import { Breaker } from "../../src/gateway/breaker.ts";
import type { GuardDeps } from "../../src/guardrails/guard.ts";
import { createTestClock } from "../state/test-clock.ts";
import { buildGuardrails, createDeps, requestOf, slotOf } from "./guard-scene.ts";

interface Heard {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: { readonly body: { readonly messages?: unknown; readonly choices?: unknown } };
}

let deps: GuardDeps & { close(): Promise<void> };
let url: string;
let heard: Heard[] = [];
let answer: (response: ServerResponse) => void = () => {};
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Heard["body"];
    heard.push({ path: request.url ?? "", headers: request.headers, body });
    answer(response);
  });
});

beforeAll(async () => {
  deps = createDeps();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  heard = [];
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await deps.close();
});

const says =
  (action: unknown, status = 200) =>
  (response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ action }));
  };
const build = (more: object = {}) => buildGuardrails([{ type: "webhook", url: `${url}/`, ...more }], deps);
const failed = { pass: false, guard: "webhook", message: "Rejected: this could not be checked." };

test("it is shown the texts in order with the roles of a chat, its own key, and nothing of the caller's", async () => {
  answer = says({ reason: "fine" });
  const request = requestOf("llm", slotOf("be brief", "system"), "hi", slotOf("21 °C", "tool-output", 2));
  expect(await build({ key: "own" }).input(request)).toEqual({ pass: true });
  expect(heard).toHaveLength(1);
  const [{ path, headers, body } = {} as Heard] = heard;
  expect([path, headers.authorization]).toEqual(["/request", "Bearer own"]);
  expect(body).toEqual({
    body: {
      messages: [
        { role: "system", content: "be brief" },
        { role: "user", content: "hi" },
        { role: "tool", content: "21 °C" },
      ],
    },
  });
  expect(JSON.stringify([headers, body])).not.toContain("ada");
});

test("what it masks takes the place of what it was shown", async () => {
  answer = says({
    body: {
      messages: [
        { role: "user", content: "hi" },
        { role: "user", content: "I am ***" },
      ],
    },
  });
  expect(await build().input(requestOf("a2a", "hi", "I am Ada"))).toEqual({
    pass: true,
    texts: new Map([[1, "I am ***"]]),
  });
});

test("what it rejects is refused in its own words", async () => {
  answer = says({ body: "Off topic.", status_code: 451, reason: "weather only" });
  expect(await build().input(requestOf("mcp", "hi"))).toEqual({ pass: false, guard: "webhook", message: "Off topic." });
});

test("it is shown answers once they are whole, and nothing of them goes out before", async () => {
  const guardrails = build({ direction: "output" });
  expect(guardrails.guardsRequests("llm")).toBe(false);
  const watch = () => guardrails.output(requestOf("llm", "hi"));
  const slot = (text: string, json = false) => ({
    ...slotOf(text, "assistant"),
    channel: "c",
    ...(json && { json: true as const }),
  });
  answer = says({ body: { choices: [{ message: { role: "assistant", content: "***" } }] } });
  const masked = watch();
  expect([await masked?.push(slot("a se")), await masked?.push(slot("cret"))]).toEqual(["", ""]);
  expect(await masked?.end("c")).toBe("***");
  expect(heard.map(({ path, body }) => [path, body.body.choices])).toEqual([
    ["/response", [{ message: { role: "assistant", content: "a secret" } }]],
  ]);

  const json = watch();
  await json?.push(slot('{"a":1}', true));
  await expect(json?.end("c")).rejects.toMatchObject({ kind: "denied" }); // *** is no JSON

  answer = says({});
  const passed = watch();
  await passed?.push(slot("all is well"));
  expect(await passed?.end("c")).toBe("all is well");

  answer = says({ body: "No.", status_code: 403 });
  const rejected = watch();
  await rejected?.push(slot("a secret"));
  await expect(rejected?.end("c")).rejects.toMatchObject({ kind: "denied", message: "No." });
});

const faults: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ["answers with an error", says({}, 500)],
  ["answers with a redirect", (response) => response.writeHead(302, { location: "http://127.0.0.1:9/" }).end()],
  ["answers with something else than JSON", (response) => response.writeHead(200).end("<html>")],
  ["answers without an action", (response) => response.writeHead(200).end("{}")],
  ["masks other messages than it was shown", says({ body: { messages: [] } })],
  ["masks with something else than text", says({ body: { messages: [{ role: "user", content: 1 }] } })],
  ["answers without end", (response) => void response.writeHead(200).write("x".repeat(1_000_000))],
  ["resets the connection", (response) => void response.destroy()],
  ["closes its side without a word", (response) => void response.socket?.end()],
  [
    "answers with another content than it says",
    (response) => response.writeHead(200, { "content-length": 5 }).end("{}"),
  ],
  ["answers with JSON that is far too deep", (response) => response.writeHead(200).end("[".repeat(60_000))],
  [
    "masks with far more than it was shown",
    says({ body: { messages: [{ role: "user", content: "x".repeat(10_000_000) }] } }),
  ],
  ["breaks off", (response) => void response.writeHead(200).write("{", () => response.destroy())],
  ["hangs", () => {}],
  ["trickles", (response) => void response.writeHead(200).write(" ")],
];

test.each(faults)("a guard that %s is closed by default, and open only where that is asked for", async (_, fault) => {
  answer = fault;
  expect(await build({ timeout: "300ms" }).input(requestOf("llm", "hi"))).toEqual(failed);
  expect(await build({ timeout: "300ms", onFailure: "open" }).input(requestOf("llm", "hi"))).toEqual({ pass: true });
});

test.each(faults)(
  "an answer that a guard which %s should see is held back, and shown only where that is asked for",
  async (_, fault) => {
    answer = fault;
    const ask = async (options: object) => {
      const watch = build({ timeout: "300ms", direction: "output", ...options }).output(requestOf("llm", "hi"));
      await watch?.push({ ...slotOf("a secret", "assistant"), channel: "c" });
      return watch?.end("c");
    };
    await expect(ask({})).rejects.toMatchObject({ kind: "denied", message: failed.message });
    expect(await ask({ onFailure: "open" })).toBe("a secret");
  },
);

test("a guard that is well again is asked again, by one request first", async () => {
  const clock = createTestClock();
  const guardrails = buildGuardrails([{ type: "webhook", url, timeout: "300ms" }], {
    ...deps,
    breaker: () =>
      new Breaker(
        clock,
        () => 0.5,
        () => {},
      ),
  });
  const ask = () => guardrails.input(requestOf("llm", "hi"));
  answer = says({}, 500);
  for (let tries = 0; tries < 10; tries++) expect(await ask()).toEqual(failed);
  expect(heard).toHaveLength(5);
  clock.pass(5_000);
  const held: ServerResponse[] = [];
  answer = (response) => void held.push(response);
  const [probe, meanwhile] = [ask(), ask()];
  expect(await meanwhile).toEqual(failed);
  await vi.waitUntil(() => held.length > 0);
  expect(heard).toHaveLength(6);
  answer = says({});
  for (const response of held) answer(response);
  expect(await probe).toEqual({ pass: true });
  expect(await ask()).toEqual({ pass: true });
});

test("an answer of which more would have to be held than there is room for is refused", async () => {
  const watch = build({ direction: "output" }).output(requestOf("llm", "hi"));
  const push = (channel: string) => watch?.push({ ...slotOf("x".repeat(2_000_000), "assistant"), channel });
  await push("a");
  await push("b");
  await expect((async () => push("c"))()).rejects.toMatchObject({ kind: "denied" });
  expect(heard).toEqual([]);
});

test("a guard that is not there is closed, and after some tries it is not asked for a while", async () => {
  answer = says({}, 503);
  const guardrails = build({ timeout: "300ms" });
  for (let tries = 0; tries < 20; tries++) expect(await guardrails.input(requestOf("llm", "hi"))).toEqual(failed);
  expect(heard.length).toBeLessThan(10);
  const nobody = buildGuardrails([{ type: "webhook", url: "http://127.0.0.1:9", message: "Later." }], deps);
  expect(await nobody.input(requestOf("llm", "hi"))).toMatchObject({ pass: false, message: "Later." });
});

test("a caller who goes away ends the question, and is no failure of the guard", async () => {
  const guardrails = build();
  for (let callers = 0; callers < 6; callers++) {
    const signal = new LightAbortSignal();
    answer = () => signal.abort(new Error("gone"));
    await expect(guardrails.input({ ...requestOf("llm", "hi"), signal })).rejects.toThrow("gone");
  }
  answer = says({});
  expect(await guardrails.input(requestOf("llm", "hi"))).toEqual({ pass: true });
});
