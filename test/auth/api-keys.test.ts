import { describe, expect, test } from "vitest";
import { config, refused, who } from "./oauth-calls.ts";
import { startAuth } from "./start-auth.ts";

describe("API keys", () => {
  test("work in Authorization and x-api-key, are listed without their text, and stop when revoked", async () => {
    const gateway = await startAuth({ config });
    const { id, key } = await gateway.auth.keys.issue({ name: "ci", tenant: "blue", scopes: ["a"], groups: ["g"] });
    expect(key).toMatch(/^sp_/);
    const expected = {
      id: `urn:sallyport:key#${id}`,
      credential: "key",
      credentialId: id,
      tenant: "blue",
      scopes: ["a"],
      groups: ["g"],
      claims: { name: "ci" },
    };
    expect(await who(gateway, key)).toMatchObject(expected);
    expect(await gateway.authenticate("/mcp/safe", { "x-api-key": key })).toMatchObject(expected);
    expect((await gateway.auth.keys.list()).keys).toEqual([
      { id, name: "ci", tenant: "blue", scopes: ["a"], groups: ["g"], createdAtMs: expect.any(Number) },
    ]);
    expect(JSON.stringify(await gateway.store.list("auth-keys", { limit: 10 }))).not.toContain(key.slice(20));
    expect(await gateway.auth.keys.revoke(id)).toBe(true);
    await expect(who(gateway, key)).rejects.toMatchObject(refused);
    expect(await gateway.auth.keys.revoke(id)).toBe(false);
  });

  test("expire, and one wrong letter makes them nobody's", async () => {
    const gateway = await startAuth({ config });
    const { key } = await gateway.auth.keys.issue({ name: "short", expiresAtMs: gateway.clock.now() + 30_000 });
    expect(await who(gateway, key)).toMatchObject({ credential: "key" });
    await expect(who(gateway, key.slice(0, -1) + (key.endsWith("A") ? "B" : "A"))).rejects.toMatchObject(refused);
    gateway.clock.advance(31_000);
    await expect(who(gateway, key)).rejects.toMatchObject(refused);
  });

  test("of the configuration work as written there", async () => {
    const gateway = await startAuth({
      config: { keys: { ci: { secret: "a-configured-key-of-some-length", groups: ["ci"] } } },
    });
    expect(await who(gateway, "a-configured-key-of-some-length")).toMatchObject({ subject: "ci", groups: ["ci"] });
    await expect(who(gateway, "a-configured-key-of-some-lengtH")).rejects.toMatchObject(refused);
  });

  test("are not issued where no tenant could be found for them: every call with one would be refused", async () => {
    const gateway = await startAuth({ config, tenant: "principal.claims.team" });
    await expect(gateway.auth.keys.issue({ name: "ci" })).rejects.toMatchObject({
      kind: "invalid_params",
      param: "tenant",
      message: expect.stringContaining("--tenant"),
    });
    expect((await gateway.auth.keys.list()).keys).toEqual([]);
    const { key } = await gateway.auth.keys.issue({ name: "ci", tenant: "blue" });
    expect(await who(gateway, key)).toMatchObject({ tenant: "blue" });
  });

  test("need no tenant of their own where the configuration finds one", async () => {
    const gateway = await startAuth({ config, tenant: "principal.claims.name" });
    const { key } = await gateway.auth.keys.issue({ name: "ci" });
    expect(await who(gateway, key)).toMatchObject({ tenant: "ci" });
  });
});
