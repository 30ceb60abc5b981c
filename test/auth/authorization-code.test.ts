import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { openBrowser } from "./browser.ts";
import { appAuth, authorize, authorizeUrl, challenge, config, exchangeCode, token, verifier } from "./code-flow.ts";
import { who } from "./oauth-calls.ts";
import { startAuth } from "./start-auth.ts";

describe("the authorization code", () => {
  test("is given after sign-in and consent, with state and issuer, and buys tokens for the user", async () => {
    const gateway = await startAuth({ config });
    const redirect = await authorize(gateway);
    expect(Object.fromEntries(redirect.searchParams)).toMatchObject({
      state: "s-1",
      iss: gateway.url,
      code: expect.any(String),
    });
    const { status, body } = await exchangeCode(gateway, redirect.searchParams.get("code"));
    expect(status).toBe(200);
    expect(await who(gateway, body["access_token"])).toMatchObject({
      id: `${gateway.url}#alice`,
      client: "app",
      groups: ["analyst"],
      tenant: "blue",
      scopes: ["gateway", "tools:read"],
    });
    expect(body["refresh_token"]).toEqual(expect.any(String));
  });

  test("works once: a second use is refused and ends what the first one bought", async () => {
    const gateway = await startAuth({ config });
    const code = (await authorize(gateway)).searchParams.get("code");
    const first = await exchangeCode(gateway, code);
    expect(await who(gateway, first.body["access_token"])).toMatchObject({ subject: "alice" });
    expect((await exchangeCode(gateway, code)).body["error"]).toBe("invalid_grant");
    await expect(who(gateway, first.body["access_token"])).rejects.toMatchObject({ kind: "unauthenticated" });
    expect(
      (await token(gateway, { grant_type: "refresh_token", refresh_token: first.body["refresh_token"] ?? "" }, appAuth))
        .body["error"],
    ).toBe("invalid_grant");
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
  test.each(requests)(
    "request %s goes back to the client with an error and the issuer",
    async (_name, parameters, error) => {
      const gateway = await startAuth({ config });
      const { location } = await openBrowser(gateway.url).open(authorizeUrl(gateway, parameters));
      const back = new URL(location ?? "");
      const answer = new URLSearchParams(back.search || back.hash.slice(1));
      expect([back.origin, answer.get("error"), answer.get("iss")]).toEqual([
        "https://app.example",
        error,
        gateway.url,
      ]);
    },
  );

  test.each([
    "https://evil.example/callback",
    "https://app.example/callback?x=1",
    "https://app.example/callback/../x",
    "https://app.example@evil.example/callback",
    "javascript:alert(1)",
    "//evil.example",
    "http://app.example/callback",
  ])("never redirects to %s", async (redirectUri) => {
    const gateway = await startAuth({ config });
    const page = await openBrowser(gateway.url).open(authorizeUrl(gateway, { redirect_uri: redirectUri }));
    expect([page.status, page.location]).toEqual([400, undefined]);
    expect(page.text).not.toContain("javascript:");
  });
});
