import { expect, onTestFinished, test } from "vitest";
import { createClients } from "../../src/auth/clients.ts";
import { createAdapterFactory } from "../../src/auth/embedded/adapter.ts";
import { embeddedConfig } from "../../src/auth/embedded/config.ts";
import { createRevocations } from "../../src/auth/revocations.ts";
import { silentLog } from "../../src/core/log.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import { testClock } from "./start-auth.ts";

async function openAdapters() {
  const clock = testClock();
  const store = createMemoryStore({ clock, log: silentLog });
  onTestFinished(() => store.close());
  const revocations = await createRevocations(
    store,
    () => undefined,
    () => undefined,
  );
  const clients = createClients({
    own: new Map(),
    issuer: "https://gateway.example",
    tenant: undefined,
    config: embeddedConfig.parse({}),
    store,
    revocations,
    clock,
  });
  const adapters = createAdapterFactory({
    store,
    clients,
    revocations,
    accessTokenTtlMs: 60_000,
    presented: () => undefined,
  });
  return { adapters, revocations };
}

const outcomes = async (attempts: readonly Promise<unknown>[]): Promise<string[]> =>
  (await Promise.allSettled(attempts)).map(({ status }) => status).sort();

test.each(["AuthorizationCode", "RefreshToken"])(
  "of two who use one %s at the same moment, one wins",
  async (model) => {
    const { adapters } = await openAdapters();
    const adapter = adapters(model);
    await adapter.upsert("one", { jti: "one", grantId: "g" }, 60);
    expect(await outcomes([adapter.consume("one"), adapter.consume("one")])).toEqual(["fulfilled", "rejected"]);
    expect(await adapter.find("one")).toMatchObject({ jti: "one", consumed: expect.any(Number) });
  },
);

test("of two who show one client assertion at the same moment, one wins", async () => {
  const { adapters } = await openAdapters();
  const adapter = adapters("ReplayDetection");
  const save = () => adapter.upsert("assertion", { jti: "assertion" }, 60);
  expect(await outcomes([save(), save()])).toEqual(["fulfilled", "rejected"]);
});

test("ending a grant removes all its codes and refresh tokens, and lists it as revoked for access tokens", async () => {
  const { adapters, revocations } = await openAdapters();
  const refresh = adapters("RefreshToken");
  const ids = Array.from({ length: 250 }, (_, index) => `r${index}`);
  await Promise.all(ids.map((id) => refresh.upsert(id, { jti: id, grantId: "g" }, 60)));
  await refresh.upsert("other", { jti: "other", grantId: "h" }, 60);
  await Promise.all(["RefreshToken", "AccessToken"].map((model) => adapters(model).revokeByGrantId("g")));
  expect((await Promise.all(ids.map((id) => refresh.find(id)))).filter((found) => found !== undefined)).toEqual([]);
  expect(await refresh.find("other")).toMatchObject({ grantId: "h" });
  expect([await revocations.isRevoked(["grant:g"]), await revocations.isRevoked(["grant:h"])]).toEqual([true, false]);
});

test("an id that no key can be is not found", async () => {
  const { adapters } = await openAdapters();
  for (const id of ["", "a b", "\u0000", "ü", "x".repeat(5_000)]) {
    for (const model of ["Session", "RefreshToken", "Client"]) expect(await adapters(model).find(id)).toBeUndefined();
  }
});
