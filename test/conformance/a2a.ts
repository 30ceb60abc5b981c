import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startGatewayProcess } from "./gateway-process.ts";

const needed =
  "conformance a2a needs the official suite: set A2A_TCK to a checkout of github.com/a2aproject/a2a-tck, branch 1.0-dev, and A2A_TCK_PYTHON to a Python 3.11 that has it installed (pip install -e CHECKOUT).";

type Outcome = "passed" | "failed" | "skipped";
type Outcomes = ReadonlyMap<string, Outcome>;

/** Runs the official A2A suite over JSON-RPC against an agent on the SDK, direct and through the gateway, and compares test by test. */
export async function runA2aSuite(): Promise<number> {
  const suite = process.env.A2A_TCK ?? "";
  const python = process.env.A2A_TCK_PYTHON ?? "python3";
  if (
    !existsSync(join(suite, "tests", "compatibility")) ||
    (await run(python, ["-c", "import pytest, httpx, jsonschema, tck"], suite)) !== 0
  ) {
    console.error(needed);
    return 2;
  }
  const sut = await startSut();
  try {
    const direct = await runSuite(python, suite, sut.url, "direct");
    // Authentication, policy and journal are on the way; callers without a token are let in, since the suite has none.
    const gateway = await startGatewayProcess({
      config: `auth: {embedded: true, anonymous: true}\na2a: {agents: {sut: {url: "${sut.url}"}}}`,
      rules: `- {name: the suite may do everything, on: a2a, allow: 'a2a.agent == "sut"'}`,
      readyPath: "/a2a/sut/.well-known/agent-card.json",
    });
    try {
      const through = await runSuite(python, suite, `${gateway.url}/a2a/sut`, "through the gateway");
      return report(direct, through);
    } finally {
      await gateway.stop();
    }
  } finally {
    await sut.stop();
  }
}

function report(direct: Outcomes, through: Outcomes): number {
  const names = [...new Set([...direct.keys(), ...through.keys()])].toSorted();
  const differing = names.filter((name) => direct.get(name) !== through.get(name));
  for (const name of names.filter((one) => through.get(one) === "failed" && !differing.includes(one)))
    console.log(`fails both ways: ${name}`);
  for (const name of differing)
    console.log(
      `differs: ${name}: ${direct.get(name) ?? "absent"} direct, ${through.get(name) ?? "absent"} through the gateway`,
    );
  const count = (outcome: Outcome) => [...through.values()].filter((one) => one === outcome).length;
  const passed = count("passed");
  console.log(
    `${names.length} tests, ${count("skipped")} not for JSON-RPC or for what the agent does not offer; ${differing.length} with another outcome through the gateway`,
  );
  console.log(`conformance a2a: ${passed}/${passed + count("failed")} passed`);
  return passed > 0 && differing.length === 0 ? 0 : 1;
}

async function runSuite(python: string, suite: string, host: string, how: string): Promise<Outcomes> {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-tck-"));
  try {
    const file = join(directory, "report.xml");
    const options = ["-q", "--tb=no", "-p", "no:cacheprovider", `--junitxml=${file}`];
    await run(
      python,
      ["-m", "pytest", "tests/compatibility", `--sut-host=${host}`, "--transport=jsonrpc", ...options],
      suite,
    );
    if (!existsSync(file)) throw new Error(`the suite wrote no report of its run ${how}`);
    const outcomes = readOutcomes(readFileSync(file, "utf8"));
    console.log(
      `${how}: ${[...outcomes.values()].filter((one) => one === "passed").length} passed, ${[...outcomes.values()].filter((one) => one === "failed").length} failed`,
    );
    return outcomes;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** JUnit XML, as pytest writes it. */
function readOutcomes(xml: string): Outcomes {
  const outcomes = new Map<string, Outcome>();
  for (const [, attributes = "", content = ""] of xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const attribute = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
    const outcome = /<(?:failure|error)\b/.test(content)
      ? "failed"
      : content.includes("<skipped")
        ? "skipped"
        : "passed";
    outcomes.set(`${attribute("classname").replace("tests.compatibility.", "")} ${attribute("name")}`, outcome);
  }
  return outcomes;
}

/** The subject in a process of its own, since the SDK writes every error it answers with to the console. */
async function startSut(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, ["test/conformance/a2a-sut.ts", "--port", "0"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(child, "exit");
  const line = await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended.then(() => [""])]);
  if (typeof line[0] !== "string" || line[0] === "") throw new Error("the agent for the suite did not start");
  const { url } = JSON.parse(line[0]) as { url: string };
  return {
    url,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** The exit code; what the program writes is not of interest. */
function run(program: string, args: readonly string[], cwd: string): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: cwd === "" ? "." : cwd,
      stdio: "ignore",
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    });
    child.once("error", () => resolve(-1));
    child.once("exit", (code) => resolve(code ?? -1));
  });
}
