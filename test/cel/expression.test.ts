import { describe, expect, test } from "vitest";
import { compileExpression, evaluationFault } from "../../src/cel/expression.ts";
import { compile, contextOf, evaluate, loadError } from "./scene.ts";

describe("an expression", () => {
  test.each([
    ['"analyst" in principal.groups'],
    ['principal.id == principal.issuer + "#" + principal.subject'],
    ['principal.claims.team == "research"'],
    ["principal.claims.level >= 3"],
    ['principal.actors[0].subject == "agent-1"'],
    ['principal.actors.exists(actor, actor.subject.startsWith("agent"))'],
    ['request.method == "POST" && request.path == "/mcp" && request.ip.startsWith("192.")'],
    ['request.headers["user-agent"] == "test" && !("cookie" in request.headers)'],
    ["request.time.getHours() == 13 && request.time < timestamp('2027-01-01T00:00:00Z')"],
    ['mcp.tool.name == "read_file" && mcp["server"] == "files"'],
    ["mcp.tool.annotations.readOnlyHint"],
    ["mcp.tool.arguments.count == 3 && mcp.tool.arguments.count <= 3"],
    ["mcp.tool.arguments.list.size() == 2 && 1 in mcp.tool.arguments.list"],
    ["!has(mcp.tool.arguments.none) && has(mcp.tool.arguments.count)"],
    ['mcp.tool.arguments.name.matches("^[a-z]+$")'],
    ["chain.depth <= 3 && chain.depth + 1 == 3"],
    ['"researcher" in chain.path && chain.root == principal.id'],
    ["1 / 0 == 1 || true"],
  ])("reads what the gateway knows: %s", (source) => {
    expect(evaluate(source, { count: 3, list: [1, "a"], name: "abc" })).toBe(true);
  });

  test.each([
    ["principal.claims.none == 1", "No such key: none"],
    ["principal.claims.admin", "the result must be bool, and it is string"],
    ["mcp.tool.arguments.count + 1 == 4", "no such overload"],
    ["mcp.tool.arguments.none.contains('x')", "No such key: none"],
    ["mcp.tool.arguments[mcp.tool.arguments.secret] == 1", "No such key: a computed one"],
    ["bool(mcp.tool.arguments.secret)", "bool conversion error"],
    ["duration(mcp.tool.arguments.secret) > duration('1s')", "invalid duration"],
    ["timestamp(mcp.tool.arguments.secret) > request.time", "ISO 8601"],
    ["int(mcp.tool.arguments.secret) > 1", "cannot convert to int"],
    ["request.time.getHours(mcp.tool.arguments.secret) > 1", "an unexpected RangeError"],
  ])("fails at run time where an untyped value does not fit: %s", (source, fault) => {
    let thrown: unknown;
    try {
      evaluate(source, { count: 3, secret: "what the caller said" });
    } catch (error) {
      thrown = error;
    }
    expect(evaluationFault(thrown)).toContain(fault);
    expect(evaluationFault(thrown)).not.toContain("what the caller said");
  });

  test("of another result serves other parts: text over the principal alone", () => {
    const tenant = compile("principal.claims.team", "string", ["principal"]);
    expect(tenant.evaluate(contextOf({}))).toBe("research");
    expect(() => compile("principal.claims.nothing", "string", ["principal"]).evaluate(contextOf({}))).toThrow(
      /No such key/,
    );
    expect(() => compile("principal.claims.level", "string", ["principal"]).evaluate(contextOf({}))).toThrow(
      /must be string/,
    );
    expect(loadError("request.path", "string", ["principal"])).toBe(
      "1:1 request cannot be used here; usable here: principal",
    );
    expect(loadError("principal.groups", "string", ["principal"])).toContain(
      "the result must be string, and this is list<string>",
    );
  });

  test("gets a depth as an int: a number would be a double, and every comparison an error", () => {
    expect(compile("chain.depth == 2 && type(chain.depth) == int", "bool").evaluate(contextOf({}))).toBe(true);
  });
});

describe("loading refuses, with the place and the nearest name", () => {
  const rows: readonly (readonly [string, string])[] = [
    ['mpc.tool.name == "x"', "1:1 there is no variable mpc; did you mean mcp?"],
    ['principal.subject == "x" &&\n  mcp.tol.name == "x"', "2:7 mcp has no field tol; did you mean mcp.tool?"],
    ['tool.name == "x"', "1:1 there is no variable tool; did you mean mcp.tool?"],
    ['has(mcp.tool.nam) && mcp.tool.name == "x"', "1:14 mcp.tool has no field nam; did you mean mcp.tool.name?"],
    ['principal.actors[0].subjct == "x"', "1:21 actor has no field subjct; did you mean actor.subject?"],
    ['mcp["tol"].name == "x"', "mcp has no field tol; did you mean mcp.tool?"],
    ['mcp.tool.name.startWith("x")', "1:1 there is no function startWith; did you mean startsWith?"],
    [
      'llm.model == "x"',
      "1:1 llm exists only where every operation is llm: write `on: llm`; usable here: principal, request, mcp, chain, budget",
    ],
    ["mcp.tool.name == 3", "1:1 no such overload: string == int"],
    ["mcp.tool.name", "1:1 the result must be bool, and this is string"],
    ["chain.depth", "1:1 the result must be bool, and this is int"],
    ["mcp.tool.name ==", "1:17 Unexpected token: EOF"],
    ["", "1:1 Unexpected token: EOF"],
    ['principal[request.path] == "x"', "a field of principal must be written out, such as principal.id"],
    ["mcp.tool.arguments.constructor == 1", "1:20 constructor cannot be read"],
    ['mcp.tool.arguments["__proto__"] == 1', "__proto__ cannot be read"],
  ];
  test.each(rows)("%s", (source, expected) => {
    expect(loadError(source)).toContain(expected);
  });

  test("an expression that is too long, too deep or too large", () => {
    expect(loadError(`principal.subject == "${"x".repeat(9_000)}"`)).toContain("longer than 8192 characters");
    expect(loadError(`${"(".repeat(100)}true${")".repeat(100)}`)).toContain("Exceeded");
    expect(loadError(Array.from({ length: 1_500 }, () => "1").join("+"))).toContain("Exceeded");
  });

  test("a mark under the place", () => {
    expect(() => compile('true &&\n  mcp.tol.name == "x"', "bool")).toThrow(
      expect.objectContaining({ excerpt: '  mcp.tol.name == "x"\n      ^' }) as Error,
    );
  });
});

describe("an expression that somebody has", () => {
  const options = { variables: ["principal", "request"], result: "bool" } as const;

  test("is not compiled again for another who writes the same, and is for other variables or another result", () => {
    const source = '"team-1" in principal.groups';
    const first = compileExpression(source, options);
    expect(compileExpression(source, options)).toBe(first);
    expect(compileExpression(source, { ...options, variables: ["principal"] })).not.toBe(first);
    expect(compileExpression(`${source} `, options)).not.toBe(first);
    expect(() => compileExpression(source, { ...options, result: "string" })).toThrow("the result must be string");
  });
});

describe("what depends on the caller alone", () => {
  test.each([
    "true",
    '"analyst" in principal.groups',
    'principal.claims.team == "research" && !("admin" in principal.groups)',
    'principal.actors.exists(actor, actor.subject.startsWith("agent"))',
    'has(principal.claims.team) ? principal.claims.team == "a" : false',
  ])("is known: %s", (source) => {
    expect(compile(source, "bool").readsCallerAlone).toBe(true);
  });

  /* One of these remembered for a caller would let its next request pass by what its first one was. */
  test.each([
    'request.path == "/mcp"',
    'principal.id == "a" || request.path == "/mcp"',
    "principal.groups.exists(group, group == request.path)",
    'principal.groups.exists(request, request == "a") && request.path == "/mcp"',
    "principal.groups.filter(group, chain.depth > 1).size() > 0",
    "principal.groups.map(group, group + mcp.server).size() > 0",
    "has(mcp.tool.arguments.path)",
    "[1, chain.depth][1] == 2",
    '{"a": chain.depth}["a"] == 2',
    '{mcp.server: 1}["files"] == 1',
    "principal.claims[mcp.server] == 1",
    "!chain.tainted",
    "-chain.depth < 0",
    'chain.depth > 1 ? true : "a" in principal.groups',
    'budget.remaining("a") > 0.5',
    "principal.id.startsWith(mcp.server)",
  ])("and is told from what does not: %s", (source) => {
    expect(compile(source, "bool").readsCallerAlone).toBe(false);
  });
});
