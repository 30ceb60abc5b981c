import { expect, test } from "vitest";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { commands } from "../../src/cli/registry.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { ask, startCacheScene } from "./cache-scene.ts";

test("the command line shows what the cache holds and has saved, and empties it", async () => {
  const port = await freePorts();
  const scene = await startCacheScene({
    publicUrl: `http://127.0.0.1:${port}`,
    listen: `{host: 127.0.0.1, port: ${port}, console: {port: ${port + 1}}, health: {host: 127.0.0.1, port: ${port + 2}}}`,
  });
  async function sallyport(...args: readonly string[]): Promise<string> {
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    await runCommand(commands, "0", [...args, "--config", scene.file], { out: say, err: say });
    return lines.join("\n");
  }
  const cache = (...args: readonly string[]) => sallyport("cache", ...args);
  try {
    expect(await cache("show")).toMatch(/^0 answers in 0 of 65536 KiB, each for 3600 s\n/);
    for (const as of ["ada", "ada", "eve"] as const)
      await (await scene.send("chat/completions", ask("How do I reset my password?"), { as })).text();
    const shown = await cache("show");
    expect(shown).toMatch(/^2 answers in /);
    expect(shown).toMatch(/^ +1 +\d+ +1 +1 +\d+ +\$0\.\d+ +a +small$/m);
    expect(shown).toMatch(/^ +1 +\d+ +0 +1 +0 +\$0\.00 +b +small$/m);
    const spend = await sallyport("spend", "--by", "tenant");
    expect(spend).toMatch(/ unpriced +saved +tenant$/m);
    expect(spend).toMatch(/ 1 +\d+ +\d+ +- +\$0\.\d+ +a$/m);
    expect(spend).toMatch(/ 1 +\d+ +\d+ +- +- +b$/m);
    expect(JSON.parse(await cache("show", "--json"))).toMatchObject({ entries: 2, limitBytes: 67_108_864 });
    expect(await cache("flush", "--policy", "no hash")).toContain("first 8 letters");
    expect(await cache("flush", "--tenant", "b", "--model", "small")).toBe("1 answers are gone");
    expect(await cache("flush")).toBe("1 answers are gone");
    expect(await cache("empty")).toContain("cache does show and flush");
    await scene.gateway.reload(scene.load({ cache: "" }));
    expect(await cache("show")).toContain("No cache is configured");
  } finally {
    await scene.close();
  }
});
