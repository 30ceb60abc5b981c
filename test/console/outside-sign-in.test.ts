import { expect, test } from "vitest";
import { startScene } from "./console-scene.ts";
import { openPage } from "./page.ts";

/** A client of one gateway's authorization server, which is another gateway's console. */
const client = `
      clients:
        other-console:
          secret: other-console-other-console
          grants: [authorization_code]
          redirectUris: ["http://127.0.0.1/signin/callback"]
`;
const roles = `{ operator: 'principal.subject == "olga"', viewer: 'principal.subject == "vera"' }`;
const signIn = (issuer: string, more = "") => `
console:
  signIn: { issuer: "${issuer}", id: other-console, secret: other-console-other-console }
  ${more}
`;

/** A gateway with an authorization server, and another whose console signs people in there. */
async function startBoth(more = `roles: ${roles}`, secret = "other-console-other-console") {
  const there = await startScene("", { embedded: client });
  const config = signIn(there.publicUrl, more).replace("secret: other-console-other-console", `secret: ${secret}`);
  const here = await startScene(config, { issuers: [there.publicUrl] });
  return { there, here };
}

test("people sign in to the console at an issuer that is trusted, with the roles that are configured", async () => {
  const { here } = await startBoth();
  const page = openPage(here.consoleUrl);
  expect(await (await page.open("/api/session")).json()).toMatchObject({ signedIn: false, oauth: true });
  expect(await page.signIn("olga", "olga-password", "/models")).toBe(`${here.consoleUrl}/models`);
  expect(await (await page.open("/api/session")).json()).toMatchObject({ name: "olga", role: "operator", by: "oauth" });
  expect((await page.send("POST", "/api/keys", { name: "ci" })).status).toBe(201);
  expect((await page.send("DELETE", "/api/session")).status).toBe(204);
  expect((await page.open("/api/status")).status).toBe(401);
  const other = openPage(here.consoleUrl);
  expect(await other.signIn("nora", "nora-password")).toBe(`${here.consoleUrl}/?signin=no-role`);
});

test("who signs in again has one session, though the cookie does not come along from another site", async () => {
  const { here } = await startBoth();
  const page = openPage(here.consoleUrl);
  await page.signIn("olga", "olga-password");
  const [[name, value] = []] = [...page.cookies].filter(([each]) => each.startsWith("sallyport-console-"));
  const copy = openPage(here.consoleUrl);
  copy.cookies.set(name!, value!);
  /* As a browser does: what is Strict is sent with the console's own request, and not with the one that comes back from the issuer. */
  const begun = (await page.open("/signin")).headers.get("location")!;
  expect(page.cookies.delete(name!)).toBe(true);
  await page.finishSignIn(begun, "olga", "olga-password");
  expect(await (await page.open("/api/session")).json()).toMatchObject({ name: "olga" });
  expect(await (await copy.open("/api/session")).json()).toMatchObject({ signedIn: false });
});

test("whoever is called operator elsewhere is nobody here", async () => {
  const { here } = await startBoth("");
  const page = openPage(here.consoleUrl);
  expect(await page.signIn("operator", "operator-password")).toBe(`${here.consoleUrl}/?signin=no-role`);
});

test("a client that the issuer does not know signs nobody in", async () => {
  const { here } = await startBoth(`roles: ${roles}`, "wrong-wrong-wrong-wrong-wrong");
  expect(await openPage(here.consoleUrl).signIn("olga", "olga-password")).toBe(`${here.consoleUrl}/?signin=failed`);
});

test("an issuer that cannot be reached leads back with a word, and the operator's token works all the same", async () => {
  const { there, here } = await startBoth();
  await there.gateway.drain();
  const page = openPage(here.consoleUrl);
  expect((await page.open("/signin")).headers.get("location")).toBe("/?signin=failed");
  expect((await page.send("POST", "/api/session", { token: here.adminToken })).status).toBe(201);
});

test("a sign-in page of an issuer that is not trusted is refused at load", async () => {
  await expect(startScene(signIn("https://login.example.com"))).rejects.toThrow("`auth.issuers` has no such issuer");
});
