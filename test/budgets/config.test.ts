import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/config/load.ts";
import { makeFolder } from "../config/config-folder.ts";

/** What is wrong with a configuration, line by line; empty: nothing. */
function problemsOf(yaml: string): readonly string[] {
  const read = readConfig(makeFolder({ "s.yaml": `policies: open\n${yaml}` }).at("s.yaml"), { env: {} });
  if (read.config !== undefined) return [];
  const [, ...lines] = read.error.message.trimEnd().split("\n");
  return lines.map((line) => line.trim());
}

const model = (price: string) => `models: { m: { provider: vllm, url: "http://127.0.0.1:9", price: ${price} } }`;

describe("a price", () => {
  test.for<[price: string, message: string]>([
    ["{ input: 0.5, output: $1 }", 'dollars are written with their sign: write "$0.5"'],
    ["{ input: $1, output: 2 }", 'dollars are written with their sign: write "$2"'],
    ["{ input: $1, output: 0 }", 'dollars are written with their sign: write "$0"'],
    ['{ input: "2.50", output: $1 }', 'dollars are written with their sign: write "$2.50"'],
    ["{ input: $.5, output: $1 }", 'dollars are written with their sign: write "$0.5"'],
    [
      "{ input: 1e-10, output: $1 }",
      'an amount of dollars such as "$0.01" or "$2.50", with at most nine digits behind the point',
    ],
    ["{ output: $1 }", "is missing: expected text"],
    ["3", 'dollars for a million tokens each way: write { input: "$2.50", output: "$10" }'],
  ])("of %s is refused with what to write", ([price, message]) => {
    expect(problemsOf(model(price))).toContain(message);
  });

  test("of a tool or an agent too", () => {
    expect(
      problemsOf(
        'a2a: { agents: { w: { url: "http://127.0.0.1:9", price: 0.05 } } }\n' +
          'mcp: { servers: { s: { url: "http://127.0.0.1:9/mcp", prices: { find: 1 } } }, routes: { /mcp: { servers: [s] } } }',
      ),
    ).toEqual([
      expect.stringContaining("a2a.agents.w.price = 0.05"),
      'dollars are written with their sign: write "$0.05"',
      expect.stringContaining("mcp.servers.s.prices.find = 1"),
      'dollars are written with their sign: write "$1"',
    ]);
  });

  test("with its sign can be loaded, quoted or not", () => {
    expect(problemsOf(model('{ input: $0.5, output: "$2" }'))).toEqual([]);
  });
});

describe("a budget", () => {
  const budgets = (limits: string, more = "") => `${model("{ input: $1, output: $1 }")}\n${more}
budgets: [{ name: b, limits: ${limits} }]`;
  const servers =
    'mcp: { servers: { s: { url: "http://127.0.0.1:9/mcp" } }, routes: { /mcp: { servers: [s] } } }\n' +
    'a2a: { agents: { w: { url: "http://127.0.0.1:9" } } }';

  test.for([
    ["[200]", /such as "500k tokens\/min on llama"/],
    ['["10 tokens/day on n"]', /only models use tokens, and `models` has no n; there is m/],
    ['["$1/day on n"]', /no model, agent, MCP server or tool of one is called n; models: m/],
    ['["1 call/day on s/find"]', /no model, agent, MCP server or tool of one is called s\/find/],
    ['["1 call/day", "2 calls/day"]', /keep the tighter of the two/],
  ] as const)("with the limits %s is refused", ([limits, message]) => {
    expect(problemsOf(budgets(limits)).join("\n")).toMatch(message);
  });

  test("may limit models, agents, servers and what may be a tool of one", () => {
    const limits = '["$1 on m", "1 call on w", "2 calls on s", "3 calls on s/find", "4 calls on find"]';
    expect(problemsOf(budgets(limits, servers))).toEqual([]);
    expect(problemsOf(budgets('["1 call on t/find"]', servers)).join("\n")).toContain("is called t/find");
  });

  test("has a name of its own", () => {
    const twice = 'budgets: [{ name: b, limits: ["1 call"] }, { name: b, limits: ["2 calls"] }]';
    expect(problemsOf(twice).join("\n")).toContain("another budget has this name");
  });
});
