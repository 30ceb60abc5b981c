import { createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import type { ConsoleSignIn } from "../../src/auth/console-sign-in.ts";
import { openBrowser } from "./browser.ts";
import { authorize, clients, signIn, users } from "./code-flow.ts";
import { startAuth, type Started } from "./start-auth.ts";

const redirectUri = "http://127.0.0.1:5050/signin/callback";
const verifier = randomBytes(32).toString("base64url");
const challenge = createHash("sha256").update(verifier).digest("base64url");

function signInOf(gateway: Started): ConsoleSignIn {
  const { console: signIn } = gateway.auth;
  if (signIn === undefined) throw new Error("there is an embedded server");
  return signIn;
}

/** The code that a browser brings back after alice has given her password. */
async function getCode(gateway: Started): Promise<string> {
  const browser = openBrowser(gateway.url);
  const url = await signInOf(gateway).authorizeUrl({ redirectUri, state: "s", nonce: "n", challenge });
  const page = await browser.open(url);
  const { location = "", text } = await browser.submit(page, {
    action: "login",
    name: "alice",
    password: users.alice.password,
  });
  if (location === "") throw new Error(page.text + text);
  const back = new URL(location);
  expect(`${back.origin}${back.pathname}`).toBe(redirectUri);
  expect(back.searchParams.get("state")).toBe("s");
  return back.searchParams.get("code") ?? "";
}

test("who gives the password is signed in to the console, without a further question and without a connection", async () => {
  const gateway = await startAuth({ config: { embedded: { users } } });
  const signIn = signInOf(gateway);
  const { token, expiresAtMs } = await signIn.redeem({
    code: await getCode(gateway),
    redirectUri,
    nonce: "n",
    verifier,
  });
  expect(await signIn.identify(token)).toMatchObject({
    subject: "alice",
    groups: ["analyst"],
    client: "sallyport-console",
  });
  expect(expiresAtMs - gateway.clock.now()).toBeGreaterThan(7 * 3_600_000);
});

test("a code is good once, for the one who began, and a token no longer than until the sign-out", async () => {
  const gateway = await startAuth({ config: { embedded: { users } } });
  const signIn = signInOf(gateway);
  const code = await getCode(gateway);
  const wrong = { code, redirectUri, nonce: "n", verifier: randomBytes(32).toString("base64url") };
  await expect(signIn.redeem(wrong)).rejects.toThrow(GatewayError);
  const second = await getCode(gateway);
  await expect(signIn.redeem({ code: second, redirectUri, nonce: "other", verifier })).rejects.toThrow(
    "begun elsewhere",
  );
  const third = await getCode(gateway);
  const { token } = await signIn.redeem({ code: third, redirectUri, nonce: "n", verifier });
  await expect(signIn.redeem({ code: third, redirectUri, nonce: "n", verifier })).rejects.toThrow(GatewayError);
  await signIn.end(token);
  expect(await signIn.identify(token)).toBeUndefined();
});

test("a token for the console opens no route, and no other client gets one", async () => {
  const gateway = await startAuth({ config: { embedded: { users, clients } } });
  const { token } = await signInOf(gateway).redeem({
    code: await getCode(gateway),
    redirectUri,
    nonce: "n",
    verifier,
  });
  await expect(async () => gateway.authenticate("/mcp", { authorization: `Bearer ${token}` })).rejects.toThrow(
    "another resource",
  );
  const foreign = await authorize(gateway, { resource: "urn:sallyport:admin" });
  expect(foreign.searchParams.get("error")).toBe("invalid_target");
  const own = await signIn(gateway);
  expect(await signInOf(gateway).identify(String(own["access_token"]))).toBeUndefined();
});

test("the browser is led back to this machine and to the console's own address, and nowhere else", async () => {
  const { auth } = await startAuth({ config: { embedded: { users } }, consoleOrigin: "https://console.example" });
  expect(auth.console?.callbackAt("http://localhost:8081")).toBe("http://localhost:8081/signin/callback");
  expect(auth.console?.callbackAt("https://console.example")).toBe("https://console.example/signin/callback");
  for (const origin of ["https://localhost", "http://192.0.2.7:4001", "https://console.example.evil"])
    expect(auth.console?.callbackAt(origin)).toBeUndefined();
  expect((await auth.clients.list()).clients).toEqual([]);
});
