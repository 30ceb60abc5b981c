import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { recordingLog, startAuth, testClock, type Started } from "./start-auth.ts";
import { startStaticIssuer, type StaticIssuer } from "./static-issuer.ts";

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function start(config: Record<string, unknown> = {}): Promise<{ gateway: Started; issuer: StaticIssuer }> {
  const clock = testClock();
  const issuer = await startStaticIssuer(clock.now);
  const gateway = await startAuth({ config: { issuers: [issuer.url], ...config }, clock });
  return { gateway, issuer };
}

async function refusal(attempt: () => unknown): Promise<GatewayError> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("was let in");
}

describe("a token of a discovered issuer", () => {
  test("becomes a principal of issuer and subject, and is synchronous when shown again", async () => {
    const { gateway, issuer } = await start();
    const token = await issuer.token(`${gateway.url}/mcp`, { groups: ["analyst"], scope: "a b", team: "blue", act: { sub: "agent", act: { sub: "inner", iss: "https://other.example" } } });
    const first = gateway.authenticate("/mcp", bearer(token));
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toMatchObject({
      id: `${issuer.url}#alice`,
      issuer: issuer.url,
      subject: "alice",
      client: "app",
      scopes: ["a", "b"],
      groups: ["analyst"],
      credential: "token",
      actors: [
        { issuer: issuer.url, subject: "agent" },
        { issuer: "https://other.example", subject: "inner" },
      ],
    });
    expect(gateway.authenticate("/mcp", { authorization: `bearer ${token}` })).toMatchObject({ subject: "alice" });
  });

  test("of two issuers with one subject becomes two principals", async () => {
    const clock = testClock();
    const [one, two] = [await startStaticIssuer(clock.now), await startStaticIssuer(clock.now)];
    const gateway = await startAuth({ config: { issuers: [one.url, two.url] }, clock });
    const principals = await Promise.all([one, two].map(async (issuer) => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url)))));
    expect(new Set(principals.map(({ id }) => id)).size).toBe(2);
  });

  test("is kept apart from a token that shares its first characters", async () => {
    const { gateway, issuer } = await start();
    const token = await issuer.token(gateway.url, { padding: "x".repeat(2_000) });
    await gateway.authenticate("/mcp", bearer(token));
    const forged = `${token.slice(0, -8)}${token.endsWith("AAAAAAAA") ? "BBBBBBBA" : "AAAAAAAA"}`;
    expect((await refusal(() => gateway.authenticate("/mcp", bearer(forged)))).kind).toBe("unauthenticated");
    expect(gateway.authenticate("/mcp", bearer(token))).toMatchObject({ subject: "alice" });
  });

  test("is refused once it has expired, although it was remembered", async () => {
    const { gateway, issuer } = await start();
    const seconds = Math.floor(gateway.clock.now() / 1_000);
    const token = await issuer.token(gateway.url, { exp: seconds + 5 });
    await gateway.authenticate("/mcp", bearer(token));
    gateway.clock.advance(66_000);
    expect((await refusal(() => gateway.authenticate("/mcp", bearer(token)))).message).toBe("The access token has expired.");
  });

  test("gives groups, scopes and tenant from the claims the configuration names", async () => {
    const clock = testClock();
    const issuer = await startStaticIssuer(clock.now);
    const gateway = await startAuth({ config: { issuers: [{ url: issuer.url, claims: { groups: "realm_access.roles", scopes: "permissions", tenant: "org" } }] }, clock });
    const token = await issuer.token(gateway.url, { realm_access: { roles: ["r1"] }, permissions: ["p1", "p2"], org: "blue" });
    expect(await gateway.authenticate("/mcp", bearer(token))).toMatchObject({ groups: ["r1"], scopes: ["p1", "p2"], tenant: "blue" });
  });

  test("has the tenant that the expression computes, and is refused when it cannot", async () => {
    const clock = testClock();
    const issuer = await startStaticIssuer(clock.now);
    const gateway = await startAuth({ config: { issuers: [issuer.url] }, clock, tenant: "principal.claims.team" });
    expect(await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, { team: "blue" })))).toMatchObject({ tenant: "blue" });
    expect((await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))))).kind).toBe("denied");
  });

  test("typed JWT passes only where the issuer is set to it, and an ID token not even there", async () => {
    const clock = testClock();
    const issuer = await startStaticIssuer(clock.now);
    const gateway = await startAuth({ config: { issuers: [{ url: issuer.url, types: "any" }] }, clock });
    expect(await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, {}, { typ: "JWT" })))).toMatchObject({ subject: "alice" });
    expect(await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, {}, { typ: undefined })))).toMatchObject({ subject: "alice" });
    expect((await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, { nonce: "n" }, { typ: "JWT" }))))).kind).toBe("unauthenticated");
  });
});

describe("the audience", () => {
  const cases: readonly (readonly [string, (base: string) => string | readonly string[] | undefined, boolean])[] = [
    ["the route itself", (base) => `${base}/mcp`, true],
    ["the gateway as a whole", (base) => base, true],
    ["a list with the route in it", (base) => ["https://other.example", `${base}/mcp`], true],
    ["a sibling path", (base) => `${base}/mcp2`, false],
    ["a path below", (base) => `${base}/mcp/safe`, false],
    ["a path above", (base) => `${base}/`, false],
    ["another port", (base) => `${base.replace(/:\d+$/, ":1")}/mcp`, false],
    ["a trailing slash", (base) => `${base}/mcp/`, false],
    ["other case", (base) => `${base}/MCP`, false],
    ["another scheme", (base) => `${base.replace("http:", "https:")}/mcp`, false],
    ["a prefix", (base) => base.slice(0, -1), false],
    ["an empty text", () => "", false],
    ["an empty list", () => [], false],
    ["none", () => undefined, false],
    ["a number in the list", (base) => [`${base}/mcp`, 7] as never, false],
    ["a map", (base) => ({ [base]: base }) as never, false],
  ];
  test.each(cases)("%s", async (_name, audience, accepted) => {
    const { gateway, issuer } = await start();
    const token = await issuer.token(gateway.url, { aud: audience(gateway.url) as string });
    if (accepted) expect(await gateway.authenticate("/mcp", bearer(token))).toMatchObject({ subject: "alice" });
    else expect((await refusal(() => gateway.authenticate("/mcp", bearer(token)))).kind).toBe("unauthenticated");
  });

  test("is asked anew on every route, also of a remembered token", async () => {
    const { gateway, issuer } = await start();
    const token = await issuer.token(`${gateway.url}/mcp`);
    await gateway.authenticate("/mcp", bearer(token));
    expect((await refusal(() => gateway.authenticate("/mcp/safe", bearer(token)))).headers["www-authenticate"]).toContain("/.well-known/oauth-protected-resource/mcp/safe");
  });

  test("of the issuer's own setting replaces the routes'", async () => {
    const clock = testClock();
    const issuer = await startStaticIssuer(clock.now);
    const gateway = await startAuth({ config: { issuers: [{ url: issuer.url, audience: "api://sallyport" }] }, clock });
    expect(await gateway.authenticate("/mcp", bearer(await issuer.token("api://sallyport")))).toMatchObject({ subject: "alice" });
    expect((await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))))).kind).toBe("unauthenticated");
  });
});

describe("keys of an issuer", () => {
  test("are asked for at most once a minute, whatever key ids callers make up", async () => {
    const { gateway, issuer } = await start();
    await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url)));
    const flood = Array.from({ length: 50 }, async (_, index) => refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, {}, { kid: `made-up-${index}` })))));
    expect((await Promise.all(flood)).every(({ kind }) => kind === "unauthenticated")).toBe(true);
    expect(issuer.hits.get("/jwks")).toBe(1);
    gateway.clock.advance(61_000);
    await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, {}, { kid: "later" }))));
    await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, {}, { kid: "later still" }))));
    expect(issuer.hits.get("/jwks")).toBe(2);
  });

  test("that were rotated are found after a minute", async () => {
    const { gateway, issuer } = await start();
    await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url)));
    const key = await issuer.rotate("two");
    gateway.clock.advance(61_000);
    expect(await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, {}, { kid: "two" }, key)))).toMatchObject({ subject: "alice" });
    expect((await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))))).kind).toBe("unauthenticated");
  });

  const outages: readonly (readonly [string, () => { status?: number; body: string | Buffer }])[] = [
    ["down", () => ({ status: 500, body: "" })],
    ["HTML", () => ({ body: "<html>sign in</html>" })],
    ["empty", () => ({ body: '{"keys":[]}' })],
    ["a secret key only", () => ({ body: '{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"one"}]}' })],
    ["10 MB", () => ({ body: Buffer.alloc(10_000_000, 32) })],
  ];
  test.each(outages)("%s: a token cannot be checked and is neither let in nor called invalid", async (_name, answer) => {
    const { gateway, issuer } = await start();
    issuer.answer("/jwks", answer);
    const error = await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))));
    expect([error.kind, error.headers["retry-after"]]).toEqual(["upstream_unavailable", "5"]);
    await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))));
    expect(issuer.hits.get("/jwks")).toBe(1);
    issuer.answer("/jwks", undefined);
    gateway.clock.advance(6_000);
    expect(await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url)))).toMatchObject({ subject: "alice" });
  });

  test("are used for an hour while the issuer is down, and no longer", async () => {
    const { gateway, issuer } = await start();
    await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url)));
    issuer.answer("/jwks", () => ({ status: 500, body: "" }));
    gateway.clock.advance(59 * 60_000);
    expect(await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url)))).toMatchObject({ subject: "alice" });
    await expect.poll(() => issuer.hits.get("/jwks")).toBe(2);
    gateway.clock.advance(2 * 60_000);
    expect((await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))))).kind).toBe("upstream_unavailable");
  });

  test("are not taken from metadata that names another issuer", async () => {
    const { gateway, issuer } = await start();
    issuer.answer("/.well-known/openid-configuration", () => ({ body: JSON.stringify({ issuer: "https://other.example", jwks_uri: `${issuer.url}/jwks` }) }));
    expect((await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))))).kind).toBe("upstream_unavailable");
    expect(issuer.hits.get("/jwks")).toBeUndefined();
  });

  test("two under one id give none", async () => {
    const { gateway, issuer } = await start();
    issuer.answer("/jwks", () => ({ body: JSON.stringify({ keys: [issuer.publicJwk, { ...issuer.publicJwk, x: issuer.publicJwk.y, y: issuer.publicJwk.x }] }) }));
    expect((await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))))).kind).toBe("unauthenticated");
  });

  test("one check serves all who show the same token at once", async () => {
    const { gateway, issuer } = await start();
    const token = await issuer.token(gateway.url);
    await Promise.all(Array.from({ length: 20 }, () => gateway.authenticate("/mcp", bearer(token))));
    expect(issuer.hits.get("/jwks")).toBe(1);
  });
});

describe("a request", () => {
  test("without a credential is challenged with where and what to ask, and names no error", async () => {
    const gateway = await startAuth({ config: { embedded: true, scopes: ["gateway", "extra"] } });
    const error = await refusal(() => gateway.authenticate("/mcp", {}));
    expect(error.headers["www-authenticate"]).toBe(`Bearer resource_metadata="${gateway.url}/.well-known/oauth-protected-resource/mcp", scope="gateway extra"`);
  });

  test("with a bad credential is told so, also where none would do", async () => {
    const gateway = await startAuth();
    expect(gateway.authenticate("/open", {})).toMatchObject({ credential: "anonymous" });
    const error = await refusal(() => gateway.authenticate("/open", bearer("a.b.c")));
    expect(error.headers["www-authenticate"]).toMatch(/error="invalid_token", error_description="The access token is invalid\."$/);
  });

  test("without a credential is anonymous everywhere when the configuration says so", async () => {
    const gateway = await startAuth({ config: { anonymous: true } });
    expect(gateway.authenticate("/mcp", {})).toMatchObject({ credential: "anonymous", subject: "anonymous" });
    expect((await refusal(() => gateway.authenticate("/mcp", bearer("sp_nonsense")))).kind).toBe("unauthenticated");
  });

  const odd: readonly (readonly [string, Record<string, string>, string, string])[] = [
    ["a token in the address", {}, "access_token=a.b.c", "invalid_request"],
    ["a token in the address under an escaped name", {}, "x=1&access%5Ftoken=a.b.c", "invalid_request"],
    ["a key in the address", {}, "api_key=sp_x", "invalid_request"],
    ["two credentials", { authorization: "Bearer sp_a", "x-api-key": "sp_a" }, "", "invalid_request"],
    ["Basic", { authorization: "Basic YTpi" }, "", "unauthenticated"],
    ["DPoP", { authorization: "DPoP a.b.c" }, "", "unauthenticated"],
    ["an empty header", { authorization: "" }, "", "unauthenticated"],
    ["two tokens in one header", { authorization: "Bearer a.b.c, Bearer d.e.f" }, "", "unauthenticated"],
    ["no token", { authorization: "Bearer " }, "", "unauthenticated"],
    ["100 kB", { authorization: `Bearer ${"a".repeat(100_000)}` }, "", "unauthenticated"],
    ["an empty key", { "x-api-key": "" }, "", "unauthenticated"],
  ];
  test.each(odd)("%s is refused", async (_name, headers, query, kind) => {
    const gateway = await startAuth();
    expect((await refusal(() => gateway.authenticate("/open", headers, query))).kind).toBe(kind);
  });

  test("that lacks scopes is told all of them at once", async () => {
    const gateway = await startAuth();
    const error = gateway.auth.stepUp(gateway.route("/mcp"), ["tools:read", "tools:write"]);
    expect([error.kind, error.spec.status]).toEqual(["insufficient_scope", 403]);
    expect(error.headers["www-authenticate"]).toBe(
      `Bearer resource_metadata="${gateway.url}/.well-known/oauth-protected-resource/mcp", scope="tools:read tools:write", error="insufficient_scope", error_description="This needs the scopes tools:read tools:write."`,
    );
  });

  test("that fails leaves a bounded trace in the log, without the credential", async () => {
    const lines: unknown[] = [];
    const gateway = await startAuth({ log: recordingLog(lines) });
    for (let index = 0; index < 200; index += 1) await refusal(() => gateway.authenticate("/mcp", bearer(`sp_canary${index}`)));
    const failures = lines.filter((line) => JSON.stringify(line).includes("authentication failed"));
    expect(failures.length).toBeGreaterThan(0);
    expect(failures.length).toBeLessThan(20);
    expect(JSON.stringify(lines)).not.toContain("canary");
  });
});

describe("protected resource metadata", () => {
  test("is served at the root and for every route, readable by any page", async () => {
    const clock = testClock();
    const issuer = await startStaticIssuer(clock.now);
    const gateway = await startAuth({ config: { embedded: true, issuers: [issuer.url] }, clock });
    for (const [suffix, resource] of [["", gateway.url], ["/mcp", `${gateway.url}/mcp`], ["/mcp/safe", `${gateway.url}/mcp/safe`]]) {
      const response = await fetch(`${gateway.url}/.well-known/oauth-protected-resource${suffix}`, { headers: { origin: "https://app.example" } });
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(await response.json()).toMatchObject({ resource, authorization_servers: [gateway.url, issuer.url], scopes_supported: ["gateway"], bearer_methods_supported: ["header"] });
    }
    expect((await fetch(`${gateway.url}/.well-known/oauth-protected-resource/nothing`)).status).toBe(404);
    const preflight = await fetch(`${gateway.url}/.well-known/oauth-protected-resource/mcp`, { method: "OPTIONS", headers: { origin: "https://app.example", "access-control-request-method": "GET", "access-control-request-headers": "mcp-protocol-version" } });
    expect([preflight.status, preflight.headers.get("access-control-allow-headers")]).toEqual([204, expect.stringContaining("mcp-protocol-version")]);
  });
});
