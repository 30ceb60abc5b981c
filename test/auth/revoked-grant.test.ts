import { expect, test } from "vitest";
import { openBrowser } from "./browser.ts";
import { appAuth, authorize, authorizeUrl, config, exchangeCode, token } from "./code-flow.ts";
import { post, refused, who } from "./oauth-calls.ts";
import { startAuth } from "./start-auth.ts";

test("revoking a user's access token ends the grant: consent is asked anew, and what comes of it works", async () => {
  const gateway = await startAuth({ config });
  const browser = openBrowser(gateway.url);
  const first = await exchangeCode(gateway, (await authorize(gateway, {}, browser)).searchParams.get("code"));
  const { access_token: accessToken = "", refresh_token: refreshToken = "" } = first.body;
  expect(await who(gateway, accessToken)).toMatchObject({ subject: "alice" });

  expect((await post(gateway, "revoke", { token: accessToken }, appAuth)).status).toBe(200);
  await expect(who(gateway, accessToken)).rejects.toMatchObject(refused);
  const refresh = await token(gateway, { grant_type: "refresh_token", refresh_token: refreshToken }, appAuth);
  expect(refresh.body["error"]).toBe("invalid_grant");

  expect((await browser.open(authorizeUrl(gateway))).text).toContain("Allow access?");
  const second = await exchangeCode(gateway, (await authorize(gateway, {}, browser)).searchParams.get("code"));
  expect(await who(gateway, second.body["access_token"])).toMatchObject({ subject: "alice" });
});

test("revoking a refresh token ends its access tokens too", async () => {
  const gateway = await startAuth({ config });
  const { body } = await exchangeCode(gateway, (await authorize(gateway)).searchParams.get("code"));
  expect((await post(gateway, "revoke", { token: body["refresh_token"] ?? "" }, appAuth)).status).toBe(200);
  await expect(who(gateway, body["access_token"])).rejects.toMatchObject(refused);
});
