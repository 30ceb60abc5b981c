import { describe, expect, test } from "vitest";
import { appAuth, authorize, clients, config, exchangeCode, signIn, token } from "./code-flow.ts";
import { basic, who } from "./oauth-calls.ts";
import { startAuth } from "./start-auth.ts";

describe("refresh tokens", () => {
  test("rotate, keep scope and resource, and end the whole family when one is used again", async () => {
    const gateway = await startAuth({ config });
    const first = await signIn(gateway);
    const second = (
      await token(gateway, { grant_type: "refresh_token", refresh_token: first["refresh_token"] ?? "" }, appAuth)
    ).body;
    expect(second["refresh_token"]).not.toBe(first["refresh_token"]);
    expect(await who(gateway, second["access_token"])).toMatchObject({
      subject: "alice",
      scopes: ["gateway", "tools:read"],
      groups: ["analyst"],
    });
    expect(
      (await token(gateway, { grant_type: "refresh_token", refresh_token: first["refresh_token"] ?? "" }, appAuth))
        .body["error"],
    ).toBe("invalid_grant");
    expect(
      (await token(gateway, { grant_type: "refresh_token", refresh_token: second["refresh_token"] ?? "" }, appAuth))
        .body["error"],
    ).toBe("invalid_grant");
    await expect(who(gateway, second["access_token"])).rejects.toMatchObject({ kind: "unauthenticated" });
  });

  test("work for their own client only and never widen the scope", async () => {
    const gateway = await startAuth({ config });
    const { refresh_token: refreshToken = "" } = await signIn(gateway);
    expect(
      (
        await token(
          gateway,
          { grant_type: "refresh_token", refresh_token: refreshToken, scope: "tools:write" },
          appAuth,
        )
      ).body["error"],
    ).toBe("invalid_scope");
    const other = await gateway.auth.clients.create({
      label: "Other",
      grants: ["authorization_code", "refresh_token"],
      redirectUris: ["https://other.example/cb"],
    });
    expect(
      (
        await token(
          gateway,
          { grant_type: "refresh_token", refresh_token: refreshToken },
          basic(other.id, other.secret ?? ""),
        )
      ).body["error"],
    ).toBe("invalid_grant");
  });

  test("and codes are not in the store as they are shown", async () => {
    const gateway = await startAuth({ config });
    const code = (await authorize(gateway)).searchParams.get("code") ?? "";
    const { refresh_token: refreshToken = "" } = (await exchangeCode(gateway, code)).body;
    const stored = JSON.stringify(
      await Promise.all(
        ["oauth-refreshtoken", "oauth-authorizationcode", "auth-clients", "oauth-grant"].map((collection) =>
          gateway.store.list(collection, { limit: 100 }),
        ),
      ),
    );
    expect(stored).toContain("alice");
    for (const secret of [code, refreshToken, clients.app.secret]) expect(stored).not.toContain(secret);
  });
});
