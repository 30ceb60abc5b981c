import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KEY, startEcho, startServicesScene, type Service, type ServicesScene } from "./services-scene.ts";

const dir = mkdtempSync(join(tmpdir(), "sallyport-services-rules-"));
let echo: Service;
let scene: ServicesScene;

beforeAll(async () => {
  echo = await startEcho("echo");
  writeFileSync(
    join(dir, "rules.yaml"),
    `
rules:
  - {name: services are open, on: http, allow: 'true'}
  - {name: nothing is deleted, on: http, deny: 'request.method == "DELETE" && request.route == "shop"'}
  - {name: no admin, on: http, deny: 'request.rule == "admin"'}
  - {name: no elsewhere, on: http, deny: '"elsewhere" in request.tags'}
  - {name: not both, on: http, deny: '"public" in request.tags && request.path == "/tagged"'}
  - {name: one host only, on: http, deny: 'request.host == "b.example.com"'}
tests:
  - {call: {service: shop}, request: {method: GET, route: shop, host: a.example.com}, expect: allow}
  - {call: {service: shop}, request: {method: DELETE, route: shop}, expect: deny by nothing is deleted}
  - {call: {service: shop}, request: {route: shop, rule: admin}, expect: deny by no admin}
  - {call: {service: shop}, request: {route: shop, tags: [elsewhere]}, expect: deny by no elsewhere}
`,
  );
  scene = await startServicesScene(
    config(
      `[{to: shop}, {name: admin, match: {path: /admin}, to: shop}, {name: open, match: {path: /open}, to: shop}]`,
    ),
  );
});
afterAll(async () => {
  await scene.close();
  await echo.close();
  rmSync(dir, { recursive: true, force: true });
});

const config = (rules: string, tags = "[]") => `
services: {shop: "${echo.url}"}
routes:
  shop: {hosts: [a.example.com, b.example.com], auth: optional, tenant: guests, tags: ${tags}, rules: ${rules}}
  counted: {hosts: [c.example.com], auth: optional, tenant: few, rules: [{to: shop}]}
policies: ${join(dir, "rules.yaml")}
budgets:
  - {name: few, where: 'request.route == "counted" && request.tenant == "few"', limits: ["2 calls/hour"]}
`;

describe("a request to a service is an operation", () => {
  test("that policies judge by method, route, rule and host", async () => {
    expect((await scene.ask("/", { host: "a.example.com" })).status).toBe(200);
    expect((await scene.ask("/", { host: "a.example.com", method: "DELETE" })).status).toBe(403);
    expect((await scene.ask("/", { host: "b.example.com:80" })).status).toBe(403);
    expect((await scene.ask("/admin/users", { host: "a.example.com" })).status).toBe(403);
  });

  test("that policies judge by the tags of its route: of all rules, of some, of all but some, of one listener", async () => {
    const statuses = async (tags: string, ...paths: readonly string[]) => {
      await scene.reload(config("[{to: shop}, {name: open, match: {path: /open}, to: shop}]", tags));
      return Promise.all(paths.map(async (path) => (await scene.ask(path, { host: "a.example.com" })).status));
    };
    expect(await statuses("[public]", "/", "/tagged")).toEqual([200, 403]);
    expect(await statuses("[{tag: elsewhere, rules: [open]}]", "/", "/open")).toEqual([200, 403]);
    expect(await statuses("[{tag: elsewhere, exceptRules: [open]}]", "/", "/open")).toEqual([403, 200]);
    expect(await statuses("[{tag: elsewhere, listeners: [main]}]", "/")).toEqual([403]);
    expect(await statuses("[{tag: elsewhere, listeners: [other]}]", "/")).toEqual([200]);
    await scene.reload(config("[{to: shop}]"));
  });

  test("that budgets count", async () => {
    const statuses = [];
    for (let count = 0; count < 3; count++) statuses.push((await scene.ask("/", { host: "c.example.com" })).status);
    expect(statuses).toEqual([200, 200, 429]);
  });

  test("that is in the metrics, under its route and its service", async () => {
    const { body } = await scene.gateway.foundation.metrics.render();
    expect(body).toMatch(/sallyport_operations_total\{protocol="http",method="GET",[^}]*\} [1-9]/);
    expect(body).toMatch(/sallyport_exchanges_total\{route="shop",protocol="http",status="200"\} [1-9]/);
    expect(body).toMatch(/\{[^}]*protocol="http"[^}]*="shop"/);
  });

  test("that is in the journal, with its caller's tenant or the one it was counted for", async () => {
    const answer = await scene.ask("/", { host: "a.example.com", headers: { authorization: `Bearer ${KEY}` } });
    const guest = await scene.ask("/", { host: "a.example.com" });
    const recordOf = async (id: unknown) => {
      await scene.gateway.foundation.journal.flush();
      const { records } = await scene.gateway.foundation.journal.query({ request: String(id), limit: 10 });
      return records[0];
    };
    expect(await recordOf(answer.headers["x-request-id"])).toMatchObject({
      protocol: "http",
      method: "GET",
      target: { kind: "service", name: "shop", server: "shop" },
      upstreamStatus: 200,
      principal: { tenant: "testers" },
    });
    expect(await recordOf(guest.headers["x-request-id"])).toMatchObject({
      tenant: "guests",
      principal: { tenant: "" },
    });
  });

  test("under the configuration that is in force", async () => {
    await scene.reload(config(`[{match: {path: /new}, to: shop}]`));
    expect((await scene.ask("/", { host: "a.example.com" })).status).toBe(404);
    expect((await scene.ask("/new", { host: "a.example.com" })).status).toBe(200);
    await scene.reload(config(`[{to: shop}]`).replaceAll("a.example.com", "d.example.com"));
    expect((await scene.ask("/", { host: "a.example.com" })).status).toBe(421);
    expect((await scene.ask("/", { host: "d.example.com" })).status).toBe(200);
  });
});

test("a route that leads back to the gateway comes to an end", async () => {
  const self = `http://127.0.0.1:${scene.port}`;
  await scene.reload(`
services: {self: "${self}"}
routes: {around: {auth: optional, rules: [{to: self}]}}
`);
  const answer = await scene.ask("/");
  expect(answer.status).toBe(403);
  expect(JSON.parse(answer.text())).toMatchObject({ error: { type: "denied" } });
});
