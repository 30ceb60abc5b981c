import { describe, expect, test } from "vitest";
import { fieldsOf, isShape, type ShapeName, type VariableName, variables } from "../../src/cel/variables.ts";
import type { Caller } from "../../src/authz/decide.ts";
import type { Operation, Protocol } from "../../src/core/operation.ts";
import { createAuthz } from "../../src/authz/authz.ts";
import { silentLog } from "../../src/core/log.ts";
import { authzOf, caller, operation } from "./scene.ts";

const calls: Readonly<Record<Protocol, Operation>> = {
  mcp: operation({ tool: "read_file", arguments: { path: "x" } }),
  a2a: operation({ agent: "writer" }),
  llm: operation({ model: "small", complexity: 0.5, signals: {} }),
  http: operation({ service: "shop" }),
};
const who = caller({ groups: ["g"], actors: [{ subject: "agent" }], claims: { team: "a" } });

/** Expressions that read a path and would be true or false whatever it holds, if its failure could hide. */
function reads(path: string, type: string): string {
  if (type.startsWith("list<") || type.startsWith("map<")) return `${path}.size() >= 0`;
  if (type === "int") return `${path} >= 0`;
  if (type === "bool") return path;
  if (type.startsWith("google")) return `${path}.getHours() >= 0`;
  return `${path} == ${path}`;
}

/** Every readable path, with the CEL that reads it and the property that feeds it. */
function pathsOf(
  shape: ShapeName,
  path: readonly string[],
  keys: readonly string[] = path,
): { keys: readonly string[]; cel: string }[] {
  return Object.entries(fieldsOf(shape)).flatMap(([name, { type, from }]) => {
    const here = [...path, name];
    const there = [...keys, ...(from ?? name).split(".")];
    if (isShape(type)) return pathsOf(type, here, there);
    return [{ keys: there, cel: reads(here.join("."), type) }];
  });
}

/** A copy in which one property throws when it is read. */
function trap<T>(value: T, [key, ...rest]: readonly string[], boom: () => never): T {
  const copy = Object.assign(Object.create(null) as object, value);
  const inner = (value as Record<string, unknown>)[key!];
  if (rest.length > 0) return Object.defineProperty(copy, key!, { value: trap(inner, rest, boom) });
  return Object.defineProperty(copy, key!, { get: boom, enumerable: true });
}

function trapped(
  root: VariableName,
  protocol: Protocol,
  keys: readonly string[],
  boom: () => never,
): [Caller, Operation] {
  const call = calls[protocol];
  if (root === "mcp" || root === "a2a" || root === "llm") {
    return [who, { ...call, variables: { [root]: trap(call.variables[root]!, keys, boom) } }];
  }
  /* Which route a request takes is not written in it, nor which tenant it is for. */
  const inRoute = { route: "path", rule: "ruleName", tags: "tags", tenant: "tenant" };
  const ofRoute = root !== "request" ? undefined : inRoute[(keys[0] ?? "") as keyof typeof inRoute];
  const place = ofRoute === undefined ? [root, ...keys] : ["route", ofRoute];
  return [trap(who, place, boom), call];
}

const cases = (Object.keys(variables) as VariableName[]).flatMap((root) =>
  pathsOf(root, [root]).map(({ keys, cel }) => ({ root, protocol: variables[root].on[0]!, keys: keys.slice(1), cel })),
);

describe("a field that throws", () => {
  test("is tried for every field of the environment", () => {
    expect(cases.length).toBeGreaterThan(40);
  });

  test.each(cases)("never ends in allow: $cel", ({ root, protocol, keys, cel }) => {
    const boom = () => {
      throw new Error("boom");
    };
    const on = protocol;
    for (const [name, rules] of Object.entries({
      plain: [{ name: "a", on, allow: cel }],
      "beside true": [{ name: "a", on, allow: `${cel} || true` }],
      "in a deny beside false": [
        { name: "a", on, allow: "true" },
        { name: "d", on, deny: `${cel} && false` },
      ],
      "in a require beside true": [
        { name: "a", on, allow: "true" },
        { name: "r", on, require: `true || ${cel} || true` },
        { name: "s", on, require: `${cel} || true` },
      ],
      "in a loop": [{ name: "a", on, allow: `[1, 2].exists(x, ${cel} || x == 2)` }],
    })) {
      const authz = authzOf(...rules);
      expect({ name, ...authz.authorize(...trapped(root, protocol, keys, boom)) }).toMatchObject({
        name,
        allow: false,
      });
    }
  });

  test.each(["principal", "request", "chain"] as const)("%s itself never ends in allow", async (key) => {
    const broken = Object.defineProperty({ ...who }, key, {
      get() {
        throw new Error("boom");
      },
    });
    const authz = authzOf({ name: "a", allow: "true" });
    expect(authz.authorize(broken, calls.mcp)).toEqual({
      allow: false,
      rule: "default",
      reason: "the check itself failed",
    });
    expect(authz.visible(broken, calls.mcp)).toBe(false);
    const open = await createAuthz({ config: "open", baseDir: "", log: silentLog });
    expect(open.authorize(broken, calls.mcp).allow).toBe(key !== "principal");
  });
});

describe("hostile arguments", () => {
  const authz = authzOf(
    { name: "all", on: "mcp", allow: "true" },
    { name: "no admin", on: "mcp", deny: "has(mcp.tool.arguments.options.admin) && mcp.tool.arguments.options.admin" },
    { name: "no way out", on: "mcp", deny: 'has(mcp.tool.arguments.path) && mcp.tool.arguments.path.contains("..")' },
  );
  const decide = (json: string) =>
    authz.authorize(who, operation({ tool: "t", arguments: JSON.parse(json) as unknown })).allow;

  test("pass when harmless", () => {
    expect(decide('{"path":"a","options":{"admin":false}}')).toBe(true);
  });

  test.each([
    '{"path":"../x","options":{}}',
    '{"options":{"admin":true}}',
    '{"options":{"constructor":1,"admin":true}}',
    '{"options":{"constructor":null,"admin":true}}',
    '{"options":{"constructor":{"name":"Map"},"admin":true}}',
    '{"constructor":null,"options":{"admin":true}}',
    '{"path":"../x","constructor":{}}',
    '{"__proto__":{"path":"a"},"path":"../x","options":{}}',
    '{"path":["../x"],"options":{}}',
    '{"path":null,"options":{}}',
    '{"path":{"contains":"x"},"options":{}}',
  ])("cannot hide behind names or types: %s", (json) => {
    const call = operation({ tool: "t" });
    const args = JSON.parse(json) as unknown;
    const given = {
      ...call,
      variables: { mcp: { ...call.variables.mcp!, tool: { name: "t", arguments: args, annotations: {} } } },
    };
    expect(authz.authorize(who, given).allow).toBe(false);
  });

  test("with an inherited name have no such key", () => {
    const inherited = authzOf({
      name: "a",
      on: "mcp",
      allow: 'has(mcp.tool.arguments.toString) || "valueOf" in mcp.tool.arguments',
    });
    expect(inherited.authorize(who, operation({ tool: "t", arguments: {} })).allow).toBe(false);
  });
});
