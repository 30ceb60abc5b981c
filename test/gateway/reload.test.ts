import { afterEach, beforeEach, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { createEpochs } from "../../src/gateway/epochs.ts";
import type { Store } from "../../src/state/store.ts";
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

test("a reload while the store is down says that it may be tried again, changes nothing and leaves nothing behind", async () => {
  const { gateway, load } = running;
  const { store } = gateway.foundation;
  let down = false;
  let subscriptions = 0;
  const failing: Store = {
    ...store,
    async get(...all) {
      if (down) throw new GatewayError("state_unavailable", "The state store cannot be reached at the moment.");
      return await store.get(...all);
    },
    async subscribe(...all) {
      const leave = await store.subscribe(...all);
      subscriptions += 1;
      return async () => {
        subscriptions -= 1;
        await leave();
      };
    },
  };
  const epochs = await createEpochs(load(), { ...gateway.foundation, store: failing });
  const before = { epoch: epochs.current(), subscriptions };
  const changed = load({ auth: "{ embedded: true, anonymous: true, scopes: [other] }" });
  down = true;
  for (let n = 0; n < 3; n++)
    await expect(epochs.reload(changed)).rejects.toMatchObject({ kind: "state_unavailable", spec: { retry: true } });
  expect({ epoch: epochs.current(), subscriptions }).toEqual(before);
  down = false;
  await epochs.reload(changed);
  expect(epochs.current()).not.toBe(before.epoch);
  await epochs.close();
  expect(subscriptions).toBe(0);
});
