import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CanonicalRequest } from "../../src/core/exchange.ts";
import { locationOf } from "../../src/services/redirect.ts";
import { ask, type Service, startEcho, startServicesScene, type ServicesScene } from "../services/services-scene.ts";
import { portOf } from "./listeners-scene.ts";

let echo: Service;
let scene: ServicesScene;

const marked = (name: string) => `to: echo, filters: [{responseHeaders: {set: {x-route: ${name}}}}]`;

const yaml = () => `
listeners:
  shared:   {hostname: shared.example.com, publicPort: 80}
  any:      {port: 0}
  own:      {port: 0, own: true}
  inner:    {port: 0, hostname: inner.example.com, own: true, publicPort: 8443}
services: {echo: "${echo.url}"}
routes:
  main:   {auth: optional, rules: [{${marked("main")}}]}
  both:   {auth: optional, listeners: [main, any], hosts: [both.example.com], rules: [{${marked("both")}}]}
  wide:   {auth: optional, hosts: ["*.example.com"], rules: [{match: {path: /wide}, ${marked("wide")}}]}
  shared: {auth: optional, listeners: [shared], rules: [{match: {path: /shared}, ${marked("shared")}}]}
  moved:  {auth: optional, listeners: [shared, inner, main], rules: [{match: {path: /moved}, filters: [{redirect: {path: {full: /new}}}]}]}
  any:    {auth: optional, listeners: [any, own], rules: [{match: {path: /x}, ${marked("any")}}, {match: {path: /.well-known}, ${marked("any")}}]}
policies:
  rules:
    - {name: all but one, on: http, allow: 'true'}
    - {name: not there, on: http, deny: 'request.path == "/x/by-listener" && request.listener != "any"'}
`;

/** Status and the route that answered. */
async function reached(listener: string, path: string, host?: string): Promise<[number, string | undefined]> {
  const port = listener === "main" ? scene.port : portOf(scene, listener);
  const { status, headers } = await ask(port, path, host === undefined ? {} : { host });
  return [status, headers["x-route"] as string | undefined];
}

beforeAll(async () => {
  echo = await startEcho("echo");
  scene = await startServicesScene(yaml());
});
afterAll(async () => {
  await scene.close();
  await echo.close();
});

describe("a route", () => {
  test("answers at the listeners it names, at `main` without any, and nowhere else", async () => {
    expect(await reached("main", "/x")).toEqual([200, "main"]);
    expect(await reached("any", "/x")).toEqual([200, "any"]);
    expect(await reached("own", "/x")).toEqual([200, "any"]);
    expect(await reached("main", "/", "both.example.com")).toEqual([200, "both"]);
    expect(await reached("any", "/", "both.example.com")).toEqual([200, "both"]);
    expect(await reached("own", "/", "both.example.com")).toEqual([404, undefined]);
    expect(await reached("any", "/shared")).toEqual([404, undefined]);
  });

  test("is judged by rules that know the listener", async () => {
    expect(await reached("any", "/x/by-listener")).toEqual([200, "any"]);
    expect(await reached("own", "/x/by-listener")).toEqual([403, undefined]);
    expect(await reached("main", "/x/by-listener")).toEqual([403, undefined]);
  });

  test("redirects to the port of its listener as callers see it", async () => {
    const to = async (port: number, host: string) => (await ask(port, "/moved", { host })).headers.location;
    expect(await to(scene.port, "shared.example.com")).toBe("http://shared.example.com/new");
    expect(await to(portOf(scene, "inner"), "inner.example.com:1")).toBe("http://inner.example.com:8443/new");
    expect(await to(scene.port, "localhost:1")).toMatch(/^http:\/\/localhost(:\d+)?\/new$/);
  });
});

test.for<[asked: "http" | "https", port: number | undefined, location: string]>([
  ["http", 80, "http://h.test/"],
  ["http", 8080, "http://h.test:8080/"],
  ["http", 443, "http://h.test:443/"],
  // A proxy has taken TLS off: the port of plain http says nothing of the one it has.
  ["https", 8080, "https://h.test/"],
  ["http", undefined, "http://h.test:4000/"],
])("a redirect of a request by %s at a listener of http on port %s leads to %s", ([scheme, port, location]) => {
  const request: CanonicalRequest = {
    ...{ method: "GET", path: "/", query: "", headers: {}, host: "h.test:1", ip: "192.0.2.1" },
    ...{ scheme, connection: {}, receivedAtMs: 0, listener: { name: "l", scheme: "http", port } },
  };
  expect(locationOf(request, { status: 302 }, undefined, new URL("http://127.0.0.1:4000"))).toBe(location);
});

describe("a request", () => {
  test("belongs to the listener with the most specific hostname alone", async () => {
    expect(await reached("main", "/wide", "other.example.com")).toEqual([200, "wide"]);
    expect(await reached("main", "/shared", "SHARED.example.com:8080")).toEqual([200, "shared"]);
    // Routes of `main` are not asked, though their hosts would fit.
    expect(await reached("main", "/wide", "shared.example.com")).toEqual([404, undefined]);
    expect(await reached("main", "/.well-known/oauth-protected-resource", "shared.example.com")).toEqual([
      404,
      undefined,
    ]);
  });

  test("for a host that no listener of its port is for is answered 404, and for none that is one 400", async () => {
    expect(await reached("inner", "/moved", "outer.example.com")).toEqual([404, undefined]);
    expect(await reached("inner", "/moved", "x.inner.example.com")).toEqual([404, undefined]);
    expect(await reached("any", "/x", "not a host")).toEqual([400, undefined]);
  });

  test("may name any host at a listener without a hostname, and not at `main`", async () => {
    expect(await reached("any", "/x", "stranger.test")).toEqual([200, "any"]);
    expect(await reached("main", "/x", "stranger.test")).toEqual([421, undefined]);
  });
});

describe("the gateway's own paths", () => {
  const metadata = "/.well-known/oauth-protected-resource";

  test("are served at `main` and at listeners that say so", async () => {
    expect(await reached("main", metadata)).toEqual([200, undefined]);
    expect(await reached("own", metadata)).toEqual([200, undefined]);
    expect(await reached("inner", metadata, "inner.example.com")).toEqual([200, undefined]);
    expect(await reached("any", metadata)).toEqual([200, "any"]);
  });

  test("are not there for hosts that `main` would not answer: what is left is the routes'", async () => {
    expect(await reached("own", metadata, "stranger.test")).toEqual([200, "any"]);
    expect(await reached("own", "/oauth/token", "stranger.test")).toEqual([421, undefined]);
    expect(await reached("own", "/nothing", "stranger.test")).toEqual([404, undefined]);
  });
});

test("a listener without a hostname on the port of `listen` is `main` by a second name, for any host", async () => {
  const other = await startServicesScene(`
listeners: {all: {publicPort: 80}}
services: {echo: "${echo.url}"}
routes:
  first:  {auth: optional, rules: [{match: {path: /first}, to: echo}, {match: {path: /moved}, filters: [{redirect: {path: {full: /new}}}]}]}
  second: {auth: optional, listeners: [all], rules: [{match: {path: /second}, to: echo}]}
`);
  try {
    for (const path of ["/first", "/second"])
      expect((await other.ask(path, { host: "stranger.test" })).status).toBe(200);
    expect((await other.ask("/moved", { host: "stranger.test:9" })).headers.location).toBe("http://stranger.test/new");
    expect((await other.ask("/.well-known/oauth-protected-resource")).status).toBe(200);
    expect((await other.ask("/oauth/token", { host: "stranger.test" })).status).toBe(421);
  } finally {
    await other.close();
  }
});
