import { createHash, generateKeyPairSync, KeyObject, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt, exportJWK, SignJWT } from "jose";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Principal } from "../../src/core/principal.ts";
import { silentLog } from "../../src/core/log.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import { createSqliteStore } from "../../src/state/sqlite.ts";
import { openBrowser } from "./browser.ts";
import { listen, startAuth, testClock, toRequest, type Started } from "./start-auth.ts";
import { startStaticIssuer } from "./static-issuer.ts";

const clients = {
  agent: { secret: "agent-secret-agent-secret", grants: ["client_credentials", "token_exchange"], groups: ["agents"] },
  second: { secret: "second-secret-second-secret", grants: ["client_credentials", "token_exchange"], scopes: ["gateway"] },
  plain: { secret: "plain-secret-plain-secret" },
};
const config = { embedded: { clients, scopes: ["tools:read"] } };
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

type Form = Record<string, string>;
async function post(gateway: Started, path: string, form: Form, client?: keyof typeof clients): Promise<{ status: number; body: Record<string, string>; headers: Headers }> {
  const headers = client === undefined ? {} : { authorization: `Basic ${Buffer.from(`${client}:${clients[client].secret}`).toString("base64")}` };
  const response = await fetch(`${gateway.url}/oauth/${path}`, { method: "POST", body: new URLSearchParams(form), headers });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : JSON.parse(text), headers: response.headers };
}
const credentials = async (gateway: Started, client: keyof typeof clients = "agent", form: Form = {}): Promise<string> =>
  (await post(gateway, "token", { grant_type: "client_credentials", ...form }, client)).body["access_token"] ?? "";
const who = async (gateway: Started, token: string | undefined, path = "/mcp") => gateway.authenticate(path, { authorization: `Bearer ${token}` });
const refused = { kind: "unauthenticated" };

describe("revoking an access token", () => {
  test("takes effect at once here and on another replica of the same store", async () => {
    const clock = testClock();
    const store = createMemoryStore({ clock, log: silentLog });
    onTestFinished(() => store.close());
    const server = await listen();
    const one = await startAuth({ config, clock, store, server });
    const two = await startAuth({ config, clock, store, publicUrl: server.url });
    const token = await credentials(one);
    await who(one, token);
    await who(two, token);
    expect((await post(one, "revoke", { token, token_type_hint: "access_token" }, "agent")).status).toBe(200);
    await expect(who(one, token)).rejects.toMatchObject(refused);
    await expect.poll(() => who(two, token).then(() => "in", () => "out")).toBe("out");
  });

  test("takes effect within 60 s on a replica that heard nothing", async () => {
    const clock = testClock();
    const shared = createMemoryStore({ clock, log: silentLog });
    onTestFinished(() => shared.close());
    const deaf = { ...shared, get: shared.get.bind(shared), subscribe: () => Promise.resolve(() => Promise.resolve()) };
    const server = await listen();
    const one = await startAuth({ config, clock, store: shared, server });
    const two = await startAuth({ config, clock, store: deaf, publicUrl: server.url });
    const token = await credentials(one);
    await who(two, token);
    await post(one, "revoke", { token }, "agent");
    expect(await who(two, token)).toMatchObject({ subject: "agent" });
    clock.advance(60_000);
    await expect(who(two, token)).rejects.toMatchObject(refused);
  });

  test("is for its own client only, and says nothing of others", async () => {
    const gateway = await startAuth({ config });
    const token = await credentials(gateway);
    expect((await post(gateway, "revoke", { token }, "second")).status).toBe(200);
    expect((await post(gateway, "revoke", { token: "nonsense" }, "second")).status).toBe(200);
    expect((await post(gateway, "revoke", { token })).status).toBe(400);
    expect(await who(gateway, token)).toMatchObject({ subject: "agent" });
  });

  test("deleting the client ends its tokens, and its id cannot be taken at once", async () => {
    const gateway = await startAuth({ config });
    const { id, secret } = await gateway.auth.clients.create({ id: "worker", label: "Worker", grants: ["client_credentials"], groups: ["w"] });
    const response = await fetch(`${gateway.url}/oauth/token`, { method: "POST", body: new URLSearchParams({ grant_type: "client_credentials", client_id: id, client_secret: secret ?? "" }) });
    const { access_token: token } = (await response.json()) as { access_token: string };
    expect(await who(gateway, token)).toMatchObject({ subject: "worker", groups: ["w"] });
    expect(await gateway.auth.clients.delete(id)).toBe(true);
    await expect(who(gateway, token)).rejects.toMatchObject(refused);
    await expect(gateway.auth.clients.create({ id: "worker", label: "Other", grants: ["client_credentials"] })).rejects.toMatchObject({ kind: "invalid_params" });
    expect(await gateway.auth.clients.delete("agent")).toBe(false);
  });
});

describe("API keys", () => {
  test("work in Authorization and x-api-key, are listed without their text, and stop when revoked", async () => {
    const gateway = await startAuth({ config });
    const { id, key } = await gateway.auth.keys.issue({ name: "ci", tenant: "blue", scopes: ["a"], groups: ["g"] });
    expect(key).toMatch(/^sp_/);
    const expected = { id: `urn:sallyport:key#${id}`, credential: "key", credentialId: id, tenant: "blue", scopes: ["a"], groups: ["g"], claims: { name: "ci" } };
    expect(await who(gateway, key)).toMatchObject(expected);
    expect(await gateway.authenticate("/mcp/safe", { "x-api-key": key })).toMatchObject(expected);
    expect((await gateway.auth.keys.list()).keys).toEqual([{ id, name: "ci", tenant: "blue", scopes: ["a"], groups: ["g"], createdAtMs: expect.any(Number) }]);
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
    const gateway = await startAuth({ config: { keys: { ci: { secret: "a-configured-key-of-some-length", groups: ["ci"] } } } });
    expect(await who(gateway, "a-configured-key-of-some-length")).toMatchObject({ subject: "ci", groups: ["ci"] });
    await expect(who(gateway, "a-configured-key-of-some-lengtH")).rejects.toMatchObject(refused);
  });
});

describe("token exchange", () => {
  const exchange = (gateway: Started, subject: string, form: Form = {}, client: keyof typeof clients = "agent") =>
    post(gateway, "token", { grant_type: EXCHANGE, subject_token: subject, subject_token_type: ACCESS_TOKEN, ...form }, client);

  const alice = (gateway: Started): Principal => ({
    id: `${gateway.url}#alice`, issuer: gateway.url, subject: "alice", client: "app", tenant: "blue", scopes: ["gateway", "tools:read"], groups: ["analyst"],
    claims: { iss: gateway.url, team: "t", gid: "grant-1" }, actors: [], credential: "token", expiresAtMs: gateway.clock.now() + 120_000, credentialId: "j",
  });
  const mint = (gateway: Started, client = "agent") => gateway.auth.mintActorToken({ principal: alice(gateway), client, audience: `${gateway.url}/mcp`, scopes: ["gateway", "tools:read"], ttlMs: 60_000 });

  test("a minted token is the user, with the agent as actor, for one audience and no longer than the user's", async () => {
    const gateway = await startAuth({ config });
    const token = await mint(gateway);
    expect(await who(gateway, token)).toMatchObject({
      id: `${gateway.url}#alice`, subject: "alice", client: "agent", tenant: "blue", groups: ["analyst"], claims: { team: "t" }, actors: [{ issuer: gateway.url, subject: "agent" }],
    });
    await expect(who(gateway, token, "/mcp/safe")).rejects.toMatchObject(refused);
    const long = await gateway.auth.mintActorToken({ principal: alice(gateway), client: "agent", audience: gateway.url, scopes: [], ttlMs: 9e9 });
    expect(Number(decodeJwt(long).exp) * 1_000).toBeLessThanOrEqual(gateway.clock.now() + 120_000);
    await expect(gateway.auth.mintActorToken({ principal: alice(gateway), client: "agent", audience: "https://other.example", scopes: [], ttlMs: 1_000 })).rejects.toMatchObject({ kind: "invalid_params" });
  });

  test("a user of another issuer stays that user, never one of ours", async () => {
    const clock = testClock();
    const issuer = await startStaticIssuer(clock.now);
    const gateway = await startAuth({ config: { ...config, issuers: [issuer.url] }, clock });
    const foreign = await who(gateway, await issuer.token(gateway.url, { team: "blue" }));
    const token = await gateway.auth.mintActorToken({ principal: foreign, client: "agent", audience: gateway.url, scopes: [], ttlMs: 60_000 });
    const acting = await who(gateway, token);
    expect(acting).toMatchObject({ id: foreign.id, issuer: issuer.url, subject: "alice", claims: { team: "blue" } });
    const claimed = await issuer.token(gateway.url, { origin: { iss: gateway.url, sub: "operator" } });
    expect(await who(gateway, claimed)).toMatchObject({ issuer: issuer.url, subject: "alice" });
  });

  test("nests actors, narrows scopes, and keeps the user's expiry", async () => {
    const gateway = await startAuth({ config });
    const subject = await mint(gateway);
    const { status, body } = await exchange(gateway, subject, { resource: `${gateway.url}/mcp/safe` }, "second");
    expect([status, body["scope"], body["issued_token_type"]]).toEqual([200, "gateway", ACCESS_TOKEN]);
    expect(await who(gateway, body["access_token"], "/mcp/safe")).toMatchObject({
      subject: "alice", client: "second", scopes: ["gateway"],
      actors: [{ issuer: gateway.url, subject: "second" }, { issuer: gateway.url, subject: "agent" }],
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
    expect((await post(gateway, "revoke", { token: body["access_token"] ?? "" }, "second")).status).toBe(200);
    await expect(who(gateway, body["access_token"])).rejects.toMatchObject(refused);
    expect(await who(gateway, subject)).toMatchObject({ subject: "alice" });
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
    expect(await error(gateway, subject, { subject_token_type: "urn:ietf:params:oauth:token-type:id_token" })).toBe("invalid_request");
    expect(await error(gateway, subject, { actor_token: subject })).toBe("invalid_request");
    expect(await error(gateway, subject, { scope: "tools:read" }, "second")).toBe("invalid_scope");
    expect(await error(gateway, subject, { resource: "https://other.example" })).toBe("invalid_target");
    clock.advance(200_000);
    expect(await error(gateway, subject)).toBe("invalid_grant");
  });
});

describe("clients", () => {
  const register = (gateway: Started, metadata: unknown) =>
    fetch(`${gateway.url}/oauth/register`, { method: "POST", headers: { "content-type": "application/json", origin: "https://inspector.example" }, body: typeof metadata === "string" ? metadata : JSON.stringify(metadata) });

  test("register themselves for code and refresh, from a page on any origin", async () => {
    const gateway = await startAuth({ config });
    const response = await register(gateway, { client_name: "Inspector", redirect_uris: ["http://localhost:6274/oauth/callback"], token_endpoint_auth_method: "client_secret_post", scope: "whatever", logo_uri: "https://evil.example/x.png" });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([201, "*"]);
    const body = (await response.json()) as Record<string, string>;
    expect(body).toMatchObject({ client_name: "Inspector", application_type: "native", grant_types: ["authorization_code", "refresh_token"], client_secret: expect.any(String) });
    expect(body).not.toHaveProperty("logo_uri");
    expect(JSON.stringify(await gateway.store.list("auth-clients", { limit: 10 }))).not.toContain(body["client_secret"]);
    expect((await gateway.auth.clients.list()).clients).toContainEqual(expect.objectContaining({ id: body["client_id"], origin: "registered" }));
  });

  const bad: readonly (readonly [string, unknown, number])[] = [
    ["client credentials", { redirect_uris: ["https://x.example"], grant_types: ["client_credentials"] }, 400],
    ["token exchange", { redirect_uris: ["https://x.example"], grant_types: ["authorization_code", EXCHANGE] }, 400],
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
    expect([response.status, await response.json()]).toEqual([status, expect.objectContaining({ error: expect.stringMatching(/^invalid_/) })]);
  });

  test("cannot fill the store: 30 registrations a minute", async () => {
    const gateway = await startAuth({ config });
    const statuses: number[] = [];
    for (let index = 0; index < 32; index += 1) statuses.push((await register(gateway, { redirect_uris: ["https://x.example/cb"] })).status);
    expect(statuses.slice(-2)).toEqual([429, 429]);
    gateway.clock.advance(61_000);
    expect((await register(gateway, { redirect_uris: ["https://x.example/cb"] })).status).toBe(201);
  });

  test("find no registration where it is switched off", async () => {
    const gateway = await startAuth({ config: { embedded: { clients, dynamicRegistration: false } } });
    expect((await register(gateway, { redirect_uris: ["https://x.example/cb"] })).status).toBe(404);
    expect(await (await fetch(`${gateway.url}/.well-known/oauth-authorization-server`)).json()).not.toHaveProperty("registration_endpoint");
  });

  test("may authenticate with a signed assertion, once each", async () => {
    const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const server = await listen();
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: "k", alg: "ES256", use: "sig" };
    server.handle((_request, response) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ keys: [jwk] })));
    const gateway = await startAuth({ config: { embedded: { clients: { signer: { jwksUrl: `${server.url}/jwks` } } } } });
    const assertion = await new SignJWT({}).setProtectedHeader({ alg: "ES256", kid: "k" }).setIssuer("signer").setSubject("signer").setAudience(gateway.url).setJti("once").setIssuedAt().setExpirationTime("1m").sign(KeyObject.from(await crypto.subtle.importKey("jwk", keys.privateKey.export({ format: "jwk" }), { name: "ECDSA", namedCurve: "P-256" }, true, ["sign"])));
    const form = { grant_type: "client_credentials", client_assertion: assertion, client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" };
    expect((await post(gateway, "token", form)).status).toBe(200);
    expect((await post(gateway, "token", form)).body["error"]).toBe("invalid_client");
  });

  test("created at run time are refused a name that a user has", async () => {
    const gateway = await startAuth({ config: { embedded: { users: { alice: { password: "x" } } } } });
    await expect(gateway.auth.clients.create({ id: "alice", label: "x", grants: ["client_credentials"] })).rejects.toMatchObject({ kind: "invalid_params" });
    await expect(gateway.auth.clients.create({ label: "x", grants: ["client_credentials"], public: true })).rejects.toMatchObject({ kind: "invalid_params" });
  });
});

describe("a restart on the same file", () => {
  test("keeps keys, tokens, clients, API keys, passcode, sessions and refresh tokens", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sallyport-auth-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const clock = testClock();
    const open = () => createSqliteStore({ kind: "sqlite", file: join(folder, "state.db"), synchronous: "normal" }, { clock, log: silentLog });
    const server = await listen();
    const options = { config: { embedded: { clients: { ...clients, app: { secret: "app-secret", grants: ["authorization_code", "refresh_token"], redirectUris: ["https://app.example/cb"] } } } }, clock, server };

    const before = open();
    const first = await startAuth({ ...options, store: before });
    const token = await credentials(first);
    const { key } = await first.auth.keys.issue({ name: "ci" });
    const worker = await first.auth.clients.create({ id: "worker", label: "Worker", grants: ["client_credentials"] });
    const verifier = randomBytes(32).toString("base64url");
    const url = `${server.url}/oauth/authorize?${new URLSearchParams({ client_id: "app", response_type: "code", redirect_uri: "https://app.example/cb", code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256" })}`;
    const browser = openBrowser(server.url);
    const consent = await browser.submit(await browser.open(url), { action: "login", password: first.auth.passcode ?? "" });
    const revoked = await credentials(first);
    await post(first, "revoke", { token: revoked }, "agent");
    // No close: the process was killed.

    const after = open();
    const second = await startAuth({ ...options, store: after });
    expect(second.auth.passcode).toBeUndefined();
    expect(await who(second, token)).toMatchObject({ subject: "agent" });
    await expect(who(second, revoked)).rejects.toMatchObject(refused);
    expect(await who(second, key)).toMatchObject({ credential: "key" });
    const form = { grant_type: "client_credentials", client_id: worker.id, client_secret: worker.secret ?? "" };
    expect((await post(second, "token", form)).status).toBe(200);
    const code = new URL((await browser.submit(consent, { action: "allow" })).location ?? "").searchParams.get("code") ?? "";
    const bought = await post(second, "token", { grant_type: "authorization_code", code, redirect_uri: "https://app.example/cb", code_verifier: verifier, client_id: "app", client_secret: "app-secret" });
    expect(bought.status).toBe(200);
    await second.auth.close();
    await before.close();
    await after.close();
  });
});

test("a rotated key signs from then on, and what the former key signed stays valid here and on other replicas", async () => {
  const clock = testClock();
  const store = createMemoryStore({ clock, log: silentLog });
  onTestFinished(() => store.close());
  const server = await listen();
  const two = await startAuth({ config, clock, store, publicUrl: server.url });
  const one = await startAuth({ config, clock, store, server });
  const old = await credentials(one);
  await one.auth.rotateKeys();
  const fresh = await credentials(one);
  const { keys } = (await (await fetch(`${one.url}/oauth/jwks`)).json()) as { keys: Record<string, unknown>[] };
  expect(keys).toHaveLength(2);
  expect(keys.every((key) => !("d" in key))).toBe(true);
  for (const replica of [one, two]) for (const token of [old, fresh]) expect(await who(replica, token)).toMatchObject({ subject: "agent" });
  const [oldKid, freshKid] = [old, fresh].map((token) => JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).kid);
  expect(oldKid).not.toBe(freshKid);
});

test("behind a proxy that ends TLS, addresses and cookies come from publicUrl and never from Host or X-Forwarded headers", async () => {
  const gateway = await startAuth({ config, publicUrl: "https://gateway.example.com" });
  const metadata = (await (await fetch(`${gateway.url}/.well-known/oauth-authorization-server`, { headers: { "x-forwarded-host": "evil.example" } })).json()) as Record<string, string>;
  expect(Object.values(metadata).filter((value) => typeof value === "string" && value.includes("//")).every((value) => value.startsWith("https://gateway.example.com"))).toBe(true);
  const { id } = await gateway.auth.clients.create({ label: "x", grants: ["authorization_code"], redirectUris: ["https://x.example/cb"], public: true });
  const query = new URLSearchParams({ client_id: id, response_type: "code", redirect_uri: "https://x.example/cb", code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256" });
  const response = await fetch(`${gateway.url}/oauth/authorize?${query}`, { redirect: "manual", headers: { accept: "text/html", "x-forwarded-host": "evil.example", "x-forwarded-proto": "http", host: "evil.example" } });
  expect(response.headers.get("location")).toMatch(/^\/oauth\/interaction\//);
  const cookies = response.headers.getSetCookie();
  expect(cookies.some((cookie) => cookie.startsWith("__Secure-sallyport-interaction="))).toBe(true);
  expect(cookies.every((cookie) => /; secure/i.test(cookie) && /; httponly/i.test(cookie) && /; samesite=lax/i.test(cookie))).toBe(true);
});

test("pages of any origin may use metadata, keys, token and revocation, and none may read /authorize", async () => {
  const gateway = await startAuth({ config });
  const headers = { origin: "https://inspector.example" };
  for (const path of ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/oauth/jwks"]) {
    expect((await fetch(gateway.url + path, { headers })).headers.get("access-control-allow-origin")).toBe("*");
  }
  for (const path of ["token", "register", "revoke"]) {
    const preflight = await fetch(`${gateway.url}/oauth/${path}`, { method: "OPTIONS", headers: { ...headers, "access-control-request-method": "POST" } });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
  }
  const failed = await fetch(`${gateway.url}/oauth/token`, { method: "POST", headers, body: new URLSearchParams({ grant_type: "client_credentials" }) });
  expect([failed.status, failed.headers.get("access-control-allow-origin")]).toEqual([400, "*"]);
  expect((await fetch(`${gateway.url}/oauth/authorize`, { headers, redirect: "manual" })).headers.get("access-control-allow-origin")).toBeNull();
});

test("the metadata agrees with what the server does", async () => {
  const gateway = await startAuth({ config });
  const documents = await Promise.all(["oauth-authorization-server", "openid-configuration"].map(async (name) => (await fetch(`${gateway.url}/.well-known/${name}`)).json()));
  expect(documents[0]).toEqual(documents[1]);
  expect(documents[0]).toMatchObject({ issuer: gateway.url, code_challenge_methods_supported: ["S256"], authorization_response_iss_parameter_supported: true, scopes_supported: expect.arrayContaining(["gateway", "tools:read"]) });
});

test("starting and serving prints nothing to the console", async () => {
  const spies = (["info", "warn", "error", "log"] as const).map((name) => vi.spyOn(console, name).mockImplementation(() => undefined));
  onTestFinished(() => spies.forEach((spy) => spy.mockRestore()));
  const gateway = await startAuth({ config });
  const token = await credentials(gateway);
  await post(gateway, "revoke", { token }, "agent");
  await openBrowser(gateway.url).open(`${gateway.url}/oauth/authorize?client_id=nobody`);
  await fetch(`${gateway.url}/oauth/token`, { method: "POST", body: "x".repeat(100_000), headers: { "content-type": "application/x-www-form-urlencoded" } });
  expect(spies.flatMap((spy) => spy.mock.calls)).toEqual([]);
});

test("a remembered credential costs no promise and a bounded memory", async () => {
  const gateway = await startAuth({ config });
  const request = toRequest("/mcp", { authorization: `Bearer ${await credentials(gateway)}` });
  await gateway.auth.authenticate(request, gateway.route("/mcp"));
  expect(gateway.auth.authenticate(request, gateway.route("/mcp"))).not.toBeInstanceOf(Promise);
});
