import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startServer } from "../mcp/start-server.ts";
import { startMcpGateway } from "./mcp-gateway.ts";

const REQUIREMENTS = ["2025-11-25", "2026-07-28"] as const;
const SUITE = join(
  dirname(createRequire(import.meta.url).resolve("@modelcontextprotocol/conformance/package.json")),
  "dist",
  "index.js",
);
const RUN_LIMIT_MS = 300_000;

/** Checks of one scenario: passed and failed. */
interface Score {
  readonly passed: number;
  readonly failed: number;
}

/** Runs the official suite against one address; scores by scenario. */
async function runSuite(url: string, requirements: string): Promise<ReadonlyMap<string, Score>> {
  const output = await mkdtemp(join(tmpdir(), "mcp-conformance-"));
  try {
    const child = spawn(
      process.execPath,
      [SUITE, "server", "--url", url, "--requirements", requirements, "-o", output],
      { stdio: ["ignore", "pipe", "pipe"], timeout: RUN_LIMIT_MS },
    );
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
    child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
    await new Promise((resolve) => child.once("close", resolve));
    const scores = new Map<string, Score>();
    for (const [, name, passed, failed] of text.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed/gm))
      scores.set(name!, { passed: Number(passed), failed: Number(failed) });
    if (scores.size === 0) throw new Error(`the suite said nothing about ${url}:\n${text.slice(-2_000)}`);
    return scores;
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}

const counts = (score: Score): boolean => score.failed === 0 && score.passed > 0;
/* No check at all is the suite's word for "does not apply": the gateway takes up a stream that a server closed early by itself, so its client never has to. */
const holds = (score: Score | undefined): boolean => score?.failed === 0;
const show = (score: Score | undefined): string =>
  score === undefined
    ? "missing"
    : score.passed + score.failed === 0
      ? "n/a"
      : `${score.passed}/${score.passed + score.failed}`;

/** Runs both requirement sets direct, through a route of one server and through a route of several; prints the comparison. Exit code 0 when nothing that passes direct fails through. */
export async function runMcpSuite(): Promise<number> {
  const fixture = await startServer(join(import.meta.dirname, "mcp-fixture", "server.ts"));
  const clock = await startServer(join(import.meta.dirname, "..", "..", "tools", "clock", "server.ts"));
  const gateway = await startMcpGateway({
    servers: { fixture: { url: fixture.url }, clock: { url: clock.url } },
    routes: { "/mcp": { servers: ["fixture"] }, "/mcp/several": { servers: ["clock", "fixture"] } },
  });
  let passed = 0;
  let total = 0;
  try {
    for (const requirements of REQUIREMENTS) {
      const direct = await runSuite(fixture.url, requirements);
      const one = await runSuite(`${gateway.origin}/mcp`, requirements);
      const several = await runSuite(`${gateway.origin}/mcp/several`, requirements);
      console.log(`\n${requirements.padEnd(52)} direct   one      several`);
      for (const [scenario, score] of direct) {
        const counted = counts(score);
        const through = holds(one.get(scenario)) && holds(several.get(scenario));
        if (counted) total += 1;
        if (counted && through) passed += 1;
        const verdict = counted ? (through ? "" : "  FAILS THROUGH THE GATEWAY") : "  (not passed direct)";
        console.log(
          `  ${scenario.padEnd(50)} ${show(score).padEnd(8)} ${show(one.get(scenario)).padEnd(8)} ${show(several.get(scenario))}${verdict}`,
        );
      }
    }
  } finally {
    await gateway.close();
    await Promise.all([fixture.close(), clock.close()]);
  }
  console.log(`\nconformance mcp: ${passed}/${total} passed`);
  return passed === total ? 0 : 1;
}
