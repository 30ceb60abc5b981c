import { expect, onTestFinished, test, vi } from "vitest";
import { silentLog } from "../../src/core/log.ts";
import { createMemoryStore } from "../../src/state/memory.ts";
import { openBrowser } from "./browser.ts";
import { config, credentials, postAs, who } from "./oauth-calls.ts";
import { listen, startAuth, testClock, toRequest } from "./start-auth.ts";

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
  for (const replica of [one, two])
    for (const token of [old, fresh]) expect(await who(replica, token)).toMatchObject({ subject: "agent" });
  const [oldKid, freshKid] = [old, fresh].map(
    (token) => JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).kid,
  );
  expect(oldKid).not.toBe(freshKid);
});

test("behind a proxy that ends TLS, addresses and cookies come from publicUrl and never from Host or X-Forwarded headers", async () => {
  const gateway = await startAuth({ config, publicUrl: "https://gateway.example.com" });
  const metadata = (await (
    await fetch(`${gateway.url}/.well-known/oauth-authorization-server`, {
      headers: { "x-forwarded-host": "evil.example" },
    })
  ).json()) as Record<string, string>;
  expect(
    Object.values(metadata)
      .filter((value) => typeof value === "string" && value.includes("//"))
      .every((value) => value.startsWith("https://gateway.example.com")),
  ).toBe(true);
  const { id } = await gateway.auth.clients.create({
    label: "x",
    grants: ["authorization_code"],
    redirectUris: ["https://x.example/cb"],
    public: true,
  });
  const query = new URLSearchParams({
    client_id: id,
    response_type: "code",
    redirect_uri: "https://x.example/cb",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
  });
  const response = await fetch(`${gateway.url}/oauth/authorize?${query.toString()}`, {
    redirect: "manual",
    headers: {
      accept: "text/html",
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "http",
      host: "evil.example",
    },
  });
  expect(response.headers.get("location")).toMatch(/^\/oauth\/interaction\//);
  const cookies = response.headers.getSetCookie();
  expect(cookies.some((cookie) => cookie.startsWith("__Secure-sallyport-interaction="))).toBe(true);
  expect(
    cookies.every((cookie) => /; secure/i.test(cookie) && /; httponly/i.test(cookie) && /; samesite=lax/i.test(cookie)),
  ).toBe(true);
});

test("pages of any origin may use metadata, keys, token and revocation, and none may read /authorize", async () => {
  const gateway = await startAuth({ config });
  const headers = { origin: "https://inspector.example" };
  for (const path of ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/oauth/jwks"]) {
    expect((await fetch(gateway.url + path, { headers })).headers.get("access-control-allow-origin")).toBe("*");
  }
  for (const path of ["token", "register", "revoke"]) {
    const preflight = await fetch(`${gateway.url}/oauth/${path}`, {
      method: "OPTIONS",
      headers: { ...headers, "access-control-request-method": "POST" },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
  }
  const failed = await fetch(`${gateway.url}/oauth/token`, {
    method: "POST",
    headers,
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  expect([failed.status, failed.headers.get("access-control-allow-origin")]).toEqual([400, "*"]);
  expect(
    (await fetch(`${gateway.url}/oauth/authorize`, { headers, redirect: "manual" })).headers.get(
      "access-control-allow-origin",
    ),
  ).toBeNull();
});

test("the metadata agrees with what the server does", async () => {
  const gateway = await startAuth({ config });
  const documents = await Promise.all(
    ["oauth-authorization-server", "openid-configuration"].map(async (name) =>
      (await fetch(`${gateway.url}/.well-known/${name}`)).json(),
    ),
  );
  expect(documents[0]).toEqual(documents[1]);
  expect(documents[0]).toMatchObject({
    issuer: gateway.url,
    code_challenge_methods_supported: ["S256"],
    authorization_response_iss_parameter_supported: true,
    scopes_supported: expect.arrayContaining(["gateway", "tools:read"]),
  });
});

test("starting and serving prints nothing to the console", async () => {
  const spies = (["info", "warn", "error", "log"] as const).map((name) =>
    vi.spyOn(console, name).mockImplementation(() => undefined),
  );
  onTestFinished(() => spies.forEach((spy) => spy.mockRestore()));
  const gateway = await startAuth({ config });
  const token = await credentials(gateway);
  await postAs(gateway, "agent", "revoke", { token });
  await openBrowser(gateway.url).open(`${gateway.url}/oauth/authorize?client_id=nobody`);
  await fetch(`${gateway.url}/oauth/token`, {
    method: "POST",
    body: "x".repeat(100_000),
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  expect(spies.flatMap((spy) => spy.mock.calls)).toEqual([]);
});

test("a remembered credential costs no promise and a bounded memory", async () => {
  const gateway = await startAuth({ config });
  const request = toRequest("/mcp", { authorization: `Bearer ${await credentials(gateway)}` });
  await gateway.auth.authenticate(request, gateway.route("/mcp"));
  expect(gateway.auth.authenticate(request, gateway.route("/mcp"))).not.toBeInstanceOf(Promise);
});
