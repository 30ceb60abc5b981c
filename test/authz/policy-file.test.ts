import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { createAuthz } from "../../src/authz/authz.ts";
import { authzConfig } from "../../src/authz/config.ts";
import { parsePolicyFile } from "../../src/authz/policy-file.ts";
import { PolicyError } from "../../src/authz/policy-error.ts";
import { silentLog } from "../../src/core/log.ts";
import { authzFrom, caller, operation } from "./scene.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "policies-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const config = z.strictObject(authzConfig);
const load = (policies: unknown) =>
  createAuthz({ config: config.parse({ policies }).policies, baseDir: folder, log: silentLog });

async function problemsOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof PolicyError) return error.message;
    throw error;
  }
  return "loads";
}

describe("policies", () => {
  test("missing from the configuration are an error that says what to write", () => {
    const parsed = config.safeParse({});
    expect(parsed.error?.issues[0]).toMatchObject({
      path: ["policies"],
      message: expect.stringMatching(/policies: \.\/policies.*policies: open/) as string,
    });
  });

  test("open let every authenticated caller do everything, and no anonymous one", async () => {
    const authz = await load("open");
    expect(authz.authorize(caller(), operation({ tool: "x" }))).toEqual({ allow: true, rule: "open" });
    expect(authz.visible(caller(), operation({ tool: "x" }))).toBe(true);
    expect(authz.authorize(caller({ credential: "anonymous" }), operation({ tool: "x" }))).toMatchObject({
      allow: false,
      rule: "open",
    });
    expect(authz.visible(caller({ credential: "anonymous" }), operation({ tool: "x" }))).toBe(false);
  });

  test("come from a folder, in the order of names, folders below it included", async () => {
    mkdirSync(join(folder, "p/sub"), { recursive: true });
    write("p/b.yaml", "rules: [{name: b, allow: 'true'}]");
    write("p/a.yml", "rules: [{name: a, allow: 'true'}]");
    write("p/sub/c.yaml", "rules: [{name: c, deny: 'mcp.tool.name == \"c\"', on: mcp}]");
    write("p/.hidden.yaml", "rules: [{name: hidden, deny: 'true'}]");
    write("p/notes.md", "no rules");
    const authz = await load("./p");
    expect(authz.authorize(caller(), operation({ tool: "x" }))).toEqual({ allow: true, rule: "a" });
    expect(authz.authorize(caller(), operation({ tool: "c" }))).toMatchObject({ allow: false, rule: "c" });
    expect(authz.files).toEqual(["p", "p/a.yml", "p/b.yaml", "p/sub/c.yaml"].map((name) => join(folder, name)));
  });

  test("come from files, and from the configuration itself", async () => {
    write("a.yaml", "rules: [{name: a, allow: 'false'}]");
    write("b.yaml", "rules: [{name: b, allow: 'true'}]");
    expect((await load(["a.yaml", "./b.yaml"])).authorize(caller(), operation({ tool: "x" }))).toMatchObject({
      rule: "b",
    });
    expect(
      (await load({ rules: [{ name: "here", allow: true }] })).authorize(caller(), operation({ tool: "x" })),
    ).toMatchObject({ rule: "here" });
  });

  test("have a hash of their rules that comments and tests do not change", async () => {
    const hashOf = async (text: string) => {
      write("a.yaml", text);
      return (await load("a.yaml")).policyHash;
    };
    const first = await hashOf("rules: [{name: a, allow: 'true'}]");
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(
      await hashOf("# a comment\nrules:\n  - {name: a, allow: 'true'}\ntests: [{call: {tool: x}, expect: allow}]"),
    ).toBe(first);
    expect(await hashOf("rules: [{name: a, allow: 'false'}]")).not.toBe(first);
    expect(await hashOf("rules: [{name: a, allow: 'true', scopes: [s]}]")).not.toBe(first);
  });

  test("without a rule, without a folder, or twice the same name are refused", async () => {
    mkdirSync(join(folder, "empty"));
    expect(await problemsOf(load("./empty"))).toMatch(/there is no rule here.*policies: open/);
    expect(await problemsOf(load("./nowhere"))).toContain("there is no such file or folder");
    write("a.yaml", "rules:\n  - {name: a, allow: 'true'}\n");
    write("b.yaml", "rules:\n\n  - {name: a, allow: 'true'}\n");
    expect(await problemsOf(load(["a.yaml", "b.yaml"]))).toMatch(
      /b\.yaml:3: the name "a" is taken by the rule at .*a\.yaml:2/,
    );
  });

  test("tell of everything that is wrong at once, with file, line, place and mark", async () => {
    write(
      "a.yaml",
      [
        "rules:",
        "  - name: first",
        "    on: mcp",
        "    allow: 'mcp.tol.name == \"x\"'",
        "  - {name: second, deny: 'principal.subject'}",
      ].join("\n"),
    );
    write("b.yaml", "rules:\n  - {name: third, on: a2a, require: 'mcp.tool.name == \"x\"'}");
    const text = await problemsOf(load("."));
    expect(text).toMatch(
      /a\.yaml:2: rule "first", allow 1:5: mcp has no field tol; did you mean mcp\.tool\?\n {4}mcp\.tol\.name == "x"\n {4} {4}\^/,
    );
    expect(text).toMatch(/a\.yaml:5: rule "second", deny 1:1: the result must be bool, and this is string/);
    expect(text).toMatch(
      /b\.yaml:2: rule "third", require 1:1: mcp exists only where every operation is mcp: write `on: mcp`/,
    );
  });
});

describe("a policy file", () => {
  const rows: readonly (readonly [string, string])[] = [
    ["rules: [{name: a, alow: 'true'}]", "p.yaml:1: there is no key alow; did you mean allow?"],
    ["rules:\n  - {name: a}", "p.yaml:2: a rule has exactly one of allow, deny and require"],
    [
      "rules:\n  - {name: a, allow: 'true', deny: 'true'}",
      "p.yaml:2: a rule has exactly one of allow, deny and require",
    ],
    ["rules:\n  - name: a\n    on: ftp\n    allow: 'true'", "p.yaml:3: on: one or a list of mcp, a2a, llm, http"],
    ["rules:\n  - name: a\n    mode: dark\n    allow: 'true'", "p.yaml:3: mode: shadow, or nothing"],
    ["rules:\n  - name: a\n    allow: 5", "p.yaml:3: allow: a CEL expression in quotes"],
    ["rules:\n  - {name: default, allow: 'true'}", "p.yaml:2: name: another name"],
    ["rules:\n  - {name: a, allow: 'true', scopes: ['a b']}", "p.yaml:2: scopes: an OAuth scope"],
    ["rule: []", "p.yaml:1: there is no key rule; a policy file has rules and tests"],
    ["rules: {}", "p.yaml:1: rules is a list"],
    ["- a", "p.yaml: a policy file has `rules:`"],
    ["rules: [", "p.yaml:1: "],
    ["rules: []\nrules: []", "p.yaml:2: "],
    ["tests:\n  - {call: {tool: x}, expect: maybe}", "p.yaml:2: expect: one of allow, deny"],
    ["tests:\n  - {call: {tool: x}, list: {tool: x}, expect: allow}", "a test has either call or list"],
    ["tests:\n  - {call: {tool: x}, expect: visible}", "visible and hidden are about `list`"],
    ["tests:\n  - {list: {tool: x}, expect: allow}", "an item of a list is visible or hidden"],
    [
      "tests:\n  - {call: {tool: x, model: y}, expect: allow}",
      "names exactly one of tool, resource, prompt, agent, model",
    ],
    ["tests:\n  - {call: {tool: x, skill: y}, expect: allow}", "a tool has no skill"],
    ["tests:\n  - {as: {group: [x]}, call: {tool: x}, expect: allow}", "there is no key group; did you mean groups?"],
    ["tests:\n  - {call: {tool: x}, expct: allow}", "there is no key expct; did you mean expect?"],
  ];
  test.each(rows)("that is wrong says where and how: %s", (text, message) => {
    const { problems } = parsePolicyFile(text, "p.yaml");
    expect(problems.map((problem) => `${problem.place}: ${problem.message}`).join("\n")).toContain(message);
  });

  test("that unfolds aliases without end is refused", () => {
    const bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
    for (const [index, name] of ["b", "c", "d", "e", "f", "g"].entries())
      bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${"abcdefg"[index]}`).join(", ")}]`);
    expect(parsePolicyFile(bomb.join("\n"), "p.yaml").problems).toEqual([
      { place: "p.yaml", message: expect.stringContaining("alias") as unknown },
    ]);
  });

  test("with a key named __proto__ changes nothing", () => {
    const { problems } = parsePolicyFile("__proto__: {rules: [{name: a, allow: 'true'}]}", "p.yaml");
    expect(problems).not.toHaveLength(0);
    expect(() => authzFrom("rules: [{name: a, allow: 'true', __proto__: {mode: shadow}}]")).toThrow(PolicyError);
  });
});
