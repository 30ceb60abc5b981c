import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { UsageError } from "../../src/cli/command.ts";
import { findGateway } from "../../src/cli/find-gateway.ts";
import { checkout, noteQuickstart } from "../../src/cli/quickstart-place.ts";
import { makeFolder } from "../config/config-folder.ts";

const none = { config: undefined, data: undefined };

test("a configuration that is named comes first, then sallyport.yaml in this folder, then the quickstart", () => {
  const folder = makeFolder({
    "sallyport.yaml": "listen: {console: {port: 5001}}\nstate: ./state/here.db\n",
    "other.yaml": "listen: {console: {host: 0.0.0.0, port: 6001}}\nstate: memory\n",
  });
  const here = folder.at(".");
  expect(findGateway({ ...none, config: folder.at("other.yaml") }, here)).toEqual({
    url: "http://127.0.0.1:6001",
    tokenFile: folder.at("data/admin-token"),
    which: `the gateway of ${folder.at("other.yaml")}`,
  });
  expect(findGateway(none, here)).toEqual({
    url: "http://127.0.0.1:5001",
    tokenFile: folder.at("state/admin-token"),
    which: "the gateway of ./sallyport.yaml; --config FILE names another, --data DIR a quickstart",
  });
  mkdirSync(folder.at("empty"));
  expect(findGateway(none, folder.at("empty"))).toMatchObject({
    tokenFile: join(checkout, "data", "admin-token"),
    which: expect.stringMatching(
      /^the quickstart, as there is no sallyport\.yaml in this folder; --config FILE/,
    ) as string,
  });
});

test("a quickstart is found on the port it was started on, by its data folder", () => {
  const folder = makeFolder();
  const data = folder.at(".");
  const place = { tokenFile: folder.at("admin-token"), which: `the quickstart with its data in ${data}` };
  expect(findGateway({ ...none, data })).toEqual({ ...place, url: "http://127.0.0.1:4001" });
  noteQuickstart(data, "http://127.0.0.1:24001");
  expect(findGateway({ ...none, data })).toEqual({ ...place, url: "http://127.0.0.1:24001" });
  expect(() => findGateway({ config: "x.yaml", data })).toThrow(UsageError);
});

test.for([
  ["a provider's key", 'models: {a: {provider: openai, key: "${env:NOT_SET_HERE}"}}', "data/admin-token"],
  [
    "a file that only the gateway may read",
    'models: {a: {provider: openai, key: "${file:/no/such/key}"}}',
    "data/admin-token",
  ],
  ["the password of Redis", 'state: "redis://user:${env:NOT_SET_HERE}@redis:6379"', "data/admin-token"],
  [
    "the file of the token itself",
    "state: redis://redis:6379\nlisten: {console: {port: 7001, tokenFile: ../secrets/t}}",
    "../secrets/t",
  ],
  ["a part that is wrong", "mcp: {servers: wrong}\nstate: ./x/s.db", "x/admin-token"],
] as const)("%s is not needed to find a gateway", ([, yaml, tokenFile]) => {
  const folder = makeFolder({
    "s.yaml": `policies: open\n${yaml.includes("listen") ? "" : "listen: {console: {port: 7001}}\n"}${yaml}\n`,
  });
  expect(findGateway({ ...none, config: folder.at("s.yaml") })).toMatchObject({
    url: "http://127.0.0.1:7001",
    tokenFile: folder.at(tokenFile),
  });
});

test.for([
  ["a missing file", undefined, /there is no such file/],
  ["no YAML", "listen: [", /s\.yaml/],
  ["a port that is no port", "policies: open\nlisten: {console: {port: many}}\n", /listen\.console\.port/],
  ["a place that nobody here knows", 'policies: open\nstate: "${env:NOT_SET_HERE}"\n', /NOT_SET_HERE is not set/],
] as const)("%s is said as `check` says it", ([, yaml, message]) => {
  const folder = makeFolder();
  if (yaml !== undefined) writeFileSync(folder.at("s.yaml"), yaml);
  expect(() => findGateway({ ...none, config: folder.at("s.yaml") })).toThrow(message);
});
