import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, type Service, startEcho, startServicesScene, type ServicesScene } from "../services/services-scene.ts";
import { portOf } from "./listeners-scene.ts";

let echo: Service;
let scene: ServicesScene;

const marked = (name: string) => `to: echo, filters: [{responseHeaders: {set: {x-route: ${name}}}}]`;
const everything = (name: string) => `auth: optional, rules: [{${marked(name)}}]`;

const yaml = () => `
publicUrl: http://gw.example.com
listen: {host: 127.0.0.1, port: 0, allowedHosts: [alias.test, "*.pods.test"], console: {port: 0}, health: {host: 127.0.0.1, port: 0}}
auth: {embedded: true}
listeners:
  wild:  {hostname: "*.example.com"}
  alias: {hostname: alias.test}
  other: {port: 0}
  apart: {port: 0, address: 127.0.0.1}
services: {echo: "${echo.url}"}
mcp: {servers: {tools: {url: "${echo.url}/mcp"}}, routes: {/mcp: {servers: [tools]}}}
models: {m: {provider: openai, key: k, url: "${echo.url}"}}
routes:
  wild:   {listeners: [wild], ${everything("wild")}}
  alias:  {listeners: [alias], hosts: [alias.test], ${everything("alias")}}
  other:  {listeners: [other], ${everything("other")}}
  named:  {hosts: [gw.example.com], auth: optional, rules: [{match: [{path: /v1}, {path: /oauth}, {path: /named}], ${marked("named")}}]}
  meek:   {yields: true, hosts: [gw.example.com, one.pods.test, elsewhere.test], ${everything("meek")}}
  rest:   {${everything("rest")}}
  apart:  {yields: true, listeners: [apart], ${everything("apart")}}
  stub:   {hosts: [gw.example.com], auth: optional, rules: [{match: [{path: /a2a/named}], ${marked("stub")}}]}
  behind: {yields: true, listeners: [other], hosts: [gw.example.com], ${everything("behind")}}
`;

/** The route that answered; undefined: the gateway itself. */
async function routeOf(path: string, host: string, listener?: string): Promise<unknown> {
  const port = listener === undefined ? scene.port : portOf(scene, listener);
  const { status, headers } = await ask(port, path, {
    host,
    method: ["/mcp", "/oauth/token"].includes(path) ? "POST" : "GET",
  });
  return headers["x-route"] ?? status;
}

beforeAll(async () => {
  echo = await startEcho("echo");
  scene = await startServicesScene(yaml());
});
afterAll(async () => {
  await scene.close();
  await echo.close();
});

const metadata = "/.well-known/oauth-authorization-server";

describe("sign-in and metadata", () => {
  test.for(["gw.example.com", "GW.example.com:80", "one.pods.test", "localhost", "alias.test"])(
    "of %s are the gateway's, whatever routes say",
    async (host) => {
      expect(await routeOf(metadata, host)).toBe(200);
      expect(await routeOf("/oauth/token", host)).toBe(400);
    },
  );

  test("are no route's either where the gateway's own paths are not served", async () => {
    expect(await routeOf(metadata, "gw.example.com", "other")).toBe(404);
    expect(await routeOf("/oauth/token", "alias.test:1", "other")).toBe(404);
    expect(await routeOf(metadata, "elsewhere.test", "other")).toBe("other");
    // Another port of this machine is another program's.
    expect(await routeOf(metadata, "localhost", "other")).toBe("other");
  });

  test("of other hosts are their routes'", async () => {
    expect(await routeOf(metadata, "elsewhere.test")).toBe("meek");
    expect(await routeOf(metadata, "shop.example.com")).toBe("wild");
  });
});

describe("the gateway's other paths on its own hosts", () => {
  test("are those of a route that names the host, unless it yields", async () => {
    expect(await routeOf("/v1/models", "gw.example.com")).toBe("named");
    expect(await routeOf("/mcp", "gw.example.com")).toBe(401);
    expect(await routeOf("/v1/models", "one.pods.test")).toBe(401);
    expect(await routeOf("/v1/models", "elsewhere.test")).toBe("meek");
    expect(await routeOf("/v1/models", "gw.example.com", "other")).toBe("other");
  });

  test("are no yielding route's where the gateway has nothing there, and a firm one's", async () => {
    for (const path of ["/mcp/team-a/orders", "/mcp/team-a", "/a2a/team-a/w", "/a2a"]) {
      expect([path, await routeOf(path, "gw.example.com")]).toEqual([path, "rest"]);
      expect([path, await routeOf(path, "gw.example.com", "apart")]).toEqual([path, 404]);
      expect([path, await routeOf(path, "elsewhere.test", "apart")]).toEqual([path, "apart"]);
    }
    expect(await routeOf("/a2a/named", "gw.example.com")).toBe("stub");
    expect(await routeOf("/a2a/x", "elsewhere.test")).toBe("meek");
    expect(await routeOf("/a2ax", "gw.example.com")).toBe("meek");
    expect(await routeOf("/mcp/team-a", "gw.example.com", "other")).toBe("other");
  });

  test("leave the rest to routes as ever", async () => {
    expect(await routeOf("/named", "gw.example.com")).toBe("named");
    expect(await routeOf("/shop", "gw.example.com")).toBe("meek");
    expect(await routeOf("/shop", "two.pods.test")).toBe("rest");
    expect(await routeOf("/shop", "gw.example.com", "other")).toBe("behind");
  });

  test("stay with `main` beside a wildcard, and go to a listener for that very host, which leaves them to the gateway", async () => {
    expect(await routeOf("/shop", "other.example.com")).toBe("wild");
    expect(await routeOf("/shop", "alias.test")).toBe("alias");
    expect(await routeOf("/mcp", "alias.test")).toBe("alias");
  });
});
