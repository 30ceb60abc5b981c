import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Protocol, protocols } from "../../src/core/operation.ts";
import { steps } from "../../src/gateway/steps.ts";
import { chat, startEndless, type EndlessGateway } from "./endless.ts";

test("every protocol takes every step, in this order", () => {
  const tableOf = (protocol: Protocol) =>
    steps.filter(([, ...serves]) => serves.includes(protocol)).map(([{ name, per }]) => [per, name]);
  for (const protocol of protocols)
    expect(tableOf(protocol)).toEqual([
      ["exchange", "receive"],
      ["exchange", "authenticate"],
      ["exchange", "classify"],
      ["operation", "record"],
      ["operation", "admit"],
      ["operation", "plan"],
      ["operation", "authorize"],
      ["operation", "watch"],
      ...(protocol === "mcp" || protocol === "a2a" ? [["operation", "taint"]] : []),
      ...(protocol === "http" ? [] : [["operation", "guard"]]),
      ...(protocol === "llm" ? [["operation", "recall"]] : []),
      ["candidate", "reserve"],
      ["candidate", "relay"],
    ]);
});

let running: EndlessGateway;
beforeEach(async () => {
  running = await startEndless();
});
afterEach(async () => {
  vi.useRealTimers();
  await running.close();
});

test("an exchange leaves nothing behind: answered, refused, failed, unauthenticated, aborted or drained", async () => {
  const { gateway, url } = running;
  const { open, inFlight, metrics } = gateway.foundation;
  const underWay = async () => [
    open.size,
    inFlight.count,
    /^sallyport_exchanges_in_flight (\d+)$/m.exec((await metrics.render()).body)?.[1],
  ];
  const status = async (path: string, init: RequestInit) => {
    const response = await fetch(`${url}${path}`, init);
    await response.arrayBuffer();
    return response.status;
  };
  const unknown = { ...chat(""), body: '{"model":"none","messages":[{"role":"user","content":"hi"}]}' };
  expect(await status("/v1/models", {})).toBe(200);
  expect(await status("/v1/chat/completions", chat("this is far too long a text"))).toBe(403);
  expect(await status("/v1/chat/completions", unknown)).toBe(404);
  expect(await status("/v1/chat/completions", { method: "POST", body: "{" })).toBe(415);
  expect(await status("/v1/models", { headers: { authorization: "Bearer nobody" } })).toBe(401);
  const caller = new AbortController();
  const stays = await fetch(`${url}/v1/chat/completions`, chat("stays"));
  await fetch(`${url}/v1/chat/completions`, { ...chat("leaves"), signal: caller.signal });
  await expect.poll(underWay).toEqual([2, 2, "2"]);
  caller.abort();
  await expect.poll(underWay).toEqual([1, 1, "1"]);
  const ended = stays.text();
  await gateway.drain();
  expect(await ended).toContain("draining");
  expect([open.size, inFlight.count]).toEqual([0, 0]);
});

test("a stream ends with an error once the key that opened it is revoked", async () => {
  const { gateway, url } = running;
  const { keys } = gateway.epochs.current().auth;
  const { id, key } = await keys.issue({ name: "short-lived" });
  const stream = await fetch(`${url}/v1/chat/completions`, chat("hi", `Bearer ${key}`));
  expect(stream.status).toBe(200);
  await keys.revoke(id);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
  gateway.foundation.open.sweep();
  const text = await stream.text();
  expect(text).toContain('"code":"invalid_api_key"');
  expect(text).not.toContain("[DONE]");
});

test("an exchange is counted with the status that was sent, whatever its protocol makes of an error", async () => {
  const { gateway, url } = running;
  const headers = { "content-type": "application/json", "a2a-version": "9.0" };
  const body = '{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":"a"}}';
  const response = await fetch(`${url}/a2a/none`, { method: "POST", headers, body });
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ error: { code: -32_009 } });
  const counted = /sallyport_exchanges_total\{route="\/a2a\/none",[^}]*status="(\d+)"\} 1/;
  await expect.poll(async () => counted.exec((await gateway.foundation.metrics.render()).body)?.[1]).toBe("200");
});
