import * as legacy from "@modelcontextprotocol/sdk/client/auth.js";
import { ClientCredentialsProvider as LegacyClientCredentials } from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import * as modern from "@modelcontextprotocol/client";
import { describe, expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import { openBrowser } from "./browser.ts";
import { startAuth, type Started } from "./start-auth.ts";

const config = {
  embedded: {
    users: { alice: { password: "alice-password", groups: ["analyst"] } },
    clients: { agent: { secret: "agent-secret-agent-secret" } },
  },
};
const REDIRECT = "http://127.0.0.1:9/callback";

/** What the SDKs' providers share: everything kept in memory, the redirect kept for the test. */
function memoryProvider() {
  const kept: { client?: unknown; tokens?: unknown; verifier?: string; redirect?: URL; discovery?: unknown } = {};
  return {
    kept,
    redirectUrl: REDIRECT,
    clientMetadata: {
      client_name: "SDK client",
      redirect_uris: [REDIRECT],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      scope: "gateway",
    },
    state: () => "state-1",
    clientInformation: () => kept.client as undefined,
    saveClientInformation: (value: unknown) => void (kept.client = value),
    tokens: () => kept.tokens as { access_token: string; token_type: string; refresh_token?: string } | undefined,
    saveTokens: (value: unknown) => void (kept.tokens = value),
    redirectToAuthorization: (url: URL) => void (kept.redirect = url),
    saveCodeVerifier: (value: string) => void (kept.verifier = value),
    codeVerifier: () => kept.verifier ?? "",
    discoveryState: () => kept.discovery as undefined,
    saveDiscoveryState: (value: unknown) => void (kept.discovery = value),
  };
}

async function signInAndAllow(gateway: Started, url: URL | undefined): Promise<URL> {
  const browser = openBrowser(gateway.url);
  const consent = await browser.submit(await browser.open(url?.href ?? ""), {
    action: "login",
    name: "alice",
    password: "alice-password",
  });
  expect(consent.text).toContain("SDK client");
  return new URL((await browser.submit(consent, { action: "allow" })).location ?? "");
}

const clients = [
  [
    "SDK v1",
    (options: {
      provider: ReturnType<typeof memoryProvider>;
      serverUrl: string;
      redirect?: URL;
      resourceMetadataUrl?: URL;
    }) => {
      const { provider, serverUrl, redirect, resourceMetadataUrl } = options;
      const code = redirect?.searchParams.get("code") ?? undefined;
      return legacy.auth(provider, {
        serverUrl,
        ...(code === undefined ? {} : { authorizationCode: code }),
        ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
      });
    },
  ],
  [
    "SDK v2",
    (options: {
      provider: ReturnType<typeof memoryProvider>;
      serverUrl: string;
      redirect?: URL;
      resourceMetadataUrl?: URL;
    }) => {
      const { provider, serverUrl, redirect, resourceMetadataUrl } = options;
      const parameters = redirect?.searchParams;
      const [code, iss] = [parameters?.get("code") ?? undefined, parameters?.get("iss") ?? undefined];
      return modern.auth(provider, {
        serverUrl,
        ...(code === undefined ? {} : { authorizationCode: code }),
        ...(iss === undefined ? {} : { iss }),
        ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
      });
    },
  ],
] as const;

describe.each(clients)("%s", (_name, auth) => {
  test("discovers, registers, signs in with PKCE, gets a token for the route and refreshes it", async () => {
    const gateway = await startAuth({ config });
    const provider = memoryProvider();
    const serverUrl = `${gateway.url}/mcp`;
    expect(await auth({ provider, serverUrl })).toBe("REDIRECT");
    expect(provider.kept.redirect?.searchParams.get("resource")).toBe(serverUrl);
    const redirect = await signInAndAllow(gateway, provider.kept.redirect);
    expect(await auth({ provider, serverUrl, redirect })).toBe("AUTHORIZED");
    const first = provider.tokens()?.access_token;
    expect(await gateway.authenticate("/mcp", { authorization: `Bearer ${first}` })).toMatchObject({
      subject: "alice",
      groups: ["analyst"],
    });
    await expect(
      (async () => gateway.authenticate("/mcp/safe", { authorization: `Bearer ${first}` }))(),
    ).rejects.toMatchObject({ kind: "unauthenticated" });
    expect(await auth({ provider, serverUrl })).toBe("AUTHORIZED");
    expect(provider.tokens()?.access_token).not.toBe(first);
    expect(
      await gateway.authenticate("/mcp", { authorization: `Bearer ${provider.tokens()?.access_token}` }),
    ).toMatchObject({ subject: "alice" });
  });

  test("finds everything from the address in the challenge", async () => {
    const gateway = await startAuth({ config });
    const error: unknown = await (async () => gateway.authenticate("/mcp/safe", {}))().catch(
      (thrown: unknown) => thrown,
    );
    const challenge = error instanceof GatewayError ? error.headers["www-authenticate"] : undefined;
    const { resourceMetadataUrl } = legacy.extractWWWAuthenticateParams(
      new Response(null, { status: 401, headers: { "www-authenticate": challenge ?? "" } }),
    );
    expect(resourceMetadataUrl?.href).toBe(`${gateway.url}/.well-known/oauth-protected-resource/mcp/safe`);
    const provider = memoryProvider();
    expect(
      await auth({
        provider,
        serverUrl: `${gateway.url}/mcp/safe`,
        ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
      }),
    ).toBe("REDIRECT");
    expect(provider.kept.redirect?.searchParams.get("resource")).toBe(`${gateway.url}/mcp/safe`);
  });
});

test("the client credentials providers of both SDKs get a token", async () => {
  const gateway = await startAuth({ config });
  const options = { clientId: "agent", clientSecret: "agent-secret-agent-secret" };
  const serverUrl = `${gateway.url}/mcp`;
  const old = new LegacyClientCredentials({ ...options, expectedIssuer: gateway.url });
  expect(await legacy.auth(old, { serverUrl })).toBe("AUTHORIZED");
  const recent = new modern.ClientCredentialsProvider({ ...options, expectedIssuer: gateway.url });
  expect(await modern.auth(recent, { serverUrl })).toBe("AUTHORIZED");
  for (const token of [old.tokens()?.access_token, recent.tokens()?.access_token]) {
    expect(await gateway.authenticate("/mcp", { authorization: `Bearer ${token}` })).toMatchObject({
      subject: "agent",
    });
  }
});

test("both SDKs discover the server by its issuer", async () => {
  const { auth } = await startAuth({ config });
  expect((await legacy.discoverAuthorizationServerMetadata(auth.issuer))?.issuer).toBe(auth.issuer);
  expect((await modern.discoverAuthorizationServerMetadata(auth.issuer))?.issuer).toBe(auth.issuer);
});
