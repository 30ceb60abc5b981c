import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import type { Log } from "../../src/core/log.ts";
import { type ConfigSource, openConfig } from "../../src/config/reload.ts";
import type { Config } from "../../src/config/schema.ts";
import { makeFolder } from "./config-folder.ts";

const withPort = (port: number | string) => `policies: open\nlisten: {port: ${port}}\n`;

function listeningLog(lines: string[]): Log {
  const write = (fields: Readonly<Record<string, unknown>>, message: string) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  return log;
}

/** Watches and hands out, one after the other, what the watcher says: a configuration or an error. */
function follow(source: ConfigSource, apply: (config: Config) => void = () => {}) {
  const events: (Config | Error)[] = [];
  const lines: string[] = [];
  let wake = () => {};
  onTestFinished(() => source.close());
  const tell = (event: Config | Error) => {
    events.push(event);
    wake();
  };
  source.watch({
    log: listeningLog(lines),
    intervalMs: 10,
    apply(config) {
      apply(config);
      tell(config);
    },
    refused: tell,
  });
  return {
    lines,
    async next(): Promise<Config | Error> {
      while (events.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return events.shift() as Config | Error;
    },
    async nextPort(): Promise<number> {
      const event = await this.next();
      if (event instanceof Error) throw event;
      return event.listen.port;
    },
  };
}

describe("a watched configuration", () => {
  test("a file written in place is taken up", async () => {
    const folder = makeFolder({ "s.yaml": withPort(1) });
    const watched = follow(await openConfig(folder.at("s.yaml")));
    writeFileSync(folder.at("s.yaml"), withPort(22));
    expect(await watched.nextPort()).toBe(22);
    expect(watched.lines.at(-1)).toContain("is in force");
  });

  test("what nothing uses is warned of at the start and whenever it is taken up", async () => {
    const pools = "pools: {spare: {engine: vllm, endpoints: ['http://vllm-0:8000']}}\n";
    const folder = makeFolder({ "s.yaml": withPort(1) + pools });
    const watched = follow(await openConfig(folder.at("s.yaml")));
    const warnings = () => watched.lines.filter((line) => line.includes('"at":"pools.spare"'));
    expect(warnings()).toEqual([expect.stringMatching(/no model is of this pool.*"line":3/)]);
    writeFileSync(folder.at("s.yaml"), withPort(2) + pools);
    expect(await watched.nextPort()).toBe(2);
    writeFileSync(folder.at("s.yaml"), withPort(3));
    expect(await watched.nextPort()).toBe(3);
    expect(warnings()).toHaveLength(2);
  });

  test("a file replaced by renaming is taken up, twice", async () => {
    const folder = makeFolder({ "s.yaml": withPort(1) });
    const watched = follow(await openConfig(folder.at("s.yaml")));
    for (const port of [2, 3]) {
      writeFileSync(folder.at("s.yaml~"), withPort(port));
      renameSync(folder.at("s.yaml~"), folder.at("s.yaml"));
      expect(await watched.nextPort()).toBe(port);
    }
  });

  test("a mounted ConfigMap, whose links are swapped above the file, is taken up", async () => {
    const folder = makeFolder();
    for (const port of [1, 2]) {
      mkdirSync(folder.at(`..v${port}`));
      writeFileSync(folder.at(`..v${port}/s.yaml`), withPort(port));
    }
    symlinkSync("..v1", folder.at("..data"));
    symlinkSync("..data/s.yaml", folder.at("s.yaml"));
    const watched = follow(await openConfig(folder.at("s.yaml")));
    symlinkSync("..v2", folder.at("..next"));
    renameSync(folder.at("..next"), folder.at("..data"));
    rmSync(folder.at("..v1"), { recursive: true });
    expect(await watched.nextPort()).toBe(2);
  });

  test("a changed secret file is taken up", async () => {
    const folder = makeFolder({ "s.yaml": withPort('"${file:port}"'), port: "5001\n" });
    const watched = follow(await openConfig(folder.at("s.yaml")));
    writeFileSync(folder.at("port"), "5002\n");
    expect(await watched.nextPort()).toBe(5002);
  });

  test("a rule added to the policies folder is taken up", async () => {
    const folder = makeFolder({ "s.yaml": "policies: ./rules\n" });
    mkdirSync(folder.at("rules"));
    const watched = follow(await openConfig(folder.at("s.yaml")));
    writeFileSync(folder.at("rules/new.yaml"), "rules: []\n");
    expect(await watched.next()).toMatchObject({ policies: "./rules" });
  });

  test("a file that cannot be honoured is refused with its problems, and mending it is taken up", async () => {
    const folder = makeFolder({ "s.yaml": withPort(1) });
    const watched = follow(await openConfig(folder.at("s.yaml")));
    writeFileSync(folder.at("s.yaml"), withPort("many"));
    expect(await watched.next()).toMatchObject({
      name: "ConfigError",
      problems: [{ path: ["listen", "port"], line: 2 }],
    });
    expect(watched.lines.at(-1)).toMatch(/refused; the last good one stays in force.*listen\.port/);
    writeFileSync(folder.at("s.yaml"), withPort(2));
    expect(await watched.nextPort()).toBe(2);
  });

  test("a reference that a refused file makes is watched too: creating the secret mends it", async () => {
    const folder = makeFolder({ "s.yaml": withPort(1) });
    const watched = follow(await openConfig(folder.at("s.yaml")));
    writeFileSync(folder.at("s.yaml"), withPort('"${file:port}"'));
    expect(await watched.next()).toMatchObject({ message: expect.stringContaining("there is no file") as string });
    writeFileSync(folder.at("port"), "5003");
    expect(await watched.nextPort()).toBe(5003);
  });

  test("a file that goes away is refused, and coming back is taken up", async () => {
    const folder = makeFolder({ "s.yaml": withPort(1) });
    const watched = follow(await openConfig(folder.at("s.yaml")));
    rmSync(folder.at("s.yaml"));
    expect(await watched.next()).toMatchObject({ message: expect.stringContaining("there is no such file") as string });
    writeFileSync(folder.at("s.yaml"), withPort(5));
    expect(await watched.nextPort()).toBe(5);
  });

  test("a configuration that the gateway cannot build is refused, and the log does not tell its secrets", async () => {
    const folder = makeFolder({ "s.yaml": withPort(1), key: "sk-very-secret" });
    const watched = follow(await openConfig(folder.at("s.yaml")), (config) => {
      throw new Error(`cannot reach it with ${JSON.stringify(config.models)}`);
    });
    writeFileSync(folder.at("s.yaml"), `${withPort(2)}models: {m: {provider: openai, key: "\${file:key}"}}\n`);
    expect(await watched.next()).toBeInstanceOf(Error);
    expect(watched.lines.at(-1)).toContain("[secret]");
    expect(watched.lines.join()).not.toContain("sk-very-secret");
  });

  test("a configuration that cannot be built while the store is down is tried again until it can", async () => {
    const folder = makeFolder({ "s.yaml": withPort(1) });
    let down = 3;
    const watched = follow(await openConfig(folder.at("s.yaml")), () => {
      if (down-- > 0) throw new GatewayError("state_unavailable", "The state store cannot be reached at the moment.");
    });
    writeFileSync(folder.at("s.yaml"), withPort(2));
    for (let n = 0; n < 3; n++) expect(await watched.next()).toMatchObject({ kind: "state_unavailable" });
    expect(await watched.nextPort()).toBe(2);
    expect(watched.lines.map((line) => /"retryInMs":(\d+)/.exec(line)?.[1])).toEqual(["20", "40", "80", undefined]);
    expect(watched.lines[0]).toMatch(/will be tried again.*cannot be reached/);
  });

  test("files that change while the store is down are what is tried next, and what no store mends is not tried again", async () => {
    const folder = makeFolder({ "s.yaml": withPort(1) });
    const tried: number[] = [];
    const watched = follow(await openConfig(folder.at("s.yaml")), ({ listen }) => {
      tried.push(listen.port);
      if (listen.port === 2) throw new GatewayError("state_unavailable", "The store is down.");
      if (listen.port === 3) throw new GatewayError("unsupported", "This needs a restart.");
    });
    writeFileSync(folder.at("s.yaml"), withPort(2));
    expect(await watched.next()).toMatchObject({ kind: "state_unavailable" });
    writeFileSync(folder.at("s.yaml"), `${withPort(3)}# changed`);
    let event = await watched.next();
    while (event instanceof GatewayError && event.kind === "state_unavailable") event = await watched.next();
    expect(event).toMatchObject({ kind: "unsupported" });
    // Long enough for several looks.
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(tried.filter((port) => port === 3)).toEqual([3]);
    expect(tried.at(-1)).toBe(3);
  });

  test("opening a file that cannot be honoured rejects", async () => {
    const folder = makeFolder({ "s.yaml": "policies: open\nlisten: {prot: 1}\n" });
    await expect(openConfig(folder.at("s.yaml"))).rejects.toThrow('did you mean "port"?');
  });
});
