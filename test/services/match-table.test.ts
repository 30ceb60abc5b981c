import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { CanonicalRequest } from "../../src/core/exchange.ts";
import { servicesConfig } from "../../src/services/config.ts";
import { createMatchTable } from "../../src/services/match-table.ts";
import type { MatchConfig, RoutesConfig } from "../../src/services/route-config.ts";

const schema = z.strictObject(servicesConfig);
const routesOf = (routes: unknown): RoutesConfig => schema.parse({ routes }).routes ?? {};

const requestOf = (
  path: string,
  { host = "localhost", method = "GET", headers = {}, query = "" }: Partial<CanonicalRequest> = {},
): CanonicalRequest => ({
  method,
  path,
  query,
  headers: Object.assign(Object.create(null) as Record<string, string>, { host, ...headers }),
  host,
  scheme: "http",
  ip: "127.0.0.1",
  connection: {},
  receivedAtMs: 0,
});

function findIn(routes: RoutesConfig, request: CanonicalRequest): string | undefined {
  const table = createMatchTable(routes, (route, rule, match) => {
    const index = routes[route]?.rules[rule]?.match.indexOf(match) ?? -1;
    return `${route}/${rule}/${index}`;
  });
  return table.byHost(request) ?? table.byPath(request);
}

/** One rule for each of these, in one route; gives the index of the one that is found. */
function found(matches: readonly unknown[], request: CanonicalRequest): number | undefined {
  const key = findIn(routesOf({ only: { rules: matches.map((match) => ({ match })) } }), request);
  return key === undefined ? undefined : Number(key.split("/")[1]);
}

describe("a path", () => {
  test.for([
    ["/abc", "/abc", true],
    ["/abc", "/abc/", true],
    ["/abc", "/abc/def", true],
    ["/abc", "/abcd", false],
    ["/abc", "/ABC", false],
    ["/abc/", "/abc", true],
    ["/abc/", "/abc/def", true],
    ["/", "/anything", true],
    ["/", "/", true],
    [{ exact: "/abc" }, "/abc", true],
    [{ exact: "/abc" }, "/abc/", false],
    [{ exact: "/abc/" }, "/abc", false],
    [{ regex: "/v[0-9]/x" }, "/v1/x", true],
    [{ regex: "/v[0-9]/x" }, "/v1/xy", false],
    [{ regex: "/v[0-9]/x" }, "/a/v1/x", false],
  ] as const)("%j and %s: %s", ([path, asked, expected]) => {
    expect(found([{ path }], requestOf(asked)) === 0).toBe(expected);
  });
});

describe("of several that match", () => {
  test.for<[string, unknown[], CanonicalRequest, number]>([
    ["an exact path comes first", [{ path: "/a/b" }, { path: { exact: "/a/b" } }], requestOf("/a/b"), 1],
    ["then a pattern", [{ path: "/a/b" }, { path: { regex: "/a/.*" } }], requestOf("/a/b"), 1],
    ["then the longest prefix", [{ path: "/" }, { path: "/a" }, { path: "/a/b" }], requestOf("/a/b/c"), 2],
    ["a prefix before a method", [{ path: "/a", method: "GET" }, { path: "/a/b" }], requestOf("/a/b"), 1],
    [
      "a method before headers",
      [{ headers: { a: "1", b: "1" } }, { method: "GET" }],
      requestOf("/", { headers: { a: "1", b: "1" } }),
      1,
    ],
    [
      "more headers",
      [{ headers: { a: "1" } }, { headers: { a: "1", B: "1" } }],
      requestOf("/", { headers: { a: "1", b: "1" } }),
      1,
    ],
    [
      "a header before parameters",
      [{ query: { x: "1", y: "1" } }, { headers: { a: "1" } }],
      requestOf("/", { headers: { a: "1" }, query: "x=1&y=1" }),
      1,
    ],
    [
      "more parameters",
      [{ query: { x: "1" } }, { query: { x: "1", y: "2" } }],
      requestOf("/", { query: "y=2&x=1&x=3" }),
      1,
    ],
    ["the earlier of equals", [{ path: "/a" }, { path: "/a" }], requestOf("/a"), 0],
  ])("%s", ([, matches, request, expected]) => {
    expect(found(matches, request)).toBe(expected);
  });

  test("of names that differ in case the first counts", () => {
    const request = requestOf("/", { headers: { a: "1" } });
    expect(found([{ headers: { A: "1", a: "2" } }], request)).toBe(0);
    expect(found([{ headers: { A: "2", a: "1" } }], request)).toBeUndefined();
  });

  test("the older route counts, then its name", () => {
    const rules = [{}];
    const at = (created: string) => ({ created, rules });
    expect(findIn(routesOf({ b: { rules }, a: { rules } }), requestOf("/"))).toBe("a/0/0");
    expect(
      findIn(routesOf({ a: at("2026-02-01T00:00:00Z"), b: at("2026-01-01T00:00:00Z"), c: { rules } }), requestOf("/")),
    ).toBe("b/0/0");
  });

  test("a preflight is taken for what it asks leave for", () => {
    const headers = { origin: "https://a.example", "access-control-request-method": "PUT" };
    expect(found([{ method: "GET" }, { method: "PUT" }], requestOf("/", { method: "OPTIONS", headers }))).toBe(1);
    expect(found([{ method: "PUT" }], requestOf("/", { method: "OPTIONS" }))).toBeUndefined();
  });
});

describe("a host", () => {
  const rules = [{}];
  const routes = routesOf({
    exact: { hosts: ["a.example.org"], rules: [{ match: { path: "/only" } }] },
    near: { hosts: ["*.b.example.org"], rules },
    far: { hosts: ["*.example.org"], rules },
    none: { rules },
  });
  test.for([
    ["a.example.org", "/only", "exact/0/0"],
    ["a.example.org:8443", "/only", "exact/0/0"],
    ["a.example.org", "/other", "far/0/0"],
    ["x.y.b.example.org", "/", "near/0/0"],
    ["b.example.org", "/", "far/0/0"],
    ["example.org", "/", "none/0/0"],
    ["notexample.org", "/", "none/0/0"],
    ["[::1]:80", "/", "none/0/0"],
  ] as const)("%s at %s goes to %s", ([host, path, expected]) => {
    expect(findIn(routes, requestOf(path, { host }))).toBe(expected);
  });

  test("that a route names is one that is answered", () => {
    const table = createMatchTable(routes, () => 1);
    const known = ["a.example.org", "q.example.org", "example.org", "localhost"].filter((host) => table.knows(host));
    expect(known).toEqual(["a.example.org", "q.example.org"]);
  });
});

/* The rules of HTTPRoute, said once more as plainly as can be: of all that match, the best by a list of numbers. */
function model(routes: RoutesConfig, request: CanonicalRequest): string | undefined {
  const params = new URLSearchParams(request.query);
  const candidates: { key: string; rank: (number | string)[] }[] = [];
  for (const [name, { hosts, rules }] of Object.entries(routes)) {
    const hostRanks = (hosts.length === 0 ? [""] : hosts)
      .filter((host) => {
        if (host === "") return true;
        return host.startsWith("*.") ? request.host.endsWith(host.slice(1)) : request.host === host;
      })
      .map((host) => (host.startsWith("*") ? [0, host.length] : [host.length, host.length]))
      .toSorted((a, b) => (b[0] ?? 0) - (a[0] ?? 0) || (b[1] ?? 0) - (a[1] ?? 0));
    const [hostRank] = hostRanks;
    if (hostRank === undefined) continue;
    for (const [rule, { match }] of rules.entries())
      for (const [index, each] of match.entries()) {
        if (!fits(each, request, params)) continue;
        const { path } = each;
        const kind = "exact" in path ? 2 : "regex" in path ? 1 : 0;
        const bare = "prefix" in path ? path.prefix.replace(/\/$/, "").length : 0;
        const [text = ""] = Object.values(path);
        candidates.push({
          key: `${name}/${rule}/${index}`,
          rank: [
            ...hostRank,
            kind,
            // Patterns are tried by their length, then by what else is asked for.
            bare,
            text.length,
            each.method === undefined ? 0 : 1,
            Object.keys(each.headers).length,
            Object.keys(each.query).length,
            name,
            rule,
            index,
          ],
        });
      }
  }
  candidates.sort((a, b) => {
    for (const [at, one] of a.rank.entries()) {
      const two = b.rank[at];
      if (one === two) continue;
      // The last three: the smaller first.
      if (at >= a.rank.length - 3) return one < (two ?? "") ? -1 : 1;
      return one > (two ?? 0) ? -1 : 1;
    }
    return 0;
  });
  return candidates[0]?.key;
}

function fits(
  { path, method, headers, query }: MatchConfig,
  request: CanonicalRequest,
  params: URLSearchParams,
): boolean {
  const { path: asked } = request;
  const pathFits =
    "exact" in path
      ? asked === path.exact
      : "regex" in path
        ? new RegExp(`^(?:${path.regex})$`).test(asked)
        : `${asked}/`.startsWith(`${path.prefix.replace(/\/$/, "")}/`);
  return (
    pathFits &&
    (method === undefined || method === request.method) &&
    Object.entries(headers).every(([name, value]) => request.headers[name] === value) &&
    Object.entries(query).every(([name, value]) => params.get(name) === value)
  );
}

test("what is found is what the plain model finds", () => {
  const segment = fc.constantFrom("a", "b", "ab");
  const path = fc
    .array(segment, { maxLength: 3 })
    .chain((parts) => fc.constantFrom("", "/").map((end) => (parts.length === 0 ? "/" : `/${parts.join("/")}${end}`)));
  const few = fc.dictionary(fc.constantFrom("x", "y"), fc.constantFrom("1", "2"), { maxKeys: 2 });
  const match = fc.record(
    {
      path: fc.oneof(
        path,
        path.map((exact) => ({ exact })),
        fc.constantFrom("/a.*", "/[ab]/b", "/.*b").map((regex) => ({ regex })),
      ),
      method: fc.constantFrom("GET", "PUT"),
      headers: few,
      query: few,
    },
    { requiredKeys: [] },
  );
  const route = fc.record({
    hosts: fc.subarray(["one.test", "a.one.test", "*.one.test", "*.test", "*.a.one.test"], { maxLength: 2 }),
    rules: fc.array(fc.record({ match: fc.array(match, { minLength: 1, maxLength: 2 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
  });
  const request = fc.record({
    path,
    host: fc.constantFrom("one.test", "a.one.test", "b.a.one.test", "other.test", "localhost"),
    method: fc.constantFrom("GET", "PUT", "POST"),
    headers: few,
    query: few,
  });
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom("p", "q", "r"), route, { minKeys: 1 }),
      fc.array(request, { minLength: 1, maxLength: 10 }),
      (routes, requests) => {
        const config = routesOf(routes);
        for (const { path: asked, query, ...rest } of requests) {
          const canonical = requestOf(asked, { ...rest, query: new URLSearchParams(query).toString() });
          expect(findIn(config, canonical)).toBe(model(config, canonical));
        }
      },
    ),
    { numRuns: 400 },
  );
});
