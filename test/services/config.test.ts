import { describe, expect, test } from "vitest";
import { z } from "zod";
import { checkRoutes, servicesConfig } from "../../src/services/config.ts";

const schema = z.strictObject(servicesConfig);

/** What is wrong with one rule, in words. */
function problemsOf(rule: unknown): string {
  const parsed = schema.safeParse({ services: { shop: "http://shop:80" }, routes: { r: { rules: [rule] } } });
  if (!parsed.success) return JSON.stringify(parsed.error.issues);
  return checkRoutes({ ...parsed.data, pools: { "chat/local": {}, canary: {} }, models: { "gpt-4o": {} } })
    .map(({ path, message }) => `${path.slice(4).join(".")}: ${message}`)
    .join("\n");
}

describe("a rule", () => {
  test.for([
    [{ to: "shop" }],
    [{ match: { path: "/v1" }, to: ["shop", { service: "shop", weight: 0 }] }],
    [{ match: [{ path: { exact: "/a" } }, { path: { regex: "/v[0-9]" }, method: "GET" }], to: "shop" }],
    [{ filters: [{ redirect: { scheme: "https" } }] }],
    [{ filters: [{ mirror: { service: "shop" } }, { mirror: { service: "shop", percent: 5 } }], to: "shop" }],
    [{ to: { pool: "chat/local" } }],
    [{ to: [{ pool: "chat/local", weight: 9 }, { pool: "canary" }, { unresolved: "gone" }, { model: "gpt-4o" }] }],
    [{ filters: [{ cors: {} }, { requestHeaders: {} }, { responseHeaders: {} }], to: { pool: "canary" } }],
    [
      {
        filters: [{ rewrite: { path: { prefix: "/v1" } } }],
        to: { pool: "canary", filters: [{ requestHeaders: {} }] },
      },
    ],
  ])("%j is taken", ([rule]) => {
    expect(problemsOf(rule)).toBe("");
  });

  test.for<[unknown, string]>([
    [{ to: "none" }, 'to.0: no service "none" in services; there is shop'],
    [{ filters: [{ mirror: { service: "none" } }], to: "shop" }, 'filters.0.mirror.service: no service "none"'],
    [{ filters: [{ redirect: {} }], to: "shop" }, "to: a redirect is the answer"],
    [{ filters: [{ redirect: {} }, { rewrite: {} }] }, "do not go together"],
    [{ filters: [{ rewrite: {} }, { rewrite: {} }], to: "shop" }, "`rewrite` may stand there once"],
    [
      { match: { path: { exact: "/a" } }, filters: [{ rewrite: { path: { prefix: "/b" } } }], to: "shop" },
      "every `match` has a path prefix",
    ],
    [{ to: "shop", timeouts: { request: "1s", backend: "2s" } }, "may not be longer than `request`"],
    [{ to: { service: "shop", filters: [{ cors: {} }] } }, "expected one of requestHeaders"],
    [{ filters: [{ requestHeaders: { set: { Host: "x" } } }], to: "shop" }, "rewrite.host"],
    [{ filters: [{ requestHeaders: { set: { a: "1" }, remove: ["A"] } }], to: "shop" }, "more than one of"],
    [{ filters: [{ cors: { origins: ["*", "https://a.example"] } }], to: "shop" }, "it goes alone"],
    [{ match: { path: "/a//b" }, to: "shop" }, "a path without //"],
    [{ match: { path: "a" }, to: "shop" }, "a path that starts with /"],
    [{ match: { path: { regex: "(a+)+b" } }, to: "shop" }, "can be slow"],
    [{ match: { method: "get" }, to: "shop" }, "upper case"],
    [{ to: { pool: "other" } }, 'to.0: no pool "other" in pools; there is chat/local, canary'],
    [{ to: { model: "other" } }, 'to.0: no model "other" in models; there is gpt-4o'],
    [{ to: ["shop", { pool: "canary" }] }, "to.0: services do not go with pools and models in one rule"],
    [
      { filters: [{ mirror: { service: "shop" } }], to: { pool: "canary" } },
      "filters.0: calls of models are not copied",
    ],
    [
      { filters: [{ rewrite: { host: "x" } }], to: { pool: "canary" } },
      "filters.0.rewrite.host: a model server is told",
    ],
    [{ to: { pool: "canary", filters: [{ rewrite: {} }] } }, "other filters stand with the rule"],
    [
      { filters: [{ requestHeaders: { set: { "Content-Type": "text/plain" } } }], to: { pool: "canary" } },
      "filters.0.requestHeaders: Content-Type is the gateway's to say",
    ],
    [{ filters: [{ redirect: {} }], to: { pool: "canary" } }, "a redirect is the answer"],
  ])("%j is refused", ([rule, expected]) => {
    expect(problemsOf(rule)).toContain(expected);
  });
});
