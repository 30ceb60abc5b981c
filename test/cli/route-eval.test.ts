import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { toLabelled } from "../../scripts/routellm.ts";
import { commands } from "../../src/cli/registry.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { makeFolder } from "../config/config-folder.ts";

async function routeEval(...argv: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const output = { out: (line: string) => void out.push(line), err: (line: string) => void err.push(line) };
  const code = await runCommand(commands, "0", ["route-eval", ...argv], output);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

/* The weak model fails at proofs, which are shorter than what it is good at. */
const labelled = (count: number) =>
  Array.from({ length: count }, (_, index) => {
    const hard = index % 3 === 0;
    const prompt = hard
      ? `Prove theorem ${index}, and explain why it follows.`
      : `Tell me something nice about the sea, the hills and ${index} friends who went there for a week.`;
    return JSON.stringify({ prompt, weak: !hard, strong: true });
  }).join("\n");

describe("sallyport route-eval", () => {
  test("prints the figures, what each threshold would do, and the curves, and draws them", async () => {
    const folder = makeFolder({ "answers.jsonl": labelled(1_200) });
    const svg = folder.at("curve.svg");
    const { code, out, err } = await routeEval(folder.at("answers.jsonl"), "--svg", svg);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^\d{3} prompts reported on, \d{3} others fitted on\nweak model 0\.6/);
    expect(out).toMatch(/^fitted +\d\.\d{3} .*\+\d\.\d{3} \(\+\d\.\d{3} to \+\d\.\d{3}\)$/m);
    expect(out).toMatch(/^length +0\.\d{3} +\S+ +\S+$/m);
    expect(out).toMatch(/^> 0\.9 +0\.0% +0\.6\d{3}$/m);
    expect(out).toMatch(/\* fitted {3}o bundled$/);
    expect(readFileSync(svg, "utf8")).toMatch(/^<svg [^]*<\/svg>\n$/);
  });

  test("gives the same as JSON", async () => {
    const folder = makeFolder({ "answers.jsonl": labelled(400) });
    const { out } = await routeEval(folder.at("answers.jsonl"), "--json");
    const report = JSON.parse(out) as { routers: { name: string; curve: unknown[] }[]; thresholds: unknown[] };
    expect(report.routers.map(({ name }) => name)).toEqual(["fitted", "bundled", "length", "random", "oracle"]);
    expect(report.thresholds).toHaveLength(9);
  });

  test("takes a file that begins with a byte order mark", async () => {
    const folder = makeFolder({ "plain.jsonl": labelled(400), "marked.jsonl": `\u{FEFF}${labelled(400)}` });
    expect(await routeEval(folder.at("marked.jsonl"))).toEqual(await routeEval(folder.at("plain.jsonl")));
  });

  test("says where figures mean little", async () => {
    expect((await routeEval(makeFolder({ "few.jsonl": labelled(30) }).at("few.jsonl"))).err).toContain(
      "chance in good part",
    );
  });

  test.each([
    ["none.jsonl", undefined, /^sallyport: there is no .*none\.jsonl: check the path/],
    ["one.jsonl", labelled(1), /too few prompts/],
    ["broken.jsonl", `${labelled(3)}\n{"prompt": 1}`, /Line 4 .* needs `prompt`/],
  ])("tells what is wrong with %s", async (name, text, message) => {
    const folder = makeFolder(text === undefined ? {} : { [name]: text });
    const { code, out, err } = await routeEval(folder.at(name));
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(message);
  });
});

test("published answers become a labelled file, without the prompts that routers were trained on", () => {
  const folder = makeFolder();
  mkdirSync(folder.at("routellm/evals/gsm8k"), { recursive: true });
  writeFileSync(folder.at("routellm/evals/gsm8k/contaminated_prompts.jsonl"), '{"eval_prompt": "known, before"}\n');
  writeFileSync(
    folder.at("routellm/evals/gsm8k/gsm8k_responses.csv"),
    'prompt,mistralai/Mixtral-8x7B-Instruct-v0.1,x,gpt-4-1106-preview\r\n"He said ""two,\nthree""",False,"",True\r\n"known, before",True,a,True\r\nplain,True,,False\r\n',
  );
  expect([...toLabelled(folder.at("."), "gsm8k")].map((line) => JSON.parse(line) as unknown)).toEqual([
    { prompt: 'He said "two,\nthree"', weak: false, strong: true },
    { prompt: "plain", weak: true, strong: false },
  ]);
  expect(() => [...toLabelled(folder.at("."), "mmlu")]).toThrow("clone of RouteLLM");
});
