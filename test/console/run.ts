import { startVitest } from "vitest/node";
import { findChromium, howToGetChromium } from "./browser/find-chromium.ts";

/* Every page in every look, too long for every run of the tests; `npm test` has the stories alone. */
const chromium = findChromium();
if (chromium === undefined) {
  console.error(`console: there is no Chromium here: ${howToGetChromium}`);
  process.exit(1);
}
process.env["CHROME_PATH"] = chromium;
const vitest = await startVitest("test", process.argv.slice(2), {
  include: ["test/console/browser/*.{story,suite}.ts"],
  watch: false,
  testTimeout: 120_000,
});
const tests = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()]);
const passed = tests.filter((test) => test.result().state === "passed").length;
await vitest.close();
console.log(`console: ${passed}/${tests.length} passed; pictures in console-pictures/`);
process.exitCode = passed === tests.length && passed > 0 ? 0 : 1;
