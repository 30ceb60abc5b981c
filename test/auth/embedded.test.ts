import { createHash, randomBytes } from "node:crypto";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, test } from "vitest";
import { openBrowser, type Browser } from "./browser.ts";
import { startAuth, type Started } from "./start-auth.ts";

const users = { alice: { password: "alice-password", groups: ["analyst"], tenant: "blue" }, bob: { password: "bob-password", scopes: ["gateway"] } };
const clients = {
  agent: { secret: "agent-secret-agent-secret", grants: ["client_credentials", "token_exchange"], groups: ["agents"], tenant: "blue" },
  app: { secret: "app-secret-app-secret-app", grants: ["authorization_code", "refresh_token"], redirectUris: ["https://app.example/callback"], label: "The app" },
};
const config = { embedded: { users, clients, scopes: ["tools:read", "tools:write"] } };

interface Answer {
  readonly status: number;
  readonly body: Record<string, string>;
  readonly headers: Headers;
}

const basic = (id: string, secret: string): string => `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
const agentAuth = basic("agent", clients.agent.secret);
const appAuth = basic("app", clients.app.secret);

async function post(url: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(form), headers });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : JSON.parse(text), headers: response.headers };
}
const token = (gateway: Started, form: Record<string, string>, authorization?: string): Promise<Answer> =>
  post(`${gateway.url}/oauth/token`, form, authorization === undefined ? {} : { authorization });
const who = async (gateway: Started, accessToken: string | undefined, path = "/mcp") => gateway.authenticate(path, { authorization: `Bearer ${accessToken}` });

const verifier = randomBytes(32).toString("base64url");
const challenge = createHash("sha256").update(verifier).digest("base64url");

function authorizeUrl(gateway: Started, parameters: Record<string, string | undefined> = {}): string {
  const url = new URL(`${gateway.url}/oauth/authorize`);
  const all = { client_id: "app", response_type: "code", redirect_uri: "https://app.example/callback", code_challenge: challenge, code_challenge_method: "S256", state: "s-1", scope: "gateway tools:read", resource: `${gateway.url}/mcp`, ...parameters };
  for (const [name, value] of Object.entries(all)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** Signs in as alice, allows, and gives back where the browser was sent. */
async function authorize(gateway: Started, parameters: Record<string, string | undefined> = {}, browser: Browser = openBrowser(gateway.url)): Promise<URL> {
  let page = await browser.open(authorizeUrl(gateway, parameters));
  if (page.location === undefined && page.text.includes("Sign in")) page = await browser.submit(page, { action: "login", name: "alice", password: users.alice.password });
  if (page.location === undefined) page = await browser.submit(page, { action: "allow" });
  if (page.location === undefined) throw new Error(`no redirect: ${page.status} ${page.text.slice(0, 3_000)}`);
  return new URL(page.location);
}

const exchangeCode = (gateway: Started, code: string | null, changes: Record<string, string> = {}, authorization: string | undefined = appAuth): Promise<Answer> =>
  token(gateway, { grant_type: "authorization_code", code: code ?? "", redirect_uri: "https://app.example/callback", code_verifier: verifier, ...changes }, authorization);

async function signIn(gateway: Started): Promise<Record<string, string>> {
  const { body } = await exchangeCode(gateway, (await authorize(gateway)).searchParams.get("code"));
  return body;
}

describe("client credentials", () => {
  test("give a token for the resource asked for, with the client's groups and tenant", async () => {
    const gateway = await startAuth({ config });
    const { status, body, headers } = await token(gateway, { grant_type: "client_credentials", resource: `${gateway.url}/mcp`, scope: "tools:read" }, agentAuth);
    expect([status, body["token_type"], body["scope"], headers.get("cache-control")]).toEqual([200, "Bearer", "tools:read", "no-store"]);
    expect(decodeProtectedHeader(body["access_token"] ?? "")).toMatchObject({ alg: "ES256", typ: "at+jwt" });
    expect(decodeJwt(body["access_token"] ?? "")).toMatchObject({ iss: gateway.url, sub: "agent", client_id: "agent", aud: `${gateway.url}/mcp`, scope: "tools:read" });
    expect(await who(gateway, body["access_token"])).toMatchObject({ subject: "agent", client: "agent", groups: ["agents"], tenant: "blue", scopes: ["tools:read"] });
    await expect(who(gateway, body["access_token"], "/mcp/safe")).rejects.toMatchObject({ kind: "unauthenticated" });
  });

  test("without resource and scope give a token for the whole gateway with every scope of the client", async () => {
    const gateway = await startAuth({ config, policyScopes: () => ["from:policy"] });
    const { body } = await token(gateway, { grant_type: "client_credentials", client_id: "agent", client_secret: clients.agent.secret });
    expect(await who(gateway, body["access_token"], "/mcp/safe")).toMatchObject({ scopes: ["gateway", "tools:read", "tools:write", "from:policy"] });
  });

  const refusals: readonly (readonly [string, Record<string, string>, string | undefined, number, string])[] = [
    ["a wrong secret", {}, basic("agent", "wrong"), 401, "invalid_client"],
    ["the stored hash as secret", {}, basic("agent", `sha256:${createHash("sha256").update(clients.agent.secret).digest("base64url")}`), 401, "invalid_client"],
    ["an unknown client", {}, basic("nobody", "x"), 401, "invalid_client"],
    ["a client without this grant", {}, appAuth, 400, "invalid_request"],
    ["a resource of somebody else", { resource: "https://other.example/mcp" }, agentAuth, 400, "invalid_target"],
    ["a resource that is no address", { resource: "mcp" }, agentAuth, 400, "invalid_target"],
    ["two ways to authenticate", { client_id: "agent", client_secret: clients.agent.secret }, agentAuth, 400, "invalid_request"],
    ["no client at all", {}, undefined, 400, "invalid_request"],
  ];
  test.each(refusals)("refuse %s", async (_name, form, authorization, status, error) => {
    const gateway = await startAuth({ config });
    const answer = await token(gateway, { grant_type: "client_credentials", ...form }, authorization);
    expect([answer.status, answer.body["error"]]).toEqual([status, error]);
  });

  test("a scope nobody configured is left out", async () => {
    const gateway = await startAuth({ config });
    const { body } = await token(gateway, { grant_type: "client_credentials", scope: "tools:read admin" }, agentAuth);
    expect(body["scope"]).toBe("tools:read");
  });
});

describe("the authorization code", () => {
  test("is given after sign-in and consent, with state and issuer, and buys tokens for the user", async () => {
    const gateway = await startAuth({ config });
    const redirect = await authorize(gateway);
    expect(Object.fromEntries(redirect.searchParams)).toMatchObject({ state: "s-1", iss: gateway.url, code: expect.any(String) });
    const { status, body } = await exchangeCode(gateway, redirect.searchParams.get("code"));
    expect(status).toBe(200);
    expect(await who(gateway, body["access_token"])).toMatchObject({ id: `${gateway.url}#alice`, client: "app", groups: ["analyst"], tenant: "blue", scopes: ["gateway", "tools:read"] });
    expect(body["refresh_token"]).toEqual(expect.any(String));
  });

  test("works once: a second use is refused and ends what the first one bought", async () => {
    const gateway = await startAuth({ config });
    const code = (await authorize(gateway)).searchParams.get("code");
    const first = await exchangeCode(gateway, code);
    expect(await who(gateway, first.body["access_token"])).toMatchObject({ subject: "alice" });
    expect((await exchangeCode(gateway, code)).body["error"]).toBe("invalid_grant");
    await expect(who(gateway, first.body["access_token"])).rejects.toMatchObject({ kind: "unauthenticated" });
    expect((await token(gateway, { grant_type: "refresh_token", refresh_token: first.body["refresh_token"] ?? "" }, appAuth)).body["error"]).toBe("invalid_grant");
  });

  test("of one moment is given to one of two", async () => {
    const gateway = await startAuth({ config });
    const code = (await authorize(gateway)).searchParams.get("code");
    const answers = await Promise.all([exchangeCode(gateway, code), exchangeCode(gateway, code)]);
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
  });

  const swaps: readonly (readonly [string, Record<string, string>])[] = [
    ["another verifier", { code_verifier: randomBytes(32).toString("base64url") }],
    ["the challenge as verifier", { code_verifier: challenge }],
    ["another redirect address", { redirect_uri: "https://app.example/callback/" }],
    ["another resource than was granted", { resource: "RESOURCE" }],
  ];
  test.each(swaps)("is refused with %s", async (_name, changes) => {
    const gateway = await startAuth({ config });
    const code = (await authorize(gateway)).searchParams.get("code");
    const real = changes["resource"] === undefined ? changes : { resource: `${gateway.url}/mcp/safe` };
    expect((await exchangeCode(gateway, code, real)).status).toBe(400);
  });

  const requests: readonly (readonly [string, Record<string, string | undefined>, string])[] = [
    ["without PKCE", { code_challenge: undefined, code_challenge_method: undefined }, "invalid_request"],
    ["with PKCE plain", { code_challenge: verifier, code_challenge_method: "plain" }, "invalid_request"],
    ["with PKCE whose method is left out, which means plain", { code_challenge_method: undefined }, "invalid_request"],
    ["for an implicit token", { response_type: "token" }, "unsupported_response_type"],
    ["for a foreign resource", { resource: "https://other.example" }, "invalid_target"],
  ];
  test.each(requests)("request %s goes back to the client with an error and the issuer", async (_name, parameters, error) => {
    const gateway = await startAuth({ config });
    const { location } = await openBrowser(gateway.url).open(authorizeUrl(gateway, parameters));
    const back = new URL(location ?? "");
    const answer = new URLSearchParams(back.search || back.hash.slice(1));
    expect([back.origin, answer.get("error"), answer.get("iss")]).toEqual(["https://app.example", error, gateway.url]);
  });

  test.each(["https://evil.example/callback", "https://app.example/callback?x=1", "https://app.example/callback/../x", "https://app.example@evil.example/callback", "javascript:alert(1)", "//evil.example", "http://app.example/callback"])(
    "never redirects to %s",
    async (redirectUri) => {
      const gateway = await startAuth({ config });
      const page = await openBrowser(gateway.url).open(authorizeUrl(gateway, { redirect_uri: redirectUri }));
      expect([page.status, page.location]).toEqual([400, undefined]);
      expect(page.text).not.toContain("javascript:");
    },
  );
});

describe("the pages", () => {
  test("cannot be framed, load nothing, and show who asks for what and where it goes", async () => {
    const gateway = await startAuth({ config });
    const browser = openBrowser(gateway.url);
    const login = await browser.open(authorizeUrl(gateway));
    const policy = login.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("form-action 'self' https://app.example;");
    expect(policy).not.toContain("unsafe");
    expect(login.text).not.toMatch(/<script|src=|href=|@import/);
    const consent = await browser.submit(login, { action: "login", name: "alice", password: users.alice.password });
    for (const shown of ["The app", "app.example", "alice", "tools:read", `${gateway.url}/mcp`]) expect(consent.text).toContain(shown);
  });

  test("sign nobody in with a wrong password, and slow down who guesses", async () => {
    const gateway = await startAuth({ config });
    const browser = openBrowser(gateway.url);
    let page = await browser.open(authorizeUrl(gateway));
    for (let attempt = 0; attempt < 5; attempt += 1) {
      page = await browser.submit(page, { action: "login", name: "alice", password: "guess" });
      expect(page.status).toBe(403);
    }
    page = await browser.submit(page, { action: "login", name: "alice", password: users.alice.password });
    expect([page.status, page.headers.get("retry-after")]).toEqual([429, "30"]);
    gateway.clock.advance(31_000);
    page = await browser.submit(page, { action: "login", name: "alice", password: users.alice.password });
    expect(page.text).toContain("Allow access?");
  });

  test("take no consent from another site: wrong signature, foreign origin, another browser", async () => {
    const gateway = await startAuth({ config });
    const browser = openBrowser(gateway.url);
    const consent = await browser.submit(await browser.open(authorizeUrl(gateway)), { action: "login", name: "alice", password: users.alice.password });
    const csrf = /name="csrf" value="([^"]+)"/.exec(consent.text)?.[1] ?? "";
    const attempt = (from: Browser, body: Record<string, string>, origin: string) => from.open(consent.url, { method: "POST", body: new URLSearchParams(body), headers: { origin } });
    expect((await attempt(browser, { action: "allow" }, gateway.url)).status).toBe(403);
    expect((await attempt(browser, { action: "allow", csrf: "A".repeat(csrf.length) }, gateway.url)).status).toBe(403);
    expect((await attempt(browser, { action: "allow", csrf }, "https://evil.example")).status).toBe(403);
    expect((await attempt(openBrowser(gateway.url), { action: "allow", csrf }, gateway.url)).status).toBe(404);
    const attacker = openBrowser(gateway.url);
    const theirs = await attacker.submit(await attacker.open(authorizeUrl(gateway)), { action: "login", name: "bob", password: users.bob.password });
    const theirCsrf = /name="csrf" value="([^"]+)"/.exec(theirs.text)?.[1] ?? "";
    expect((await attempt(browser, { action: "allow", csrf: theirCsrf }, gateway.url)).status).toBe(403);
    expect((await attempt(browser, { action: "allow", csrf }, gateway.url)).location).toContain("code=");
  });

  test("send a refusal back as access_denied", async () => {
    const gateway = await startAuth({ config });
    const browser = openBrowser(gateway.url);
    const consent = await browser.submit(await browser.open(authorizeUrl(gateway)), { action: "login", name: "alice", password: users.alice.password });
    const back = new URL((await browser.submit(consent, { action: "cancel" })).location ?? "");
    expect([back.searchParams.get("error"), back.searchParams.get("iss"), back.searchParams.get("state")]).toEqual(["access_denied", gateway.url, "s-1"]);
  });

  test("grant a user no scope that is not theirs", async () => {
    const gateway = await startAuth({ config });
    const browser = openBrowser(gateway.url);
    const consent = await browser.submit(await browser.open(authorizeUrl(gateway)), { action: "login", name: "bob", password: users.bob.password });
    expect(consent.text).not.toContain("tools:read");
    const code = new URL((await browser.submit(consent, { action: "allow" })).location ?? "").searchParams.get("code");
    expect((await exchangeCode(gateway, code)).body["scope"]).toBe("gateway");
  });

  test("ask each client's consent anew, and one client's only once a session", async () => {
    const gateway = await startAuth({ config });
    const browser = openBrowser(gateway.url);
    await authorize(gateway, {}, browser);
    expect((await browser.open(authorizeUrl(gateway))).location).toContain("code=");
    const second = await gateway.auth.clients.create({ label: "Second", grants: ["authorization_code"], redirectUris: ["https://second.example/cb"] });
    const page = await browser.open(authorizeUrl(gateway, { client_id: second.id, redirect_uri: "https://second.example/cb" }));
    expect(page.text).toContain("Allow access?");
    expect((await browser.open(authorizeUrl(gateway, { scope: "gateway tools:write" }))).text).toContain("tools:write");
  });

  test("escape what clients call themselves", async () => {
    const gateway = await startAuth({ config });
    const response = await fetch(`${gateway.url}/oauth/register`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ client_name: '<img src=x onerror="alert(1)">', redirect_uris: ["https://x.example/cb"] }) });
    const { client_id: id } = (await response.json()) as { client_id: string };
    const page = await openBrowser(gateway.url).open(authorizeUrl(gateway, { client_id: id, redirect_uri: "https://x.example/cb" }));
    expect(page.text).toContain("&lt;img src=x");
    expect(page.text).not.toContain("<img");
  });

  test("take the operator's passcode when no users are configured, shown once and kept as a hash", async () => {
    const gateway = await startAuth({ config: { embedded: { clients } } });
    const passcode = gateway.auth.passcode ?? "";
    expect(passcode).toMatch(/^([A-Z0-9]{4}-){3}[A-Z0-9]{4}$/);
    expect(JSON.stringify(await gateway.store.list("auth-secrets", { limit: 10 }))).not.toContain(passcode.replaceAll("-", ""));
    const browser = openBrowser(gateway.url);
    const login = await browser.open(authorizeUrl(gateway));
    expect(login.text).toContain("Operator passcode");
    const consent = await browser.submit(login, { action: "login", password: passcode.toLowerCase().replaceAll("-", " ") });
    const code = new URL((await browser.submit(consent, { action: "allow" })).location ?? "").searchParams.get("code");
    expect(await who(gateway, (await exchangeCode(gateway, code)).body["access_token"])).toMatchObject({ subject: "operator", groups: ["operators"] });
    const next = await gateway.auth.resetPasscode();
    expect(next).not.toBe(passcode);
  });
});

describe("refresh tokens", () => {
  test("rotate, keep scope and resource, and end the whole family when one is used again", async () => {
    const gateway = await startAuth({ config });
    const first = await signIn(gateway);
    const second = (await token(gateway, { grant_type: "refresh_token", refresh_token: first["refresh_token"] ?? "" }, appAuth)).body;
    expect(second["refresh_token"]).not.toBe(first["refresh_token"]);
    expect(await who(gateway, second["access_token"])).toMatchObject({ subject: "alice", scopes: ["gateway", "tools:read"], groups: ["analyst"] });
    expect((await token(gateway, { grant_type: "refresh_token", refresh_token: first["refresh_token"] ?? "" }, appAuth)).body["error"]).toBe("invalid_grant");
    expect((await token(gateway, { grant_type: "refresh_token", refresh_token: second["refresh_token"] ?? "" }, appAuth)).body["error"]).toBe("invalid_grant");
    await expect(who(gateway, second["access_token"])).rejects.toMatchObject({ kind: "unauthenticated" });
  });

  test("work for their own client only and never widen the scope", async () => {
    const gateway = await startAuth({ config });
    const { refresh_token: refreshToken = "" } = await signIn(gateway);
    expect((await token(gateway, { grant_type: "refresh_token", refresh_token: refreshToken, scope: "tools:write" }, appAuth)).body["error"]).toBe("invalid_scope");
    const other = await gateway.auth.clients.create({ label: "Other", grants: ["authorization_code", "refresh_token"], redirectUris: ["https://other.example/cb"] });
    expect((await token(gateway, { grant_type: "refresh_token", refresh_token: refreshToken }, basic(other.id, other.secret ?? ""))).body["error"]).toBe("invalid_grant");
  });

  test("and codes are not in the store as they are shown", async () => {
    const gateway = await startAuth({ config });
    const code = (await authorize(gateway)).searchParams.get("code") ?? "";
    const { refresh_token: refreshToken = "" } = (await exchangeCode(gateway, code)).body;
    const stored = JSON.stringify(await Promise.all(["oauth-refreshtoken", "oauth-authorizationcode", "auth-clients", "oauth-grant"].map((collection) => gateway.store.list(collection, { limit: 100 }))));
    expect(stored).toContain("alice");
    for (const secret of [code, refreshToken, clients.app.secret]) expect(stored).not.toContain(secret);
  });
});
