import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ConfigError } from "../../src/config/config-error.ts";
import { openConfig } from "../../src/config/reload.ts";
import type { Config } from "../../src/config/schema.ts";
import { silentLog } from "../../src/core/log.ts";
import { createFolderSource } from "../../src/k8s/folder-source.ts";
import { baseConfig, manifestFolder, manifests, openGateway, route, service } from "./manifests-scene.ts";

const folder = (text: string, base?: string) => {
  const made = manifestFolder(text, base);
  const source = createFolderSource({
    path: made.dir,
    file: made.file,
    backends: new Map([["v1.default", ["http://127.0.0.1:9"]]]),
  });
  return { ...made, source };
};
const to = (inner = "") => `rules: [{${inner}backendRefs: [{name: v1, port: 80}]}]`;

test("a change of a manifest or of the configuration beside it is taken up, and one that cannot be honoured is not", async () => {
  const { write, source } = folder(manifests(openGateway, service("v1"), route("one", to())));
  const opened = await openConfig(source);
  onTestFinished(() => opened.close());
  expect(Object.keys(opened.config.routes ?? {})).toEqual(["default/one"]);
  const events: (Config | Error)[] = [];
  opened.watch({
    log: silentLog,
    intervalMs: 10,
    apply: (config) => void events.push(config),
    refused: (error) => void events.push(error),
  });
  write(manifests(openGateway, service("v1"), route("two", to())));
  await expect.poll(() => events.length, { timeout: 20_000 }).toBe(1);
  expect(Object.keys((events[0] as Config).routes ?? {})).toEqual(["default/two"]);
  write(manifests(openGateway, service("v1"), route("two", to("retry: {}, "))));
  await expect.poll(() => events.length, { timeout: 20_000 }).toBe(2);
  expect((events[1] as Error).message).toMatch(/manifests\.yaml:\d+:\d+ {2}spec\.rules\[0\]\.retry {2}not supported/);
});

/* What is said and put in force, one after the other. */
async function follow(source: ReturnType<typeof folder>["source"]) {
  const opened = await openConfig(source);
  onTestFinished(() => opened.close());
  const events: string[] = [];
  const lines: string[] = [];
  const error = (fields: Readonly<Record<string, unknown>>) => void lines.push(String(fields["reason"]));
  opened.watch({
    log: { ...silentLog, error },
    intervalMs: 10,
    apply: ({ routes }) => void events.push(Object.keys(routes ?? {}).join()),
    refused: () => void events.push("refused"),
  });
  const until = async (count: number) => {
    await expect.poll(() => events.length, { timeout: 20_000 }).toBe(count);
  };
  return { events, lines, until };
}

test("a folder that goes away, or is emptied as by a volume that is no longer mounted, is an error and takes nothing away", async () => {
  const { dir, source, write, file } = folder(manifests(openGateway, service("v1"), route("one", to())));
  const moved = `${dir}-moved`;
  const base = readFileSync(file, "utf8");
  const { events, lines, until } = await follow(source);
  renameSync(dir, moved);
  onTestFinished(() => rmSync(moved, { recursive: true, force: true }));
  await until(1);
  mkdirSync(dir);
  writeFileSync(file, base);
  await until(2);
  expect(events).toEqual(["refused", "refused"]);
  expect(lines[0]).toContain("no such file");
  expect(lines[1]).toContain("no object is left here: to take everything away, start again");
  write(manifests(openGateway, service("v1"), route("two", to())));
  await until(3);
  expect(events.at(-1)).toBe("default/two");
});

test("a file that is none of manifests, or hidden, causes no change", async () => {
  const { dir, source, write } = folder(manifests(openGateway, service("v1"), route("one", to())));
  writeFileSync(join(dir, "README.md"), "# ours\n");
  mkdirSync(join(dir, ".git"));
  writeFileSync(join(dir, ".git", "index"), "x");
  symlinkSync(join(dir, ".git"), join(dir, "linked"));
  let read = 0;
  const { events, until } = await follow({
    ...source,
    read() {
      read += 1;
      return source.read();
    },
  });
  writeFileSync(join(dir, ".git", "index"), "xyz");
  writeFileSync(join(dir, "README.md"), "# ours, longer\n");
  /* By then it has looked many times. */
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect([read, events]).toEqual([1, []]);
  write(manifests(openGateway, service("v1"), route("two", to())));
  await until(1);
  expect(read).toBe(2);
});

test("what changes while it is read is taken up after it", async () => {
  const made = folder(manifests(openGateway, service("v1"), route("one", to())));
  let times = 0;
  const { events, until } = await follow({
    ...made.source,
    read() {
      const read = made.source.read();
      times += 1;
      if (times === 1) made.write(manifests(openGateway, service("v1"), route("two-and-longer", to())));
      return read;
    },
  });
  await until(1);
  expect(events).toEqual(["default/two-and-longer"]);
});

describe("a route whose Gateway is not there", () => {
  const said = manifests(service("v1"), route("one", to()));
  const open = `${baseConfig.replace("host: 127.0.0.1, port: 0, console", "host: 0.0.0.0, port: 0, console")}policies: open\n`;

  test.for([
    [
      "is served on `listen` where that answers this machine alone",
      baseConfig,
      ["default/one"],
      "served on the port of",
    ],
    ["is not served where `listen` answers others", open, [], "not served, as `listen` answers more than this machine"],
    ["is not served where `publicUrl` is for others", "publicUrl: https://gw.example.com\n", [], "not served, as"],
  ] as const)("%s", ([, base, names, message]) => {
    const { read, translation } = folder(said, base).source.build();
    expect(Object.keys(read.config?.routes ?? {})).toEqual(names);
    expect(translation.warnings.map((warning) => warning.message)).toEqual([
      expect.stringMatching(new RegExp(`^there is no Gateway gw in namespace infra here: the route is ${message}`)),
    ]);
  });

  test("is not left without the Gateway that was there: it has to go as well, or to name it no more", () => {
    const { write, source } = folder(manifests(openGateway, said));
    expect(source.build().read.config?.routes).toHaveProperty("default/one");
    write(said);
    for (let round = 0; round < 2; round++) {
      const { read } = source.build();
      expect(read.config === undefined && read.error.message).toMatch(
        /spec\.parentRefs\[0\] {2}there is no Gateway gw in namespace infra here any more: take it out of this route, too/,
      );
    }
    write(manifests(openGateway, said));
    expect(source.build().read.config?.routes).toHaveProperty("default/one");
    write(service("v1"));
    expect(source.build().read.config?.routes).toBeUndefined();
    write(said);
    expect(source.build().read.config?.routes).toHaveProperty("default/one");
  });
});

test("nothing is honoured in part: one object that cannot be is a refusal of all, with the place in its file", () => {
  const { read } = folder(
    manifests(
      openGateway,
      service("v1"),
      route("good", to()),
      route(
        "bad",
        to("filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: via, value: a}]}}], "),
      ),
      route("worse", to('matches: [{path: {type: RegularExpression, value: "(a+)+$"}}], ')),
    ),
  ).source.build();
  expect(read.config).toBeUndefined();
  const message = read.config === undefined ? read.error.message : "";
  expect(message).toMatch(/^the manifests cannot be honoured: 2 problems\n/);
  expect(message).toMatch(
    /manifests\.yaml:\d+:\d+ {2}spec\.rules\[0\]\.filters\[0\] {2}.*a header that the gateway does not set itself/,
  );
  expect(message).toMatch(/manifests\.yaml:\d+:\d+ {2}spec\.rules\[0\]\.matches\[0\] {2}/);
});

test("what the configuration file has already is a problem of the object, and not a silent winner", () => {
  const base = "policies: open\nroutes: {default/one: {rules: [{}]}}\n";
  const { read } = folder(manifests(openGateway, service("v1"), route("one", to())), base).source.build();
  expect(read.config === undefined && read.error.message).toMatch(
    /routes default\/one stands in the configuration file already/,
  );
});

test("what is wrong with the configuration file is said of that file", () => {
  const { read } = folder(manifests(openGateway), "policies: open\nlisten: {port: many}\n").source.build();
  expect(read.config === undefined && read.error).toBeInstanceOf(ConfigError);
});

test("references in a manifest stay as they stand: it reads no environment and no file", () => {
  const { read } = folder(
    manifests(
      openGateway,
      service("v1"),
      route(
        "one",
        to(
          "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-a, value: '${env:HOME}'}]}}], ",
        ),
      ),
    ),
  ).source.build();
  expect(read.config?.routes?.["default/one"]?.rules[0]?.filters).toMatchObject([
    { requestHeaders: { set: { "x-a": "${env:HOME}" } } },
  ]);
});

test("the configuration says which port is bound for which, and what a listener without one is to do", () => {
  const gateway = (port: number) => openGateway.replace("port: 80", `port: ${port}`);
  const listenersOf = (text: string, base: string) => {
    const { read } = folder(text, base).source.build();
    return read.config === undefined ? read.error.message : read.config.listeners;
  };
  const base = "policies: open\nlisten: {port: 4000}\n";
  expect(listenersOf(gateway(80), base)).toMatchObject({ "infra/gw/http": { publicPort: 80 } });
  expect(listenersOf(gateway(8080), base)).toMatchObject({ "infra/gw/http": { port: 8080, publicPort: 8080 } });
  expect(listenersOf(gateway(81), base)).toMatch(/port 81 .*kubernetes: \{ports: \{81: 4081\}\}/);
  expect(listenersOf(gateway(81), `${base}kubernetes: {ports: {81: 4081}}\n`)).toMatchObject({
    "infra/gw/http": { port: 4081, publicPort: 81 },
  });
});

test("without a configuration file the defaults hold: callers may do everything, on this machine", () => {
  const { dir } = manifestFolder(manifests(openGateway, service("v1"), route("one", to())));
  const { read } = createFolderSource({ path: dir, file: undefined, backends: new Map() }).build();
  expect(read.config).toMatchObject({ policies: "open", listen: { port: 4000 }, routes: { "default/one": {} } });
});

test("the manifests of docs/manifests.md are what they say", () => {
  const page = readFileSync(new URL("../../docs/manifests.md", import.meta.url), "utf8");
  const [, shown = ""] = /```yaml\n([^]*?)```/.exec(page) ?? [];
  const { dir } = manifestFolder(shown);
  const { read, translation } = createFolderSource({
    path: dir,
    file: undefined,
    backends: new Map([["shop.team-a", ["http://127.0.0.1:8080"]]]),
  }).build();
  expect(read.config?.routes).toMatchObject({ "team-a/shop": { hosts: ["shop.example.com"], tenant: "team-a" } });
  expect(translation.warnings.map(({ message }) => message)).toEqual([
    "there is no Service shop-next in namespace team-a",
  ]);
});
