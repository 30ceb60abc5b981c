import { expect, test } from "vitest";
import { keyPrincipal } from "../../src/auth/key-principal.ts";
import { checkConsole } from "../../src/gateway/config.ts";
import { consoleConfig, rolesOf } from "../../src/gateway/console-config.ts";

const parse = (value: object) => consoleConfig.parse(value);
const caller = (groups: readonly string[]) => keyPrincipal("key", { name: "key", groups: [...groups] });

test("the console's address is an origin that a cookie is safe at", () => {
  expect(parse({ url: "https://console.example.com/" }).url?.origin).toBe("https://console.example.com");
  expect(parse({ url: "http://localhost:9000" }).url?.origin).toBe("http://localhost:9000");
  for (const url of [
    "http://console.example.com",
    "https://console.example.com/here",
    "https://a:b@console.example.com",
    "x",
  ])
    expect(consoleConfig.safeParse({ url }).success, url).toBe(false);
});

test("an address that the console's listener does not answer is refused at load", () => {
  const console = parse({ url: "https://console.example.com" });
  const check = (...allowedHosts: string[]) => checkConsole({ console, listen: { allowedHosts } });
  expect(check()).toEqual([
    {
      path: ["console", "url"],
      message: "no request for this host is answered: add console.example.com to listen.allowedHosts",
    },
  ]);
  for (const host of ["console.example.com", "*.example.com", "*"]) expect(check(host)).toEqual([]);
  const shared = { console, listen: { allowedHosts: [] }, publicUrl: new URL("https://console.example.com") };
  expect(checkConsole(shared)).toEqual([]);
});

test("who has both roles is an operator, and an expression that fails gives none", () => {
  const roleOf = rolesOf(
    parse({ roles: { viewer: '"all" in principal.groups', operator: 'principal.claims.level == "high"' } }),
  );
  expect(roleOf(caller(["all"]))).toBe("viewer");
  expect(roleOf(caller([]))).toBeUndefined();
  const both = rolesOf(parse({ roles: { viewer: "true", operator: '"ops" in principal.groups' } }));
  expect(both(caller(["ops"]))).toBe("operator");
  expect(consoleConfig.safeParse({ roles: { viewer: "principal.group == 1" } }).success).toBe(false);
});
