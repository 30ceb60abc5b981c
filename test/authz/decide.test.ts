import { describe, expect, test } from "vitest";
import { authzOf, caller, operation } from "./scene.ts";

const analyst = caller({ groups: ["analyst"] });
const read = operation({ tool: "read_file", arguments: { path: "notes.md" } });

/** allow, require and deny rules by what their expression comes to, and the decision that follows. */
const table: readonly (readonly [string, readonly unknown[], string])[] = [
  ["nothing allows", [], "deny default"],
  ["an allow that does not match", [{ name: "a", allow: "false" }], "deny default"],
  ["an allow that matches", [{ name: "a", allow: "true" }], "allow a"],
  [
    "the first of two allows",
    [
      { name: "a", allow: "true" },
      { name: "b", allow: "true" },
    ],
    "allow a",
  ],
  [
    "a failed allow beside one that matches",
    [
      { name: "a", allow: "1 / 0 == 1" },
      { name: "b", allow: "true" },
    ],
    "allow b",
  ],
  ["an allow that fails alone", [{ name: "a", allow: "principal.claims.none == 1" }], "deny default"],
  [
    "a deny over an allow",
    [
      { name: "a", allow: "true" },
      { name: "d", deny: "true" },
    ],
    "deny d",
  ],
  [
    "a deny that does not match",
    [
      { name: "a", allow: "true" },
      { name: "d", deny: "false" },
    ],
    "allow a",
  ],
  [
    "a deny that fails",
    [
      { name: "a", allow: "true" },
      { name: "d", deny: "principal.claims.none == 1" },
    ],
    "deny d",
  ],
  [
    "the first of two denies",
    [
      { name: "a", allow: "true" },
      { name: "d", deny: "true" },
      { name: "e", deny: "true" },
    ],
    "deny d",
  ],
  [
    "a require that holds",
    [
      { name: "a", allow: "true" },
      { name: "r", require: "true" },
    ],
    "allow a",
  ],
  [
    "a require that does not hold",
    [
      { name: "a", allow: "true" },
      { name: "r", require: "false" },
    ],
    "deny r",
  ],
  [
    "a require that fails",
    [
      { name: "a", allow: "true" },
      { name: "r", require: "1 / 0 == 1" },
    ],
    "deny r",
  ],
  ["a require without an allow", [{ name: "r", require: "true" }], "deny default"],
  [
    "a result that is not a boolean",
    [
      { name: "a", allow: "true" },
      { name: "d", deny: "principal.claims.flag" },
    ],
    "deny d",
  ],
  ["a rule of another protocol", [{ name: "a", on: "a2a", allow: "true" }], "deny default"],
  [
    "a shadow deny",
    [
      { name: "a", allow: "true" },
      { name: "d", deny: "true", mode: "shadow" },
    ],
    "allow a",
  ],
  ["a shadow allow", [{ name: "a", allow: "true", mode: "shadow" }], "deny default"],
];

describe("a decision", () => {
  test.each(table)("with %s", (_name, rules, expected) => {
    const decision = authzOf({ name: "unrelated", on: "llm", allow: "true" }, ...rules).authorize(
      caller({ claims: { flag: "true" } }),
      read,
    );
    expect(`${decision.allow ? "allow" : "deny"} ${decision.rule}`).toBe(expected);
  });

  test("on what is not judged needs only a principal", () => {
    const authz = authzOf({ name: "d", deny: "true" });
    expect(authz.authorize(analyst, { ...read, judged: false })).toEqual({ allow: true, rule: "principal" });
    expect(authz.visible(analyst, { ...read, judged: false })).toBe(true);
  });

  test("carries the message of the rule that refused", () => {
    const authz = authzOf({ name: "a", allow: "true" }, { name: "d", deny: "true", message: "Ask the owner." });
    expect(authz.authorize(analyst, read)).toMatchObject({ allow: false, rule: "d", message: "Ask the owner." });
  });

  test("on a candidate sees what the candidate says of itself", () => {
    const authz = authzOf({ name: "a", on: "llm", allow: 'llm.provider == "local"' });
    const call = operation({ model: "small", provider: "local" });
    const elsewhere = {
      name: "small@elsewhere",
      variables: operation({ model: "small", provider: "elsewhere" }).variables,
    };
    expect(authz.authorize(analyst, call).allow).toBe(true);
    expect(authz.authorize(analyst, call, elsewhere).allow).toBe(false);
    expect(authz.authorize(analyst, call, { name: "the same" }).allow).toBe(true);
  });

  test("reports what shadow rules would have done, and only then", () => {
    const authz = authzOf(
      { name: "a", allow: "true" },
      { name: "would deny", deny: "true", mode: "shadow" },
      { name: "would fail", deny: "1 / 0 == 1", mode: "shadow" },
      { name: "would not hold", require: "false", mode: "shadow" },
      { name: "holds", require: "true", mode: "shadow" },
      { name: "would allow", allow: "true", mode: "shadow" },
      { name: "quiet", deny: "false", mode: "shadow" },
      { name: "scoped", deny: "true", scopes: ["s"], mode: "shadow" },
    );
    expect(authz.authorize(caller({ scopes: ["s"] }), read)).toEqual({
      allow: true,
      rule: "a",
      shadow: [
        { rule: "would deny", would: "deny" },
        { rule: "would fail", would: "deny" },
        { rule: "would not hold", would: "deny" },
        { rule: "would allow", would: "allow" },
      ],
    });
    expect(
      authzOf({ name: "a", allow: "true" }, { name: "s", deny: "false", mode: "shadow" }).authorize(analyst, read),
    ).not.toHaveProperty("shadow");
  });
});

describe("scopes", () => {
  const challenge = (rules: readonly unknown[], scopes: readonly string[] = []) => {
    const decision = authzOf(...rules).authorize(caller({ scopes }), read);
    if (decision.allow) return `allow ${decision.rule}`;
    return decision.scopes === undefined
      ? `deny ${decision.rule}`
      : `challenge ${decision.scopes.join(" ")} by ${decision.rule}`;
  };
  const open = { name: "a", allow: "true" };
  const scopedAllow = { name: "s", allow: "true", scopes: ["x", "y"] };
  const scopedDeny = { name: "d", deny: "true", scopes: ["d"] };
  const scopedRequire = { name: "r", require: "true", scopes: ["r"] };

  const rows: readonly (readonly [string, readonly unknown[], readonly string[], string])[] = [
    ["an allow counts only with its scopes", [scopedAllow], ["x"], "challenge x y by s"],
    ["an allow with all its scopes", [scopedAllow], ["x", "y"], "allow s"],
    ["an allow without scopes makes the others needless", [scopedAllow, open], [], "allow a"],
    [
      "of two scoped allows the one that lacks least",
      [scopedAllow, { name: "t", allow: "true", scopes: ["t"] }],
      [],
      "challenge t by t",
    ],
    [
      "of two scoped allows the one already held",
      [scopedAllow, { name: "t", allow: "true", scopes: ["t"] }],
      ["t"],
      "allow t",
    ],
    ["an allow that does not match asks for nothing", [{ ...scopedAllow, allow: "false" }], [], "deny default"],
    ["a deny stands until the caller steps up", [open, scopedDeny], [], "challenge d by d"],
    ["a deny is lifted by its scopes", [open, scopedDeny], ["d"], "allow a"],
    ["a deny that does not match asks for nothing", [open, { ...scopedDeny, deny: "false" }], [], "allow a"],
    ["a require holds only with its scopes", [open, scopedRequire], [], "challenge r by r"],
    ["a require with its scopes", [open, scopedRequire], ["r"], "allow a"],
    ["a require that does not hold is no challenge", [open, { ...scopedRequire, require: "false" }], [], "deny r"],
    [
      "nothing is asked for where a deny stands anyway",
      [open, scopedDeny, { name: "no", deny: "true" }],
      [],
      "deny no",
    ],
    [
      "nothing is asked for where a require fails anyway",
      [open, scopedDeny, { name: "no", require: "false" }],
      [],
      "deny no",
    ],
    ["nothing is asked for where nothing would allow", [scopedDeny], [], "deny default"],
    [
      "one challenge names every scope, held ones too",
      [scopedAllow, scopedDeny, scopedRequire],
      ["x", "d"],
      "challenge x y r d by r",
    ],
  ];

  test.each(rows)("%s", (_name, rules, scopes, expected) => {
    expect(challenge(rules, scopes)).toBe(expected);
  });

  test("an item that only scopes are missing for stays visible in lists", () => {
    const authz = authzOf(scopedAllow, scopedDeny, scopedRequire);
    expect(authz.visible(caller(), read)).toBe(true);
    expect(authzOf(scopedDeny).visible(caller(), read)).toBe(false);
  });

  test("are all known to whoever issues tokens", () => {
    expect(authzOf(scopedAllow, scopedDeny, scopedRequire).scopes).toEqual(["d", "r", "x", "y"]);
  });
});

describe("a listed item", () => {
  const rows: readonly (readonly [string, readonly unknown[], boolean])[] = [
    [
      "is not hidden by a deny that needs arguments",
      [
        { name: "a", allow: "true" },
        { name: "d", deny: 'mcp.tool.arguments.path.contains("..")', on: "mcp" },
      ],
      true,
    ],
    [
      "is not hidden by a require that needs arguments",
      [
        { name: "a", allow: "true" },
        { name: "r", require: "has(mcp.tool.arguments.path)", on: "mcp" },
      ],
      true,
    ],
    [
      "is possible under an allow that needs arguments",
      [{ name: "a", allow: 'mcp.tool.arguments.path == "x"', on: "mcp" }],
      true,
    ],
    [
      "is hidden by a deny that needs none",
      [
        { name: "a", allow: "true" },
        { name: "d", deny: 'mcp.tool.name == "read_file"', on: "mcp" },
      ],
      false,
    ],
    [
      "is hidden by a deny that is true whatever the arguments",
      [
        { name: "a", allow: "true" },
        { name: "d", deny: 'mcp.tool.arguments.path == "x" || true', on: "mcp" },
      ],
      false,
    ],
    [
      "is hidden when an allow is false whatever the arguments",
      [{ name: "a", allow: 'mcp.tool.arguments.path == "x" && "root" in principal.groups', on: "mcp" }],
      false,
    ],
    [
      "is possible when one side needs arguments and the other fails",
      [{ name: "a", allow: 'mcp.tool.arguments.path == "x" || principal.claims.none', on: "mcp" }],
      true,
    ],
    [
      "is hidden by a deny that fails without arguments",
      [
        { name: "a", allow: "true" },
        { name: "d", deny: "principal.claims.none == 1" },
      ],
      false,
    ],
  ];
  test.each(rows)("%s", (_name, rules, visible) => {
    expect(authzOf(...rules).visible(analyst, read)).toBe(visible);
  });

  test("of A2A leaves open what is not known of a task yet, and knows it of a task", () => {
    const authz = authzOf({ name: "a", on: "a2a", allow: "a2a.task.owner == principal.id" });
    expect(authz.visible(analyst, operation({ agent: "writer" }))).toBe(true);
    expect(authz.visible(analyst, operation({ agent: "writer", task: { owner: analyst.principal.id } }))).toBe(true);
    expect(authz.visible(analyst, operation({ agent: "writer", task: { owner: "someone else" } }))).toBe(false);
    expect(authz.authorize(analyst, operation({ agent: "writer" })).allow).toBe(false);
  });

  test("of models leaves open messages, stream, tools and bounds", () => {
    for (const text of [
      "llm.stream",
      "llm.messages.size() > 3",
      "llm.tools.size() > 0",
      "llm.maxTokens > 10",
      'llm.dialect == "anthropic"',
    ]) {
      const authz = authzOf({ name: "a", allow: "true" }, { name: "d", on: "llm", deny: `!(${text}) || ${text}` });
      const model = {
        ...operation({ model: "small" }),
        variables: { llm: { ...operation({ model: "small" }).variables.llm!, dialect: "" } },
      };
      expect([text, authz.visible(analyst, model), authz.authorize(analyst, model).allow]).toEqual([text, true, false]);
    }
  });
});
