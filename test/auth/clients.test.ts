import { generateKeyPairSync, KeyObject } from "node:crypto";
import { exportJWK, SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { basic, clients, config, post, tokenExchange, who } from "./oauth-calls.ts";
import { listen, startAuth, type Started } from "./start-auth.ts";

async function ownToken(gateway: Started, id: string, secret = ""): Promise<string | undefined> {
  const { body } = await post(gateway, "token", { grant_type: "client_credentials" }, basic(id, secret));
  return body["access_token"];
}

describe("clients", () => {
  const register = (gateway: Started, metadata: unknown) =>
    fetch(`${gateway.url}/oauth/register`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: "https://inspector.example" },
      body: typeof metadata === "string" ? metadata : JSON.stringify(metadata),
    });

  test("register themselves for code and refresh, from a page on any origin", async () => {
    const gateway = await startAuth({ config });
    const response = await register(gateway, {
      client_name: "Inspector",
      redirect_uris: ["http://localhost:6274/oauth/callback"],
      token_endpoint_auth_method: "client_secret_post",
      scope: "whatever",
      logo_uri: "https://evil.example/x.png",
    });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([201, "*"]);
    const body = (await response.json()) as Record<string, string>;
    expect(body).toMatchObject({
      client_name: "Inspector",
      application_type: "native",
      grant_types: ["authorization_code", "refresh_token"],
      client_secret: expect.any(String),
    });
    expect(body).not.toHaveProperty("logo_uri");
    expect(JSON.stringify(await gateway.store.list("auth-clients", { limit: 10 }))).not.toContain(
      body["client_secret"],
    );
    expect((await gateway.auth.clients.list()).clients).toContainEqual(
      expect.objectContaining({ id: body["client_id"], origin: "registered" }),
    );
  });

  const bad: readonly (readonly [string, unknown, number])[] = [
    ["client credentials", { redirect_uris: ["https://x.example"], grant_types: ["client_credentials"] }, 400],
    [
      "token exchange",
      { redirect_uris: ["https://x.example"], grant_types: ["authorization_code", tokenExchange] },
      400,
    ],
    ["no redirect address", { client_name: "x" }, 400],
    ["a redirect over http to another machine", { redirect_uris: ["http://x.example/cb"] }, 400],
    ["a script as redirect", { redirect_uris: ["javascript:alert(1)"] }, 400],
    ["a redirect with a fragment", { redirect_uris: ["https://x.example/#f"] }, 400],
    ["a name of 200 letters", { redirect_uris: ["https://x.example"], client_name: "x".repeat(200) }, 400],
    ["garbage", "{", 400],
    ["a list", "[]", 400],
    ["100 kB", { redirect_uris: ["https://x.example"], client_name: "x".repeat(100_000) }, 413],
  ];
  test.each(bad)("are refused with %s", async (_name, metadata, status) => {
    const gateway = await startAuth({ config });
    const response = await register(gateway, metadata);
    expect([response.status, await response.json()]).toEqual([
      status,
      expect.objectContaining({ error: expect.stringMatching(/^invalid_/) }),
    ]);
  });

  test("cannot fill the store: 30 registrations a minute", async () => {
    const gateway = await startAuth({ config });
    const statuses: number[] = [];
    for (let index = 0; index < 32; index += 1)
      statuses.push((await register(gateway, { redirect_uris: ["https://x.example/cb"] })).status);
    expect(statuses.slice(-2)).toEqual([429, 429]);
    gateway.clock.advance(61_000);
    expect((await register(gateway, { redirect_uris: ["https://x.example/cb"] })).status).toBe(201);
  });

  test("find no registration where it is switched off", async () => {
    const gateway = await startAuth({ config: { embedded: { clients, dynamicRegistration: false } } });
    expect((await register(gateway, { redirect_uris: ["https://x.example/cb"] })).status).toBe(404);
    expect(await (await fetch(`${gateway.url}/.well-known/oauth-authorization-server`)).json()).not.toHaveProperty(
      "registration_endpoint",
    );
  });

  test("may authenticate with a signed assertion, once each", async () => {
    const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const server = await listen();
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: "k", alg: "ES256", use: "sig" };
    server.handle((_request, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ keys: [jwk] })),
    );
    const gateway = await startAuth({
      config: { embedded: { clients: { signer: { jwksUrl: `${server.url}/jwks` } } } },
    });
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg: "ES256", kid: "k" })
      .setIssuer("signer")
      .setSubject("signer")
      .setAudience(gateway.url)
      .setJti("once")
      .setIssuedAt()
      .setExpirationTime("1m")
      .sign(
        KeyObject.from(
          await crypto.subtle.importKey(
            "jwk",
            keys.privateKey.export({ format: "jwk" }),
            { name: "ECDSA", namedCurve: "P-256" },
            true,
            ["sign"],
          ),
        ),
      );
    const form = {
      grant_type: "client_credentials",
      client_assertion: assertion,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    };
    expect((await post(gateway, "token", form)).status).toBe(200);
    expect((await post(gateway, "token", form)).body["error"]).toBe("invalid_client");
  });

  test("created at run time are refused a name that a user has", async () => {
    const gateway = await startAuth({ config: { embedded: { users: { alice: { password: "x" } } } } });
    await expect(
      gateway.auth.clients.create({ id: "alice", label: "x", grants: ["client_credentials"] }),
    ).rejects.toMatchObject({ kind: "invalid_params" });
    await expect(
      gateway.auth.clients.create({ label: "x", grants: ["client_credentials"], public: true }),
    ).rejects.toMatchObject({ kind: "invalid_params" });
  });

  test("created at run time can get a new secret, which ends the former one and no token", async () => {
    const gateway = await startAuth({ config });
    const { id, secret = "" } = await gateway.auth.clients.create({ label: "Worker", grants: ["client_credentials"] });
    const form = { grant_type: "client_credentials", client_id: id };
    const before = await post(gateway, "token", { ...form, client_secret: secret });
    const next = await gateway.auth.clients.resetSecret(id);
    expect((await post(gateway, "token", { ...form, client_secret: secret })).status).toBe(401);
    expect((await post(gateway, "token", { ...form, client_secret: next })).status).toBe(200);
    expect(await who(gateway, before.body["access_token"])).toMatchObject({ subject: id });
    await expect(gateway.auth.clients.resetSecret("agent")).rejects.toMatchObject({ kind: "not_found" });
  });

  test("are not created where no tenant could be found for them: every call with one would be refused", async () => {
    const gateway = await startAuth({ config, tenant: "principal.claims.team" });
    await expect(gateway.auth.clients.create({ label: "CI", grants: ["client_credentials"] })).rejects.toMatchObject({
      kind: "invalid_params",
      param: "tenant",
      message: expect.stringMatching(/Give the client a tenant \(--tenant/) as string,
    });
    // Who acts for a user alone has the user's.
    await gateway.auth.clients.create({
      id: "portal",
      label: "Portal",
      grants: ["authorization_code"],
      redirectUris: ["https://portal.example/cb"],
    });
    const { secret } = await gateway.auth.clients.create({
      id: "ci",
      label: "CI",
      grants: ["client_credentials"],
      tenant: "blue",
    });
    expect(await who(gateway, await ownToken(gateway, "ci", secret))).toMatchObject({ tenant: "blue" });
    expect((await gateway.auth.clients.list()).clients.map(({ id, tenant }) => [id, tenant])).toEqual(
      expect.arrayContaining([
        ["portal", undefined],
        ["ci", "blue"],
      ]),
    );
  });

  test.for(["principal.claims.client_id", "principal.client", "principal.claims.groups[0]", "principal.subject"])(
    "need no tenant of their own where `tenant: %s` finds the one that their tokens will have",
    async (tenant) => {
      const gateway = await startAuth({ config, tenant });
      const { secret } = await gateway.auth.clients.create({
        id: "blue",
        label: "CI",
        grants: ["client_credentials"],
        groups: ["blue"],
      });
      expect(await who(gateway, await ownToken(gateway, "blue", secret))).toMatchObject({ tenant: "blue" });
    },
  );
});
