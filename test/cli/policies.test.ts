import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commands } from "../../src/cli/registry.ts";
import { runCommand } from "../../src/cli/run-command.ts";

const root = join(import.meta.dirname, "../..");
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "policies-cli-"));
  const policies = {
    "sallyport.yaml": `policies: ${join(root, "policies")}\n`,
    "bad.yaml": "rules: [{name: a, on: mcp, allow: 'mcp.tol'}]\n",
  };
  const failing = "rules: [{name: a, allow: 'true'}]\ntests: [{call: {tool: x}, expect: deny}]\n";
  for (const [name, text] of Object.entries({
    ...policies,
    "failing.yaml": failing,
    "open.yaml": "policies: open\n",
  })) {
    writeFileSync(join(folder, name), text);
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const output = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) };
  const code = await runCommand(commands, "0", argv, output);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

const policies = join(root, "policies");
const analyst = '{"groups":["analyst"]}';

describe("sallyport explain", () => {
  test("says which rule decided and why, rule by rule", async () => {
    const config = join(folder, "sallyport.yaml");
    const { code, out } = await run(
      "explain",
      "--config",
      config,
      "--as",
      analyst,
      "--tool",
      "read_file",
      "--arguments",
      '{"path":"../x"}',
    );
    expect(code).toBe(0);
    expect(out).toContain('deny by no way out\nbecause "no way out" denies it: mcp.tool.name == "read_file" && ');
    expect(out).toMatch(/^> match +deny +no way out +\S*policies\/tools\.yaml:5$/m);
    expect(out).toMatch(/^ {2}match +allow +analysts read /m);
    expect(out).toMatch(/^ {2}not for this protocol require hand-offs are short /m);
  });

  test("judges an item of a list, and prints JSON", async () => {
    const { out } = await run(
      "explain",
      "--policies",
      policies,
      "--as",
      analyst,
      "--tool",
      "read_file",
      "--list",
      "--json",
    );
    expect(JSON.parse(out)).toMatchObject({
      decision: { allow: true, rule: "analysts read" },
      rules: expect.arrayContaining([
        expect.objectContaining({ rule: "no way out", outcome: "call-only", decided: false }),
      ]) as unknown,
    });
  });

  test("shows a challenge, a failed rule and other protocols", async () => {
    const challenge = await run(
      "explain",
      "--policies",
      policies,
      "--as",
      analyst,
      "--tool",
      "delete_note",
      "--server",
      "notes",
    );
    expect(challenge.out).toContain("deny by deleting needs a scope, challenge: tools:delete");
    const failed = await run("explain", "--policies", policies, "--as", analyst, "--tool", "read_file");
    expect(failed.out).toContain('because "no way out" (deny) failed, and a failed deny denies: No such key: path');
    const chained = await run("explain", "--policies", policies, "--agent", "writer", "--chain", '{"depth":4}');
    expect(chained.out).toContain('"hand-offs are short" is required and does not hold: chain.depth <= 3');
    const model = await run("explain", "--config", join(folder, "open.yaml"), "--model", "small");
    expect(model.out).toBe("allow by open\nbecause policies are open");
  });

  test.each([
    [["--tool", "x"], "needs --config FILE or --policies PATH"],
    [["--policies", policies], "names exactly one of tool, resource, prompt, agent, model"],
    [["--policies", policies, "--tool", "x", "--as", "{"], "--as is not JSON"],
    [["--policies", policies, "--tool", "x", "--as", '{"grups":[]}'], 'Unrecognized key: "grups"'],
    [["--policies", policies, "--tool", "x", "--arguments", "[1]"], "--call"],
  ])("refuses a wrong command line: %j", async (argv, message) => {
    const { code, err } = await run("explain", ...argv);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) as unknown });
  });

  test("tells what is wrong with the policies", async () => {
    const { code, err } = await run("explain", "--policies", join(folder, "bad.yaml"), "--tool", "x");
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/bad\.yaml:1: rule "a", allow 1:5: mcp has no field tol/) as unknown,
    });
    expect(err).not.toMatch(/^ +at /m);
  });
});

describe("sallyport policy-test", () => {
  test("passes for the sample policies", async () => {
    const { code, out, err } = await run("policy-test", policies);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^policy-test: (\d+)\/\1 passed, \d+ rules, 0 without a test$/);
  });

  test("fails when a test fails, and says why", async () => {
    const { code, out } = await run("policy-test", join(folder, "failing.yaml"));
    expect(code).toBe(1);
    expect(out).toMatch(/failing\.yaml:2: someone calls tool x: expected deny, got allow by a \("a" allows it/);
    expect(out).toMatch(/policy-test: 0\/1 passed, 1 rule, 0 without a test$/);
  });

  test("prints JSON, and the problems of policies that do not load", async () => {
    const failing = await run("policy-test", "--json", join(folder, "failing.yaml"));
    expect(JSON.parse(failing.out)).toMatchObject({ passed: 0, failures: [{ expected: "deny" }] });
    const bad = await run("policy-test", "--json", join(folder, "bad.yaml"));
    expect(JSON.parse(bad.out)).toMatchObject({
      problems: [{ message: expect.stringContaining("mcp has no field tol") as unknown }],
    });
    expect(await run("policy-test", join(folder, "nowhere"))).toMatchObject({
      code: 1,
      err: expect.stringContaining("no such file") as unknown,
    });
  });
});
