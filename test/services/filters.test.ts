import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { servicesConfig } from "../../src/services/config.ts";
import { compileRule } from "../../src/services/rule.ts";
import { startEcho, startService, startServicesScene, type Service, type ServicesScene } from "./services-scene.ts";

let one: Service;
let two: Service;
let headed: Service;
let scene: ServicesScene;

beforeAll(async () => {
  [one, two] = await Promise.all([startEcho("one"), startEcho("two")]);
  headed = await startService((_, res) =>
    res
      .writeHead(200, {
        "x-a": "theirs",
        "x-b": "theirs",
        "x-c": "theirs",
        "set-cookie": "a=1",
        "access-control-allow-origin": "https://evil.example",
      })
      .end("ok"),
  );
  scene = await startServicesScene(`
services: {one: "${one.url}", two: "${two.url}", headed: "${headed.url}"}
routes:
  api:
    hosts: [api.example.com]
    auth: optional
    rules:
      - match: {path: /headers}
        filters:
          - requestHeaders: {set: {X-Set: new}, add: {X-Add: more}, remove: [X-Gone]}
        to: one
      - match: {path: /old/path}
        filters: [{rewrite: {host: inner.example, path: {prefix: /new}}}]
        to: one
      - {match: {path: /full}, filters: [{rewrite: {path: {full: /index.html}}}], to: one}
      - match: {path: /answer}
        filters: [{responseHeaders: {set: {X-A: ours}, add: {X-B: ours, set-cookie: b=2}, remove: [X-C]}}]
        to: headed
      - {match: {path: /weights}, to: [{service: one, weight: 9}, {service: two, weight: 1}]}
      - match: {path: /own}
        filters: [{requestHeaders: {set: {x-who: rule}}}]
        to: [{service: one, filters: [{requestHeaders: {add: {x-who: backend}}}]}]
      - {match: {path: /moved}, filters: [{redirect: {host: www.example.com, path: {prefix: /here}, status: 301}}]}
      - {match: {path: /secure}, filters: [{redirect: {scheme: https}}]}
      - {match: {path: /port}, filters: [{redirect: {port: 80}}]}
      - {match: {path: /plain}, filters: [{redirect: {}}]}
      - match: {path: /cors, method: PUT}
        filters:
          - cors: {origins: ["https://app.example.com", "https://*.good.example"], methods: [PUT], headers: [x-own], expose: [x-a], credentials: true, maxAge: 10m}
        to: headed
      - {match: {path: /v1}, to: one}
      - {match: {path: /mirrored}, filters: [{requestHeaders: {set: {x-edit: "1"}}}, {mirror: {service: two}}], to: one}
      - {match: {path: /some}, filters: [{mirror: {service: two, percent: 20}}], to: one}
  wild: {hosts: ["*.example.org"], auth: optional, rules: [{to: two}]}
  rest: {auth: optional, rules: [{to: two}]}
models: {small: {provider: vllm, url: "http://127.0.0.1:1"}}
`);
});
afterAll(async () => {
  await scene.close();
  await Promise.all([one.close(), two.close(), headed.close()]);
});

const ask = (path: string, options: Parameters<ServicesScene["ask"]>[1] = {}) =>
  scene.ask(path, { host: "api.example.com", ...options });

describe("filters", () => {
  test("edit the headers of a request", async () => {
    const { headers } = (
      await ask("/headers", { headers: { "x-set": "old", "x-add": "some", "x-gone": "1", "x-stays": "1" } })
    ).echoed();
    expect(headers).toMatchObject({ "x-set": "new", "x-add": "some,more", "x-stays": "1" });
    expect(headers).not.toHaveProperty("x-gone");
  });

  test("edit the headers of an answer, cookies line by line", async () => {
    const { headers } = await ask("/answer");
    expect(headers).toMatchObject({ "x-a": "ours", "x-b": "theirs,ours", "set-cookie": ["a=1", "b=2"] });
    expect(headers).not.toHaveProperty("x-c");
  });

  test("rewrite host and path, and keep the query", async () => {
    const { url, headers } = (await ask("/old/path/x/?q=1")).echoed();
    expect(url).toBe("/new/x/?q=1");
    expect(headers).toMatchObject({ host: "inner.example", "x-forwarded-host": "api.example.com" });
    expect((await ask("/full/anything")).echoed().url).toBe("/index.html");
  });

  test("of a backend come after those of its rule", async () => {
    expect((await ask("/own")).echoed().headers["x-who"]).toBe("rule,backend");
  });

  test.for([
    ["/moved/a?q=1", 301, "http://www.example.com:PORT/here/a?q=1"],
    ["/secure", 302, "https://api.example.com/secure"],
    ["/port", 302, "http://api.example.com/port"],
    ["/plain", 302, "http://api.example.com:PORT/plain"],
  ] as const)("redirect %s", async ([path, status, location]) => {
    const answer = await ask(path, { method: "POST", body: "unread" });
    expect([answer.status, answer.headers.location]).toEqual([status, location.replace(":PORT", ownPort())]);
  });
});

/* Port 0 is the configured one here: what is known of the public address says no other. */
const ownPort = () => {
  const { port } = scene.gateway.epochs.current().publicUrl;
  return port === "" ? "" : `:${port}`;
};

describe("weights", () => {
  test("have their turn too where the configuration is reloaded all the time", () => {
    const { routes } = z.strictObject(servicesConfig).parse({ routes: { r: { rules: [{ to: ["one", "two"] }] } } });
    const firsts = Array.from({ length: 40 }, () => compileRule(routes!["r"]!.rules[0]!).choose().service);
    expect(new Set(firsts)).toEqual(new Set(["one", "two"]));
  });

  test("are shares of the requests", async () => {
    const names = [];
    for (let count = 0; count < 100; count++) names.push((await ask("/weights")).echoed().name);
    const share = names.filter((name) => name === "two").length;
    expect(share).toBeGreaterThanOrEqual(8);
    expect(share).toBeLessThanOrEqual(12);
  });
});

describe("hosts", () => {
  test("of a route come before what the gateway serves itself, for those alone", async () => {
    expect((await ask("/v1/models")).echoed().name).toBe("one");
    expect((await ask("/v1/models", { host: "localhost" })).text()).toContain('"object":"list"');
    expect((await ask("/else", { host: "a.b.example.org:99" })).echoed().name).toBe("two");
    expect((await ask("/else", { host: "localhost" })).echoed().name).toBe("two");
    expect((await ask("/else", { host: "foreign.example.net" })).status).toBe(421);
  });
});

describe("pages of other origins", () => {
  const preflight = (origin: string) => ({
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "PUT", "access-control-request-headers": "x-own" },
  });

  test.for(["https://app.example.com", "https://a.b.good.example", "https://app.example.com:443"])(
    "ask leave, and %s gets it",
    async (origin) => {
      const answer = await ask("/cors", preflight(origin));
      expect(answer.status).toBe(204);
      expect(answer.headers).toMatchObject({
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "PUT",
        "access-control-allow-headers": "x-own",
        "access-control-max-age": "600",
      });
    },
  );

  test.for(["https://good.example", "http://app.example.com", "https://app.example.com.evil.example", "null"])(
    "ask leave, and %s gets none",
    async (origin) => {
      const answer = await ask("/cors", preflight(origin));
      expect(answer.status).toBe(204);
      expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
    },
  );

  test("read answers as the filter says, not the service", async () => {
    const origin = "https://app.example.com";
    const answer = await ask("/cors", { method: "PUT", headers: { origin } });
    expect(answer.headers).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-expose-headers": "x-a",
    });
    const other = await ask("/cors", { method: "PUT", headers: { origin: "https://evil.example" } });
    expect(other.headers).not.toHaveProperty("access-control-allow-origin");
  });

  test("are the service's to judge where there is no filter", async () => {
    const headers = { origin: "https://any.example", "access-control-request-method": "GET" };
    expect((await ask("/v1/x", { method: "OPTIONS", headers })).echoed().headers["origin"]).toBe("https://any.example");
  });
});

describe("a copy", () => {
  test("goes to another service, with the edits of the rule and the whole body", async () => {
    const before = two.seen.length;
    const body = "b".repeat(300_000);
    const answer = await ask("/mirrored/x?q=1", { method: "POST", body });
    expect(answer.echoed()).toMatchObject({ name: "one", body });
    await expect.poll(() => two.seen.length).toBe(before + 1);
    const copy = two.seen.at(-1);
    expect(copy).toMatchObject({ method: "POST", url: "/mirrored/x?q=1" });
    expect(copy?.headers).toMatchObject({ "x-edit": "1", "content-length": "300000", host: "api.example.com" });
    await expect.poll(() => copy?.complete).toBe(true);
  });

  test("is made of the configured share", async () => {
    const before = two.seen.length;
    for (let count = 0; count < 50; count++) await ask("/some");
    await expect.poll(() => two.seen.length).toBe(before + 10);
  });

  test("that nobody takes does not hold up the request", async () => {
    const stuck: unknown[] = [];
    const answer = two.answer;
    two.answer = (req) => void stuck.push(req);
    const body = "b".repeat(6_000_000);
    expect((await ask("/mirrored", { method: "POST", body })).echoed().body).toHaveLength(6_000_000);
    await expect.poll(() => stuck.length).toBe(1);
    two.answer = answer;
  });
});
