import { expect, test } from "vitest";
import { startScene } from "./console-scene.ts";
import { openPage } from "./page.ts";

test("an operator signs in at the gateway's own sign-in page, and comes back to the place they wanted", async () => {
  const { consoleUrl } = await startScene();
  const page = openPage(consoleUrl);
  expect(await (await page.open("/api/session")).json()).toMatchObject({ signedIn: false, oauth: true });
  expect((await page.open("/api/status")).status).toBe(401);
  expect(await page.signIn("olga", "olga-password", "/chains/abc?tab=tree")).toBe(`${consoleUrl}/chains/abc?tab=tree`);
  const session = await page.open("/api/session");
  expect(await session.json()).toMatchObject({ signedIn: true, name: "olga", role: "operator", by: "oauth" });
  expect((await page.open("/api/status")).status).toBe(200);
  expect((await page.send("POST", "/api/keys", { name: "ci" })).status).toBe(201);
});

test("the cookie is for the console's own pages, and holds no token", async () => {
  const { consoleUrl } = await startScene();
  const page = openPage(consoleUrl);
  const begun = await page.open("/signin?to=/models");
  expect(begun.headers.getSetCookie()[0]).toMatch(/; Path=\/signin; Max-Age=600; HttpOnly; SameSite=Lax$/);
  const signedIn = await page.send("POST", "/api/session", { token: "x" });
  expect(signedIn.status).toBe(401);
  await page.signIn("vera", "vera-password");
  const name = `sallyport-console-${new URL(consoleUrl).port}`;
  expect(page.cookies.get(name)).toMatch(/^[\w-]{43}$/);
  expect([...page.cookies.keys()]).not.toContain(`sallyport-signin-${new URL(consoleUrl).port}`);
});

test("a viewer reads and changes nothing; who has no role does not get in", async () => {
  const { consoleUrl } = await startScene();
  const page = openPage(consoleUrl);
  await page.signIn("vera", "vera-password");
  expect((await page.open("/api/keys")).status).toBe(200);
  const refused = await page.send("POST", "/api/keys", { name: "ci" });
  expect(refused.status).toBe(403);
  expect(await refused.json()).toEqual({
    error: { type: "denied", message: "A viewer reads only; this takes an operator." },
  });
  const other = openPage(consoleUrl);
  expect(await other.signIn("nora", "nora-password")).toBe(`${consoleUrl}/?signin=no-role`);
  expect((await other.open("/api/status")).status).toBe(401);
});

test("roles are as the configuration has them, and a reload takes one away at once", async () => {
  const scene = await startScene(`console: { roles: { viewer: 'principal.subject == "nora"', operator: "false" } }`);
  const page = openPage(scene.consoleUrl);
  await page.signIn("nora", "nora-password");
  expect(await (await page.open("/api/session")).json()).toMatchObject({ name: "nora", role: "viewer" });
  const { config } = scene.gateway.epochs.current();
  await scene.gateway.reload({
    ...config,
    console: { ...config.console, roles: { viewer: "false", operator: "false" } },
  });
  expect((await page.open("/api/status")).status).toBe(401);
});

test("the operator's token opens a session too, and a sign-out ends it for everybody who has the cookie", async () => {
  const { consoleUrl, adminToken } = await startScene();
  const page = openPage(consoleUrl);
  expect((await page.send("POST", "/api/session", { token: adminToken })).status).toBe(201);
  expect(await (await page.open("/api/session")).json()).toMatchObject({ role: "operator", by: "token" });
  const copy = openPage(consoleUrl);
  for (const [name, value] of page.cookies) copy.cookies.set(name, value);
  expect((await copy.open("/api/status")).status).toBe(200);
  expect((await page.send("DELETE", "/api/session")).status).toBe(204);
  expect((await copy.open("/api/status")).status).toBe(401);
});

test("who signs in again has one session: the one before has ended", async () => {
  const { consoleUrl, adminToken } = await startScene();
  const page = openPage(consoleUrl);
  const isSignedIn = async (cookies: Map<string, string>) => {
    const copy = openPage(consoleUrl);
    for (const [name, value] of cookies) copy.cookies.set(name, value);
    return (await copy.open("/api/status")).status === 200;
  };
  const jars: Map<string, string>[] = [];
  const keep = () => jars.push(new Map(page.cookies));
  const byToken = () => page.send("POST", "/api/session", { token: adminToken });
  for (const signIn of [
    byToken,
    byToken,
    () => page.signIn("olga", "olga-password"),
    () => page.signIn("olga", "olga-password"),
    byToken,
  ]) {
    await signIn();
    keep();
  }
  const name = `sallyport-console-${new URL(consoleUrl).port}`;
  expect(new Set(jars.map((jar) => jar.get(name))).size).toBe(5);
  expect(await Promise.all(jars.map(isSignedIn))).toEqual([false, false, false, false, true]);
  /* Who fails to sign in stays who they were. */
  expect((await page.send("POST", "/api/session", { token: "another" })).status).toBe(401);
  expect(await isSignedIn(jars[4]!)).toBe(true);
});

test("a sign-out ends a session of the authorization server's too, and the next sign-in asks for the password again", async () => {
  const { consoleUrl } = await startScene();
  const page = openPage(consoleUrl);
  await page.signIn("olga", "olga-password");
  const copy = openPage(consoleUrl);
  for (const [name, value] of page.cookies) copy.cookies.set(name, value);
  await page.send("DELETE", "/api/session");
  expect((await copy.open("/api/status")).status).toBe(401);
  expect(await page.signIn("olga", "wrong")).not.toContain(consoleUrl);
});

test("a write is refused that does not say it comes from the console's own page", async () => {
  const { consoleUrl, adminToken } = await startScene();
  const page = openPage(consoleUrl);
  await page.send("POST", "/api/session", { token: adminToken });
  const jar = [...page.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const post = (headers: Record<string, string>) =>
    fetch(`${consoleUrl}/api/passcode`, { method: "POST", headers: { cookie: jar, ...headers } });
  expect((await post({})).status).toBe(403);
  expect((await post({ origin: consoleUrl })).status).toBe(403);
  expect((await post({ "x-sallyport-console": "1" })).status).toBe(403);
  expect((await post({ origin: "http://127.0.0.1:9", "x-sallyport-console": "1" })).status).toBe(403);
  expect((await post({ origin: consoleUrl, "x-sallyport-console": "1", "sec-fetch-site": "same-site" })).status).toBe(
    403,
  );
});

test("a callback that this browser did not ask for signs nobody in", async () => {
  const { consoleUrl } = await startScene();
  const page = openPage(consoleUrl);
  const callback = await page.open("/signin/callback?code=abc&state=def");
  expect(callback.headers.get("location")).toBe("/?signin=expired");
  const begun = new URL((await page.open("/signin")).headers.get("location") ?? "");
  const state = begun.searchParams.get("state") ?? "";
  const elsewhere = await page.open(`/signin/callback?code=abc&state=${state}&iss=https://evil.example`);
  expect(elsewhere.headers.get("location")).toBe("/?signin=refused");
  const again = await page.open(`/signin/callback?code=abc&state=${state}&iss=https://evil.example`);
  expect(again.headers.get("location")).toBe("/?signin=expired");
});

test("a sign-in leads to no address but the console's own", async () => {
  const { consoleUrl } = await startScene();
  for (const to of ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "/signin", "/api/keys"])
    expect(await openPage(consoleUrl).signIn("olga", "olga-password", to)).toBe(`${consoleUrl}/overview`);
});
