import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { openBrowser, type Browser } from "./browser.ts";
import { authorize, authorizeUrl, clients, config, exchangeCode, users } from "./code-flow.ts";
import { who } from "./oauth-calls.ts";
import { startAuth } from "./start-auth.ts";

describe("the pages", () => {
  test("cannot be framed, load nothing, and show who asks for what and where it goes", async () => {
    const gateway = await startAuth({ config });
    const browser = openBrowser(gateway.url);
    const login = await browser.open(authorizeUrl(gateway));
    const policy = login.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("form-action 'self' https://app.example;");
    expect(policy).not.toContain("unsafe");
    const style = /<style>([^<]+)<\/style>/.exec(login.text)?.[1] ?? "";
    expect(policy).toContain(`style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`);
    expect(login.text).not.toMatch(/<script|src=|href=|@import/);
    const consent = await browser.submit(login, { action: "login", name: "alice", password: users.alice.password });
    for (const shown of ["The app", "app.example", "alice", "tools:read", `${gateway.url}/mcp`])
      expect(consent.text).toContain(shown);
  });

  test("sign nobody in with a wrong password, and slow down who guesses", async () => {
    const gateway = await startAuth({ config });
    const browser = openBrowser(gateway.url);
    let page = await browser.open(authorizeUrl(gateway));
    for (let attempt = 0; attempt < 5; attempt += 1) {
      page = await browser.submit(page, { action: "login", name: "alice", password: "guess" });
      expect(page.status).toBe(403);
    }
    page = await browser.submit(page, { action: "login", name: "alice", password: users.alice.password });
    expect([page.status, page.headers.get("retry-after")]).toEqual([429, "30"]);
    gateway.clock.advance(31_000);
    page = await browser.submit(page, { action: "login", name: "alice", password: users.alice.password });
    expect(page.text).toContain("Allow access?");
  });

  test("take no consent from another site: wrong signature, foreign origin, another browser", async () => {
    const gateway = await startAuth({ config });
    const browser = openBrowser(gateway.url);
    const consent = await browser.submit(await browser.open(authorizeUrl(gateway)), {
      action: "login",
      name: "alice",
      password: users.alice.password,
    });
    const csrf = /name="csrf" value="([^"]+)"/.exec(consent.text)?.[1] ?? "";
    const attempt = (from: Browser, body: Record<string, string>, origin: string) =>
      from.open(consent.url, { method: "POST", body: new URLSearchParams(body), headers: { origin } });
    expect((await attempt(browser, { action: "allow" }, gateway.url)).status).toBe(403);
    expect((await attempt(browser, { action: "allow", csrf: "A".repeat(csrf.length) }, gateway.url)).status).toBe(403);
    for (const foreign of ["https://evil.example", "null"])
      expect((await attempt(browser, { action: "allow", csrf }, foreign)).status).toBe(403);
    expect((await attempt(openBrowser(gateway.url), { action: "allow", csrf }, gateway.url)).status).toBe(404);
    const attacker = openBrowser(gateway.url);
    const theirs = await attacker.submit(await attacker.open(authorizeUrl(gateway)), {
      action: "login",
      name: "bob",
      password: users.bob.password,
    });
    const theirCsrf = /name="csrf" value="([^"]+)"/.exec(theirs.text)?.[1] ?? "";
    expect((await attempt(browser, { action: "allow", csrf: theirCsrf }, gateway.url)).status).toBe(403);
    expect((await attempt(browser, { action: "allow", csrf }, gateway.url)).location).toContain("code=");
  });

  test("send a refusal back as access_denied", async () => {
    const gateway = await startAuth({ config });
    const browser = openBrowser(gateway.url);
    const consent = await browser.submit(await browser.open(authorizeUrl(gateway)), {
      action: "login",
      name: "alice",
      password: users.alice.password,
    });
    const back = new URL((await browser.submit(consent, { action: "cancel" })).location ?? "");
    expect([back.searchParams.get("error"), back.searchParams.get("iss"), back.searchParams.get("state")]).toEqual([
      "access_denied",
      gateway.url,
      "s-1",
    ]);
  });

  test("grant a user no scope that is not theirs", async () => {
    const gateway = await startAuth({ config });
    const browser = openBrowser(gateway.url);
    const consent = await browser.submit(await browser.open(authorizeUrl(gateway)), {
      action: "login",
      name: "bob",
      password: users.bob.password,
    });
    expect(consent.text).not.toContain("tools:read");
    const code = new URL((await browser.submit(consent, { action: "allow" })).location ?? "").searchParams.get("code");
    expect((await exchangeCode(gateway, code)).body["scope"]).toBe("gateway");
  });

  test("ask each client's consent anew, and one client's only once a session", async () => {
    const gateway = await startAuth({ config });
    const browser = openBrowser(gateway.url);
    await authorize(gateway, {}, browser);
    expect((await browser.open(authorizeUrl(gateway))).location).toContain("code=");
    const second = await gateway.auth.clients.create({
      label: "Second",
      grants: ["authorization_code"],
      redirectUris: ["https://second.example/cb"],
    });
    const page = await browser.open(
      authorizeUrl(gateway, { client_id: second.id, redirect_uri: "https://second.example/cb" }),
    );
    expect(page.text).toContain("Allow access?");
    expect((await browser.open(authorizeUrl(gateway, { scope: "gateway tools:write" }))).text).toContain("tools:write");
  });

  test("escape what clients call themselves", async () => {
    const gateway = await startAuth({ config });
    const response = await fetch(`${gateway.url}/oauth/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ client_name: '<img src=x onerror="alert(1)">', redirect_uris: ["https://x.example/cb"] }),
    });
    const { client_id: id } = (await response.json()) as { client_id: string };
    const page = await openBrowser(gateway.url).open(
      authorizeUrl(gateway, { client_id: id, redirect_uri: "https://x.example/cb" }),
    );
    expect(page.text).toContain("&lt;img src=x");
    expect(page.text).not.toContain("<img");
  });

  test("take the operator's passcode when no users are configured, shown anew until it was used and kept as a hash", async () => {
    const gateway = await startAuth({ config: { embedded: { clients } } });
    expect(await gateway.auth.unusedPasscode()).toEqual(expect.any(String));
    const passcode = (await gateway.auth.unusedPasscode()) ?? "";
    expect(passcode).toMatch(/^([A-Z0-9]{4}-){3}[A-Z0-9]{4}$/);
    expect(JSON.stringify(await gateway.store.list("auth-secrets", { limit: 10 }))).not.toContain(
      passcode.replaceAll("-", ""),
    );
    const browser = openBrowser(gateway.url);
    const login = await browser.open(authorizeUrl(gateway));
    expect(login.text).toContain("Operator passcode");
    const consent = await browser.submit(login, {
      action: "login",
      password: passcode.toLowerCase().replaceAll("-", " "),
    });
    const code = new URL((await browser.submit(consent, { action: "allow" })).location ?? "").searchParams.get("code");
    expect(await who(gateway, (await exchangeCode(gateway, code)).body["access_token"])).toMatchObject({
      subject: "operator",
      groups: ["operators"],
    });
    expect(await gateway.auth.unusedPasscode()).toBeUndefined();
    const next = await gateway.auth.resetPasscode();
    expect(next).not.toBe(passcode);
  });
});
