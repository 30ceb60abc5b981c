import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { bearer, refusal, start } from "./foreign-issuer.ts";
import { startAuth, testClock } from "./start-auth.ts";
import { startStaticIssuer } from "./static-issuer.ts";

describe("a token of a discovered issuer", () => {
  test("becomes a principal of issuer and subject, and is synchronous when shown again", async () => {
    const { gateway, issuer } = await start();
    const token = await issuer.token(`${gateway.url}/mcp`, {
      groups: ["analyst"],
      scope: "a b",
      team: "blue",
      act: { sub: "agent", act: { sub: "inner", iss: "https://other.example" } },
    });
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
    const principals = await Promise.all(
      [one, two].map(async (issuer) => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url)))),
    );
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
    expect((await refusal(() => gateway.authenticate("/mcp", bearer(token)))).message).toBe(
      "The access token has expired.",
    );
  });

  test("gives groups, scopes and tenant from the claims the configuration names", async () => {
    const clock = testClock();
    const issuer = await startStaticIssuer(clock.now);
    const gateway = await startAuth({
      config: {
        issuers: [{ url: issuer.url, claims: { groups: "realm_access.roles", scopes: "permissions", tenant: "org" } }],
      },
      clock,
    });
    const token = await issuer.token(gateway.url, {
      realm_access: { roles: ["r1"] },
      permissions: ["p1", "p2"],
      org: "blue",
    });
    expect(await gateway.authenticate("/mcp", bearer(token))).toMatchObject({
      groups: ["r1"],
      scopes: ["p1", "p2"],
      tenant: "blue",
    });
  });

  test("has the tenant that the expression computes, and is refused when it cannot", async () => {
    const clock = testClock();
    const issuer = await startStaticIssuer(clock.now);
    const gateway = await startAuth({ config: { issuers: [issuer.url] }, clock, tenant: "principal.claims.team" });
    expect(await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, { team: "blue" })))).toMatchObject(
      { tenant: "blue" },
    );
    expect(
      (await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))))).kind,
    ).toBe("denied");
  });

  test("typed JWT passes only where the issuer is set to it, and an ID token not even there", async () => {
    const clock = testClock();
    const issuer = await startStaticIssuer(clock.now);
    const gateway = await startAuth({ config: { issuers: [{ url: issuer.url, types: "any" }] }, clock });
    expect(
      await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, {}, { typ: "JWT" }))),
    ).toMatchObject({ subject: "alice" });
    expect(
      await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, {}, { typ: undefined }))),
    ).toMatchObject({ subject: "alice" });
    expect(
      (
        await refusal(async () =>
          gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, { nonce: "n" }, { typ: "JWT" }))),
        )
      ).kind,
    ).toBe("unauthenticated");
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
    const outcome = await (async () => gateway.authenticate("/mcp", bearer(token)))().then(
      ({ subject }) => subject,
      (error: unknown) => (error instanceof GatewayError ? error.kind : error),
    );
    expect(outcome).toBe(accepted ? "alice" : "unauthenticated");
  });

  test("is asked anew on every route, also of a remembered token", async () => {
    const { gateway, issuer } = await start();
    const token = await issuer.token(`${gateway.url}/mcp`);
    await gateway.authenticate("/mcp", bearer(token));
    expect(
      (await refusal(() => gateway.authenticate("/mcp/safe", bearer(token)))).headers["www-authenticate"],
    ).toContain("/.well-known/oauth-protected-resource/mcp/safe");
  });

  test("of the issuer's own setting replaces the routes'", async () => {
    const clock = testClock();
    const issuer = await startStaticIssuer(clock.now);
    const gateway = await startAuth({ config: { issuers: [{ url: issuer.url, audience: "api://sallyport" }] }, clock });
    expect(await gateway.authenticate("/mcp", bearer(await issuer.token("api://sallyport")))).toMatchObject({
      subject: "alice",
    });
    expect(
      (await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))))).kind,
    ).toBe("unauthenticated");
  });
});
