import { type CryptoKey, generateKeyPair, type JWTPayload } from "jose";
import { expect, test } from "vitest";
import { startAuth, testClock } from "./start-auth.ts";
import { startStaticIssuer } from "./static-issuer.ts";

const asked = { code: "code", redirectUri: "http://127.0.0.1:5050/signin/callback", nonce: "n", verifier: "v" };

/** A console that signs people in at an issuer, whose token endpoint gives an ID token with these claims. */
async function start() {
  const clock = testClock();
  const issuer = await startStaticIssuer(clock.now);
  const metadata = {
    issuer: issuer.url,
    jwks_uri: `${issuer.url}/jwks`,
    authorization_endpoint: `${issuer.url}/authorize?tenant=1`,
    token_endpoint: `${issuer.url}/token`,
  };
  issuer.answer("/.well-known/openid-configuration", () => ({ body: JSON.stringify(metadata) }));
  const { auth } = await startAuth({
    config: { issuers: [{ url: issuer.url, claims: { groups: "roles" } }] },
    consoleClient: { issuer: issuer.url, id: "console", secret: undefined, scopes: ["groups"] },
    clock,
  });
  const { console: signIn } = auth;
  if (signIn === undefined) throw new Error("there is a client");
  async function redeem(claims: JWTPayload = {}, header?: Record<string, unknown>, key?: CryptoKey) {
    const token = await issuer.token("console", { nonce: "n", ...claims }, header, key);
    issuer.answer("/token", () => ({ body: JSON.stringify({ id_token: token, access_token: "opaque" }) }));
    return signIn!.redeem(asked);
  }
  return { issuer, signIn, redeem, clock };
}

test("the browser is sent to the issuer's own page, with what it has there already", async () => {
  const { issuer, signIn } = await start();
  const url = new URL(
    await signIn.authorizeUrl({ redirectUri: asked.redirectUri, state: "s", nonce: "n", challenge: "c" }),
  );
  expect(`${url.origin}${url.pathname}`).toBe(`${issuer.url}/authorize`);
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    tenant: "1",
    client_id: "console",
    scope: "openid groups",
    prompt: "login",
    code_challenge_method: "S256",
  });
});

test("an ID token says who it is, after its own time too; not when its key was withdrawn", async () => {
  const { issuer, signIn, redeem, clock } = await start();
  const { token, expiresAtMs } = await redeem({ roles: ["ops"] });
  expect(expiresAtMs - clock.now()).toBeGreaterThan(7.9 * 3_600_000);
  clock.advance(600_000);
  expect(await signIn.identify(token)).toMatchObject({
    subject: "alice",
    issuer: issuer.url,
    client: "console",
    groups: ["ops"],
  });
  await issuer.rotate("two");
  clock.advance(3_700_000);
  expect(await signIn.identify(token)).toBeUndefined();
});

test("a code is refused for an ID token of another sign-in, another client, another key or another time", async () => {
  const { signIn, redeem, clock } = await start();
  const seconds = Math.floor(clock.now() / 1_000);
  for (const claims of [
    { nonce: "other" },
    { nonce: undefined },
    { aud: "app" },
    { aud: ["console", "app"] },
    { azp: "app" },
    { iss: "https://other.example" },
    { sub: "" },
    { exp: seconds - 120 },
    { iat: seconds + 120 },
  ] as JWTPayload[])
    await expect(redeem(claims), JSON.stringify(claims)).rejects.toThrow("The sign-in was refused");
  const { privateKey } = await generateKeyPair("ES256");
  await expect(redeem({}, {}, privateKey)).rejects.toThrow("The sign-in was refused");
  await expect(redeem({}, { b64: true, crit: ["b64"] })).rejects.toThrow("The sign-in was refused");
  const { token } = await redeem({ aud: ["console", "app"], azp: "console" });
  const [header = "", , signature = ""] = token.split(".");
  const forged = Buffer.from(JSON.stringify({ aud: "console", sub: "olga" })).toString("base64url");
  expect(await signIn.identify(`${header}.${forged}.${signature}`)).toBeUndefined();
});
