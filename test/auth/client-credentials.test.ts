import { createHash } from "node:crypto";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, test } from "vitest";
import { agentAuth, appAuth, clients, config, token } from "./code-flow.ts";
import { basic, who } from "./oauth-calls.ts";
import { startAuth } from "./start-auth.ts";

describe("client credentials", () => {
  test("give a token for the resource asked for, with the client's groups and tenant", async () => {
    const gateway = await startAuth({ config });
    const { status, body, headers } = await token(
      gateway,
      { grant_type: "client_credentials", resource: `${gateway.url}/mcp`, scope: "tools:read" },
      agentAuth,
    );
    expect([status, body["token_type"], body["scope"], headers.get("cache-control")]).toEqual([
      200,
      "Bearer",
      "tools:read",
      "no-store",
    ]);
    expect(decodeProtectedHeader(body["access_token"] ?? "")).toMatchObject({ alg: "ES256", typ: "at+jwt" });
    expect(decodeJwt(body["access_token"] ?? "")).toMatchObject({
      iss: gateway.url,
      sub: "agent",
      client_id: "agent",
      aud: `${gateway.url}/mcp`,
      scope: "tools:read",
    });
    expect(await who(gateway, body["access_token"])).toMatchObject({
      subject: "agent",
      client: "agent",
      groups: ["agents"],
      tenant: "blue",
      scopes: ["tools:read"],
    });
    await expect(who(gateway, body["access_token"], "/mcp/safe")).rejects.toMatchObject({ kind: "unauthenticated" });
  });

  test("without resource and scope give a token for the whole gateway with every scope of the client", async () => {
    const gateway = await startAuth({ config, policyScopes: () => ["from:policy"] });
    const { body } = await token(gateway, {
      grant_type: "client_credentials",
      client_id: "agent",
      client_secret: clients.agent.secret,
    });
    expect(await who(gateway, body["access_token"], "/mcp/safe")).toMatchObject({
      scopes: ["gateway", "tools:read", "tools:write", "from:policy"],
    });
  });

  const refusals: readonly (readonly [string, Record<string, string>, string | undefined, number, string])[] = [
    ["a wrong secret", {}, basic("agent", "wrong"), 401, "invalid_client"],
    [
      "the stored hash as secret",
      {},
      basic("agent", `sha256:${createHash("sha256").update(clients.agent.secret).digest("base64url")}`),
      401,
      "invalid_client",
    ],
    ["an unknown client", {}, basic("nobody", "x"), 401, "invalid_client"],
    ["a client without this grant", {}, appAuth, 400, "invalid_request"],
    ["a resource of somebody else", { resource: "https://other.example/mcp" }, agentAuth, 400, "invalid_target"],
    ["a resource that is no address", { resource: "mcp" }, agentAuth, 400, "invalid_target"],
    [
      "two ways to authenticate",
      { client_id: "agent", client_secret: clients.agent.secret },
      agentAuth,
      400,
      "invalid_request",
    ],
    ["no client at all", {}, undefined, 400, "invalid_request"],
  ];
  test.each(refusals)("refuse %s", async (_name, form, authorization, status, error) => {
    const gateway = await startAuth({ config });
    const answer = await token(gateway, { grant_type: "client_credentials", ...form }, authorization);
    expect([answer.status, answer.body["error"]]).toEqual([status, error]);
  });

  test("a scope nobody configured is left out", async () => {
    const gateway = await startAuth({ config });
    const { body } = await token(gateway, { grant_type: "client_credentials", scope: "tools:read admin" }, agentAuth);
    expect(body["scope"]).toBe("tools:read");
  });
});
