import { describe, expect, test } from "vitest";
import { bearer, refusal, start } from "./foreign-issuer.ts";

describe("keys of an issuer", () => {
  test("are asked for at most once a minute, whatever key ids callers make up", async () => {
    const { gateway, issuer } = await start();
    await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url)));
    const flood = Array.from({ length: 50 }, async (_, index) =>
      refusal(async () =>
        gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, {}, { kid: `made-up-${index}` }))),
      ),
    );
    expect((await Promise.all(flood)).every(({ kind }) => kind === "unauthenticated")).toBe(true);
    expect(issuer.hits.get("/jwks")).toBe(1);
    gateway.clock.advance(61_000);
    await refusal(async () =>
      gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, {}, { kid: "later" }))),
    );
    await refusal(async () =>
      gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, {}, { kid: "later still" }))),
    );
    expect(issuer.hits.get("/jwks")).toBe(2);
  });

  test("that were rotated are found after a minute", async () => {
    const { gateway, issuer } = await start();
    await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url)));
    const key = await issuer.rotate("two");
    gateway.clock.advance(61_000);
    expect(
      await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url, {}, { kid: "two" }, key))),
    ).toMatchObject({ subject: "alice" });
    expect(
      (await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))))).kind,
    ).toBe("unauthenticated");
  });

  const outages: readonly (readonly [string, () => { status?: number; body: string | Buffer }])[] = [
    ["down", () => ({ status: 500, body: "" })],
    ["HTML", () => ({ body: "<html>sign in</html>" })],
    ["empty", () => ({ body: '{"keys":[]}' })],
    ["a secret key only", () => ({ body: '{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"one"}]}' })],
    ["10 MB", () => ({ body: Buffer.alloc(10_000_000, 32) })],
  ];
  test.each(outages)(
    "%s: a token cannot be checked and is neither let in nor called invalid",
    async (_name, answer) => {
      const { gateway, issuer } = await start();
      issuer.answer("/jwks", answer);
      const error = await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))));
      expect([error.kind, error.headers["retry-after"]]).toEqual(["upstream_unavailable", "5"]);
      await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))));
      expect(issuer.hits.get("/jwks")).toBe(1);
      issuer.answer("/jwks", undefined);
      gateway.clock.advance(6_000);
      expect(await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url)))).toMatchObject({
        subject: "alice",
      });
    },
  );

  test("are used for an hour while the issuer is down, and no longer", async () => {
    const { gateway, issuer } = await start();
    await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url)));
    issuer.answer("/jwks", () => ({ status: 500, body: "" }));
    gateway.clock.advance(59 * 60_000);
    expect(await gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url)))).toMatchObject({
      subject: "alice",
    });
    await expect.poll(() => issuer.hits.get("/jwks")).toBe(2);
    gateway.clock.advance(2 * 60_000);
    expect(
      (await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))))).kind,
    ).toBe("upstream_unavailable");
  });

  test("are not taken from metadata that names another issuer", async () => {
    const { gateway, issuer } = await start();
    issuer.answer("/.well-known/openid-configuration", () => ({
      body: JSON.stringify({ issuer: "https://other.example", jwks_uri: `${issuer.url}/jwks` }),
    }));
    expect(
      (await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))))).kind,
    ).toBe("upstream_unavailable");
    expect(issuer.hits.get("/jwks")).toBeUndefined();
  });

  test("that come too slowly count as unreachable", { timeout: 20_000 }, async () => {
    const { gateway, issuer } = await start();
    issuer.answer("/jwks", () => ({ body: '{"keys":[]}', delayMs: 10_000 }));
    const error = await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))));
    expect(error.kind).toBe("upstream_unavailable");
  });

  test("two under one id give none", async () => {
    const { gateway, issuer } = await start();
    issuer.answer("/jwks", () => ({
      body: JSON.stringify({
        keys: [issuer.publicJwk, { ...issuer.publicJwk, x: issuer.publicJwk.y, y: issuer.publicJwk.x }],
      }),
    }));
    expect(
      (await refusal(async () => gateway.authenticate("/mcp", bearer(await issuer.token(gateway.url))))).kind,
    ).toBe("unauthenticated");
  });

  test("one check serves all who show the same token at once", async () => {
    const { gateway, issuer } = await start();
    const token = await issuer.token(gateway.url);
    await Promise.all(Array.from({ length: 20 }, async () => gateway.authenticate("/mcp", bearer(token))));
    expect(issuer.hits.get("/jwks")).toBe(1);
  });
});
