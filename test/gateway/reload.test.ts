import { afterEach, beforeEach, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { createEpochs } from "../../src/gateway/epochs.ts";
import type { Foundation } from "../../src/gateway/foundation.ts";
import type { Store } from "../../src/state/store.ts";
import { collectGarbage } from "../collect-garbage.ts";
import { ModelServer } from "../inference/pool/model-server.ts";
import { until } from "../inference/pool/pool-scene.ts";
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

test("a configuration whose last part fails leaves the pools as they were and nothing behind", async () => {
  const { gateway, load } = running;
  const [staying, leaving, joining] = await Promise.all([1, 2, 3].map(() => new ModelServer().start()));
  const servers = [staying!, leaving!, joining!];
  const poolOf = (endpoints: readonly ModelServer[], more: string) =>
    `{ engine: vllm, endpoints: ${JSON.stringify(endpoints.map(({ url }) => url))}, metrics: { every: 100ms }${more} }`;
  const models = "{ llama: { pool: local } }";
  let down = false;
  let subscriptions = 0;
  const { meter, store } = gateway.foundation;
  const failing: Foundation = {
    ...gateway.foundation,
    meter: {
      ...meter,
      gauge(name, ...all) {
        // What is made last of all.
        if (down && name === "exchanges_in_flight") throw new Error("something that nobody thought of");
        return meter.gauge(name, ...all);
      },
    },
    store: {
      ...store,
      async subscribe(...all) {
        const leave = await store.subscribe(...all);
        subscriptions += 1;
        return async () => {
          subscriptions -= 1;
          await leave();
        };
      },
    },
  };
  const before = load({ models, pools: `{ local: ${poolOf([staying!, leaving!], "")} }` });
  const epochs = await createEpochs(before, failing);
  const list = () =>
    failing.pools.list().map(({ pool, endpoints }) => [pool, endpoints.map(({ url, name }) => [name, url])]);
  const stands = { epoch: epochs.current(), list: list().filter(([name]) => name === "local"), subscriptions };
  expect(stands.list).toEqual([
    [
      "local",
      [
        ["local-0", staying!.url],
        ["local-1", leaving!.url],
      ],
    ],
  ]);
  const next = load({
    models: "{ llama: { pool: local }, other: { pool: other } }",
    pools: `{ local: ${poolOf([staying!, joining!], ", priority: [{ when: 'true', is: -1 }]")}, other: ${poolOf([joining!], "")} }`,
    auth: "{ embedded: true, anonymous: true, scopes: [other] }",
    cache: "{}",
  });
  down = true;
  await expect(epochs.reload(next)).rejects.toThrow("nobody thought of");
  expect({ epoch: epochs.current(), list: list(), subscriptions }).toEqual(stands);
  const { scrapes } = leaving!;
  await until(() => leaving!.scrapes > scrapes + 2, "the endpoint that would have gone is still scraped");
  expect(joining!.scrapes).toBe(0);
  down = false;
  await epochs.reload(next);
  await until(() => joining!.scrapes > 0, "the endpoint that joins is scraped");
  await epochs.close();
  expect(list()).toEqual([]);
  expect(subscriptions).toBe(0);
  for (const server of servers) await server.stop();
});

test("a configuration that is in force no more is kept by nobody, however many come after it", async () => {
  const { gateway, load } = running;
  const former: WeakRef<object>[] = [];
  for (let round = 1; round <= 5; round++) {
    former.push(new WeakRef(gateway.epochs.current()));
    await gateway.reload(
      load({ models: `{ of-${round}: { provider: openai-compatible, url: "http://127.0.0.1:9/v1" } }` }),
    );
  }
  const left = () => {
    collectGarbage();
    return former.filter((each) => each.deref() !== undefined).length;
  };
  // Parts that every one of them has taken over may know the one that made them.
  await until(() => left() <= 2, "former configurations are collected");
  expect(left()).toBeLessThanOrEqual(2);
});
