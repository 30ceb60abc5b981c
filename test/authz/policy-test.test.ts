import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadPolicies, type Policies } from "../../src/authz/load-policies.ts";
import { parsePolicyFile } from "../../src/authz/policy-file.ts";
import { formatTestReport, runPolicyTests } from "../../src/authz/policy-test.ts";

const root = join(import.meta.dirname, "../..");

/* The policy file of the design, letter for letter: what a person writes must work as it stands. */
const written = `# policies/tools.yaml: rules, and the table that tests them, in one file
rules:
  - {name: hand-offs and models are open, on: [a2a, llm], allow: 'true'}
  - {name: analysts read,     on: mcp, allow: '"analyst" in principal.groups && mcp.tool.name.startsWith("read_")'}
  - {name: no way out,        on: mcp, deny: 'mcp.tool.name == "read_file" && mcp.tool.arguments.path.contains("..")'}
  - {name: hand-offs are short, on: a2a, require: 'chain.depth <= 3'}
tests:
  - {as: {groups: [analyst]}, call: {tool: read_file, arguments: {path: notes.md}}, expect: allow}
  - {as: {groups: [analyst]}, call: {tool: read_file, arguments: {path: ../secrets}}, expect: deny by no way out}
`;

function policiesFrom(text: string): Policies {
  const { problems, ...file } = parsePolicyFile(text, "p.yaml");
  expect(problems).toEqual([]);
  return { files: [], ...file };
}
const report = (text: string) => formatTestReport(runPolicyTests(policiesFrom(text)));

describe("policy tests", () => {
  test("pass for the file as it is written in the design, which is also the sample", () => {
    expect(readFileSync(join(root, "policies/tools.yaml"), "utf8")).toBe(written);
    expect(report(written).at(-1)).toBe("policy-test: 2/2 passed, 4 rules, 2 without a test");
  });

  test("name every rule that no test shows at work", () => {
    expect(report(written).slice(0, -1)).toEqual([
      'p.yaml:3: note: no test shows rule "hand-offs and models are open" at work',
      'p.yaml:6: note: no test shows rule "hand-offs are short" at work',
    ]);
  });

  const rules = `rules:
  - {name: readers, on: mcp, allow: '"r" in principal.groups'}
  - {name: no drop, on: mcp, deny: 'mcp.tool.name == "drop"'}
  - {name: writing, on: mcp, allow: 'mcp.tool.name == "write"', scopes: [files:write, files:read]}
  - {name: inside, require: 'request.ip.startsWith("192.")'}
`;
  const expectations: readonly (readonly [string, string])[] = [
    ["{as: {groups: [r]}, call: {tool: x}, expect: allow}", ""],
    ["{as: {groups: [r]}, call: {tool: x}, expect: allow by readers}", ""],
    ["{as: {groups: [r]}, call: {tool: drop}, expect: deny by no drop}", ""],
    ["{call: {tool: x}, expect: deny by default}", ""],
    ["{call: {tool: write}, expect: challenge files:read files:write}", ""],
    ["{as: {scopes: ['files:write', 'files:read']}, call: {tool: write}, expect: allow}", ""],
    ["{list: {tool: write}, expect: visible}", ""],
    ["{list: {tool: x}, expect: hidden}", ""],
    ["{as: {groups: [r]}, call: {tool: x}, request: {ip: 10.0.0.1}, expect: deny by inside}", ""],
    [
      "{as: {groups: [r]}, call: {tool: drop}, expect: allow}",
      'r calls tool drop: expected allow, got deny by no drop ("no drop" denies it: mcp.tool.name == "drop")',
    ],
    [
      "{name: my test, call: {tool: x}, expect: allow}",
      "my test: expected allow, got deny by default (no allow rule matched)",
    ],
    [
      "{call: {tool: write}, expect: allow}",
      'someone calls tool write: expected allow, got challenge files:write files:read by writing ("writing" wants files:write files:read: the caller lacks the scope files:write files:read)',
    ],
    [
      "{as: {subject: ada, groups: []}, list: {tool: write}, expect: hidden}",
      "ada lists tool write: expected hidden, got visible by writing",
    ],
    [
      "{as: {groups: [r]}, list: {tool: drop}, expect: visible}",
      "r lists tool drop: expected visible, got hidden by no drop",
    ],
    [
      "{call: {tool: write}, expect: challenge files:read}",
      "expected challenge files:read, got challenge files:write files:read by writing",
    ],
  ];
  const run = (line: string) => report(`${rules}tests:\n  - ${line}\n`).filter((text) => !text.includes("note:"));

  test.each(expectations.filter(([, failure]) => failure === ""))("pass: %s", (line) => {
    expect(run(line)).toEqual([expect.stringMatching(/^policy-test: 1\/1 passed, 4 rules, \d without a test$/)]);
  });

  test.each(expectations.filter(([, failure]) => failure !== ""))("fail, and say why: %s", (line, failure) => {
    const lines = run(line);
    expect(lines[0]).toMatch(/^p\.yaml:7: /);
    expect(lines[0]).toContain(failure);
    expect(lines[1]).toContain("policy-test: 0/1 passed");
  });
});

describe("the documentation", () => {
  test("shows rules and tests that work", () => {
    const text = readFileSync(join(root, "docs/policies.md"), "utf8");
    const blocks = [...text.matchAll(/```yaml\n((?:rules|tests):\n[\s\S]*?)```/g)].map(([, block]) => block);
    const rest =
      "  - {name: all else, on: a2a, allow: 'true'}\n  - {name: deleting, on: mcp, allow: 'mcp.tool.name == \"delete_note\"'}\n";
    expect(blocks).toHaveLength(2);
    expect(runPolicyTests(policiesFrom(`${blocks[0]}${rest}${blocks[1]}`))).toMatchObject({ passed: 4, failures: [] });
  });
});

describe("the sample policies", () => {
  test("pass their own tests, and every rule has one", () => {
    const result = runPolicyTests(loadPolicies("policies", root));
    expect(result).toMatchObject({ failures: [], untested: [] });
    expect(result.passed).toBeGreaterThan(15);
  });

  test.each(readdirSync(join(root, "policies")).filter((name) => name.endsWith(".yaml")))(
    "%s loads on its own",
    (name) => {
      expect(() => runPolicyTests(loadPolicies(`policies/${name}`, root))).not.toThrow();
    },
  );
});
