import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/registry.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { makeFolder } from "../config/config-folder.ts";

async function check(yaml: string, files: Readonly<Record<string, string>> = {}) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const file = makeFolder({ ...files, "s.yaml": yaml }).at("s.yaml");
  const code = await runCommand(commands, "0", ["check", file], { out: write, err: write });
  return { code, text: lines.join("\n") };
}

describe("sallyport check", () => {
  test("says on one screen what a file means, and no secret", async () => {
    const { code, text } = await check(
      `policies: [rules.yaml]
auth: {issuers: [https://login.example.com], keys: {ci: {secret: abcdefghijklmnopqrstuvwx, tenant: team-a}}}
tenant: principal.claims.team
mcp: {servers: {notes: {url: "http://notes", credentials: {bearer: "\${file:token}"}}}, routes: {/mcp: {servers: [notes]}}}
models:
  llama: {provider: ollama, url: "http://ollama:11434"}
  qwen: {provider: ollama, url: "http://ollama:11434", fallback: [llama]}
  smart: {choose: [{when: "llm.complexity > 0.6", use: qwen}], otherwise: llama, mode: shadow}
budgets: [{name: team, per: tenant, limits: ["10k tokens/min on qwen", "$20/day"]}]
runaway: {action: stop}
state: redis://:hush-hush@redis:6379
`,
      { token: "bearer-of-notes\n", "rules.yaml": "rules: [{name: all, allow: 'true'}]\n" },
    );
    expect(code).toBe(0);
    expect(text).toContain("tokens of https://login.example.com; API keys ci");
    expect(text).toMatch(/MCP +\/mcp offers everything of notes/);
    expect(text).toMatch(
      /models +llama \(ollama\), qwen \(ollama, then llama\), smart \(one of qwen, otherwise llama; in shadow mode\)/,
    );
    expect(text).toMatch(/budgets +team \(10k tokens\/min on qwen, \$20\/day\)/);
    expect(text).toMatch(/runaways +stopped/);
    expect(text).not.toMatch(/hush-hush|abcdefghijkl|bearer-of-notes/);
    expect(text.split("\n").length).toBeLessThan(25);
  });

  test("warns of what nothing uses, with its place and what to do, and ends with code 0", async () => {
    const { code, text } = await check(`policies: open
models:
  llama: {pool: local}
  minilm: {provider: ollama, url: "http://ollama:11434"}
  smart: {choose: [{when: 'llm.similarity("law") > 0.6', use: llama}], otherwise: minilm}
pools:
  local: {engine: vllm, endpoints: ["http://vllm-0:8000"]}
  spare: {engine: vllm, endpoints: ["http://vllm-1:8000"]}
routing:
  examples: {law: [Is it enforceable?], code: [Mend this]}
  classifiers: {topic: {url: "http://classifier"}}
`);
    expect(code).toBe(0);
    expect(text.match(/^warning:\n.*\n.*/gm)).toEqual([
      expect.stringMatching(/8:3 {2}pools\.spare\n +no model is of this pool.*`pool: spare`, or leave it out/),
      expect.stringMatching(/10:41 {2}routing\.examples\.code\n +no rule asks for `llm\.similarity\("code"\)`/),
      expect.stringMatching(/11:17 {2}routing\.classifiers\.topic\n +no rule asks for `llm\.class\("topic"\)`/),
    ]);
    expect(text).toMatch(/pools +local .*, spare/);
  });

  test("warns of keys of a pool that do nothing beside the others, and not of those that do", async () => {
    const { code, text } = await check(`policies: open
models: {a: {pool: fixed}, b: {pool: found}, c: {pool: lined}, d: {pool: shed}}
pools:
  fixed:
    engine: vllm
    endpoints: ["http://vllm-0:8000"]
    resolve: 5s
    priority: [{when: 'true', is: 1}, {when: 'false', is: 0}]
  found: {engine: vllm, dns: "http://vllm:8000", resolve: 10s}
  lined: {engine: vllm, endpoints: ["http://vllm-0:8000"], priority: [{when: 'true', is: 1}], queue: {}}
  shed: {engine: vllm, endpoints: ["http://vllm-0:8000"], priority: [{when: 'true', is: 1}, {when: 'false', is: -1}]}
`);
    expect(code).toBe(0);
    expect(text.match(/^warning:\n.*\n.*/gm)).toEqual([
      expect.stringMatching(/7:5 {2}pools\.fixed\.resolve = "5s"\n +.*nothing is resolved.*, or leave it out/),
      expect.stringMatching(/8:5 {2}pools\.fixed\.priority\n +no call waits.*a `queue`, or leave it out/),
    ]);
  });

  test("warns of an embedder that no rule needs, and of nothing where all is used", async () => {
    const models = `models:
  minilm: {provider: ollama, url: "http://ollama:11434"}
  smart: {choose: [{when: WHEN, use: minilm}], otherwise: minilm}
`;
    const routing = "routing: {embedder: {model: minilm}, classifiers: {topic: {url: 'http://classifier'}}EXAMPLES}\n";
    const used = await check(
      `policies: open\n${models.replace("WHEN", `'llm.similarity("law") > 0.6 || llm.classScore("topic", "law") > 0.5'`)}${routing.replace("EXAMPLES", ", examples: {law: [Is it enforceable?]}")}`,
    );
    expect(used).toMatchObject({ code: 0, text: expect.not.stringContaining("warning") as string });
    const unused = await check(
      `policies: open\n${models.replace("WHEN", `'llm.class("topic") == "law"'`)}${routing.replace("EXAMPLES", "")}`,
    );
    expect(unused.text.match(/^warning:\n.*\n.*/gm)).toEqual([
      expect.stringMatching(/routing\.embedder\n +no rule asks for `llm\.similarity`/),
    ]);
  });

  test("lists the problems of the file and ends with code 1", async () => {
    const { code, text } = await check("policies: open\nlisten: {prot: 1}\n");
    expect(code).toBe(1);
    expect(text).toMatch(/1 problem\n +2:10 {2}listen\.prot\n.*did you mean "port"/);
  });

  test("names a file that is not there, with no empty place in it", async () => {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const file = makeFolder().at("none.yaml");
    expect(await runCommand(commands, "0", ["check", file], { out: write, err: write })).toBe(1);
    expect(lines.join("\n")).toBe(`${file}: 1 problem\n      there is no such file`);
  });

  test("finds rules that cannot be honoured", async () => {
    const { code, text } = await check("policies: rules.yaml\n", {
      "rules.yaml": "rules: [{name: typo, on: mcp, allow: 'mcp.tool.nmae == \"x\"'}]\n",
    });
    expect(code).toBe(1);
    expect(text).toContain("did you mean mcp.tool.name?");
  });

  test("finds a folder of rules that is not there", async () => {
    expect(await check("policies: ./rules\n")).toMatchObject({
      code: 1,
      text: expect.stringContaining("no such file or folder") as string,
    });
  });
});
