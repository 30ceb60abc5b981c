import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import {
  accessTokenType,
  clients,
  config,
  credentials,
  postAs,
  refused,
  tokenExchange,
  who,
  type Form,
} from "./oauth-calls.ts";
import { startAuth, testClock, type Started } from "./start-auth.ts";
import { startStaticIssuer } from "./static-issuer.ts";
import type { Principal } from "../../src/core/principal.ts";

describe("token exchange", () => {
  const exchange = (gateway: Started, subject: string, form: Form = {}, client: keyof typeof clients = "agent") =>
    postAs(gateway, client, "token", {
      grant_type: tokenExchange,
      subject_token: subject,
      subject_token_type: accessTokenType,
      ...form,
    });

  const alice = (gateway: Started): Principal => ({
    id: `${gateway.url}#alice`,
    issuer: gateway.url,
    subject: "alice",
    client: "app",
    tenant: "blue",
    scopes: ["gateway", "tools:read"],
    groups: ["analyst"],
    claims: { iss: gateway.url, team: "t", gid: "grant-1" },
    actors: [],
    credential: "token",
    expiresAtMs: gateway.clock.now() + 120_000,
    credentialId: "j",
  });
  const mint = (gateway: Started, client = "agent") =>
    gateway.auth.mintActorToken({
      principal: alice(gateway),
      client,
      audience: `${gateway.url}/mcp`,
      scopes: ["gateway", "tools:read"],
      ttlMs: 60_000,
    });

  test("a minted token is the user, with the agent as actor, for one audience and no longer than the user's", async () => {
    const gateway = await startAuth({ config });
    const token = await mint(gateway);
    expect(await who(gateway, token)).toMatchObject({
      id: `${gateway.url}#alice`,
      subject: "alice",
      client: "agent",
      tenant: "blue",
      groups: ["analyst"],
      claims: { team: "t" },
      actors: [{ issuer: gateway.url, subject: "agent" }],
    });
    await expect(who(gateway, token, "/mcp/safe")).rejects.toMatchObject(refused);
    const long = await gateway.auth.mintActorToken({
      principal: alice(gateway),
      client: "agent",
      audience: gateway.url,
      scopes: [],
      ttlMs: 9e9,
    });
    expect(Number(decodeJwt(long).exp) * 1_000).toBeLessThanOrEqual(gateway.clock.now() + 120_000);
    const exp = Math.floor(gateway.clock.now() / 1_000) + 30;
    const short = await gateway.auth.mintActorToken({
      principal: { ...alice(gateway), claims: { exp }, expiresAtMs: (exp + 60) * 1_000 },
      client: "agent",
      audience: gateway.url,
      scopes: [],
      ttlMs: 9e9,
    });
    expect(decodeJwt(short).exp).toBe(exp);
    await expect(
      gateway.auth.mintActorToken({
        principal: alice(gateway),
        client: "agent",
        audience: "https://other.example",
        scopes: [],
        ttlMs: 1_000,
      }),
    ).rejects.toMatchObject({ kind: "invalid_params" });
  });

  test("a user of another issuer stays that user, never one of ours", async () => {
    const clock = testClock();
    const issuer = await startStaticIssuer(clock.now);
    const gateway = await startAuth({ config: { ...config, issuers: [issuer.url] }, clock });
    const foreign = await who(gateway, await issuer.token(gateway.url, { team: "blue" }));
    const token = await gateway.auth.mintActorToken({
      principal: foreign,
      client: "agent",
      audience: gateway.url,
      scopes: [],
      ttlMs: 60_000,
    });
    const acting = await who(gateway, token);
    expect(acting).toMatchObject({ id: foreign.id, issuer: issuer.url, subject: "alice", claims: { team: "blue" } });
    const claimed = await issuer.token(gateway.url, { origin: { iss: gateway.url, sub: "operator" } });
    expect(await who(gateway, claimed)).toMatchObject({ issuer: issuer.url, subject: "alice" });
  });

  test("nests actors, narrows scopes, and keeps the user's expiry", async () => {
    const gateway = await startAuth({ config });
    const subject = await mint(gateway);
    const { status, body } = await exchange(gateway, subject, { resource: `${gateway.url}/mcp/safe` }, "second");
    expect([status, body["scope"], body["issued_token_type"]]).toEqual([200, "gateway", accessTokenType]);
    expect(await who(gateway, body["access_token"], "/mcp/safe")).toMatchObject({
      subject: "alice",
      client: "second",
      scopes: ["gateway"],
      actors: [
        { issuer: gateway.url, subject: "second" },
        { issuer: gateway.url, subject: "agent" },
      ],
    });
    expect(decodeJwt(body["access_token"] ?? "").exp).toBeLessThanOrEqual(Number(decodeJwt(subject).exp));
    const same = await exchange(gateway, subject);
    expect((await who(gateway, same.body["access_token"], "/mcp")).actors).toHaveLength(1);
  });

  test("stops at five actors", async () => {
    const gateway = await startAuth({ config });
    let subject = await mint(gateway);
    const statuses: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const answer = await exchange(gateway, subject, {}, round % 2 === 0 ? "second" : "agent");
      statuses.push(answer.status);
      subject = answer.body["access_token"] ?? subject;
    }
    expect(statuses).toEqual([200, 200, 200, 200, 400]);
  });

  test("ends with the user's own grant, and an agent that revokes its token ends that alone", async () => {
    const gateway = await startAuth({ config });
    const subject = await mint(gateway);
    const { body } = await exchange(gateway, subject, { resource: `${gateway.url}/mcp` }, "second");
    expect((await postAs(gateway, "second", "revoke", { token: body["access_token"] ?? "" })).status).toBe(200);
    await expect(who(gateway, body["access_token"])).rejects.toMatchObject(refused);
    expect(await who(gateway, subject)).toMatchObject({ subject: "alice" });
  });

  test("ends with the API key or the token it came from", async () => {
    const gateway = await startAuth({ config });
    const handTo = async (principal: Principal) =>
      gateway.auth.mintActorToken({ principal, client: "agent", audience: gateway.url, scopes: [], ttlMs: 60_000 });
    const { id, key } = await gateway.auth.keys.issue({ name: "ci", tenant: "blue" });
    const forKey = await handTo(await who(gateway, key));
    expect(await who(gateway, forKey)).toMatchObject({ id: `urn:sallyport:key#${id}`, tenant: "blue" });
    await gateway.auth.keys.revoke(id);
    await expect(who(gateway, forKey)).rejects.toMatchObject(refused);

    const token = await credentials(gateway, "plain");
    const forToken = await handTo(await who(gateway, token));
    const { body } = await exchange(gateway, forToken, {}, "second");
    expect(await who(gateway, body["access_token"])).toMatchObject({ subject: "plain" });
    await postAs(gateway, "plain", "revoke", { token });
    for (const ended of [token, forToken, body["access_token"]]) {
      await expect(who(gateway, ended)).rejects.toMatchObject(refused);
    }
  });

  test("is refused for a client without the grant, a foreign or broken subject, another type, a wider scope, a foreign resource", async () => {
    const clock = testClock();
    const issuer = await startStaticIssuer(clock.now);
    const gateway = await startAuth({ config: { ...config, issuers: [issuer.url] }, clock });
    const subject = await mint(gateway);
    const error = async (...parameters: Parameters<typeof exchange>) => (await exchange(...parameters)).body["error"];
    expect(await error(gateway, subject, {}, "plain")).toBe("invalid_request");
    expect(await error(gateway, await issuer.token(gateway.url))).toBe("invalid_grant");
    expect(await error(gateway, `${subject}x`)).toBe("invalid_grant");
    expect(await error(gateway, subject, { subject_token_type: "urn:ietf:params:oauth:token-type:id_token" })).toBe(
      "invalid_request",
    );
    expect(await error(gateway, subject, { actor_token: subject })).toBe("invalid_request");
    expect(await error(gateway, subject, { scope: "tools:read" }, "second")).toBe("invalid_scope");
    expect(await error(gateway, subject, { resource: "https://other.example" })).toBe("invalid_target");
    clock.advance(200_000);
    expect(await error(gateway, subject)).toBe("invalid_grant");
  });
});
