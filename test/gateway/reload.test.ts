import { afterEach, beforeEach, expect, test } from "vitest";
import { chat, startEndless, type EndlessGateway } from "./endless.ts";

let running: EndlessGateway;
let callers: AbortController;
beforeEach(async () => {
  running = await startEndless();
  callers = new AbortController();
});
afterEach(async () => {
  callers.abort();
  await running.close();
});

test("limits of admission are those of the configuration in force", async () => {
  const { gateway, load, url } = running;
  const ask = () => fetch(`${url}/v1/chat/completions`, { ...chat("hi"), signal: callers.signal });
  expect((await ask()).status).toBe(200);
  expect((await ask()).status).toBe(200);
  await gateway.reload(load({ admission: "{ perPrincipal: 2 }" }));
  const refused = await ask();
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining("2 operations") } });
});

test("another public address is refused until a restart, and what was in force stays", async () => {
  const { gateway, load, url } = running;
  await expect(gateway.reload(load({ publicUrl: "http://127.0.0.1:4001" }))).rejects.toThrow(/publicUrl.*restart/);
  const metadata = await fetch(`${url}/.well-known/oauth-protected-resource`);
  expect(await metadata.json()).toMatchObject({ resource: "http://127.0.0.1:4000" });
});
