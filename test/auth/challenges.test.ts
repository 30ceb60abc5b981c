import { describe, expect, test } from "vitest";
import { bearer, refusal } from "./foreign-issuer.ts";
import { recordingLog, startAuth, testClock } from "./start-auth.ts";
import { startStaticIssuer } from "./static-issuer.ts";

describe("a request", () => {
  test("without a credential is challenged with where and what to ask, and names no error", async () => {
    const gateway = await startAuth({ config: { embedded: true, scopes: ["gateway", "extra"] } });
    const error = await refusal(() => gateway.authenticate("/mcp", {}));
    expect(error.headers["www-authenticate"]).toBe(
      `Bearer resource_metadata="${gateway.url}/.well-known/oauth-protected-resource/mcp", scope="gateway extra"`,
    );
  });

  test("with a bad credential is told so, also where none would do", async () => {
    const gateway = await startAuth();
    expect(gateway.authenticate("/open", {})).toMatchObject({ credential: "anonymous" });
    const error = await refusal(() => gateway.authenticate("/open", bearer("a.b.c")));
    expect(error.headers["www-authenticate"]).toMatch(
      /error="invalid_token", error_description="The access token is invalid\."$/,
    );
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
    for (let index = 0; index < 200; index += 1)
      await refusal(() => gateway.authenticate("/mcp", bearer(`sp_canary${index}`)));
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
    for (const [suffix, resource] of [
      ["", gateway.url],
      ["/mcp", `${gateway.url}/mcp`],
      ["/mcp/safe", `${gateway.url}/mcp/safe`],
    ]) {
      const response = await fetch(`${gateway.url}/.well-known/oauth-protected-resource${suffix}`, {
        headers: { origin: "https://app.example" },
      });
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(await response.json()).toMatchObject({
        resource,
        authorization_servers: [gateway.url, issuer.url],
        scopes_supported: ["gateway"],
        bearer_methods_supported: ["header"],
      });
    }
    expect((await fetch(`${gateway.url}/.well-known/oauth-protected-resource/nothing`)).status).toBe(404);
    const preflight = await fetch(`${gateway.url}/.well-known/oauth-protected-resource/mcp`, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "mcp-protocol-version",
      },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-headers")]).toEqual([
      204,
      expect.stringContaining("mcp-protocol-version"),
    ]);
  });
});
