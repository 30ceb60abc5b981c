import { runA2aSuite } from "./a2a.ts";
import { runMcpSuite } from "./mcp.ts";

/** Runs one official suite direct and through the gateway; gives the exit code: 0 when the outcomes are as they should be. */
type Suite = () => Promise<number>;

const suites: Readonly<Record<string, Suite>> = {
  a2a: runA2aSuite,
  mcp: runMcpSuite,
};

const name = process.argv[2] ?? "";
const suite = Object.hasOwn(suites, name) ? suites[name] : undefined;
if (suite === undefined) {
  console.error(`usage: npm run conformance -- ${Object.keys(suites).join("|")}`);
  process.exitCode = 2;
} else {
  process.exitCode = await suite();
}
