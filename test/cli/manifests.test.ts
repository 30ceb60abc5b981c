import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commands } from "../../src/cli/registry.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { manifestFolder, manifests, openGateway, route, service } from "../k8s/manifests-scene.ts";

async function run(...args: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCommand(commands, "0", args, {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

const shop = route(
  "shop",
  `hostnames: [shop.example.com], rules: [
    {matches: [{path: {value: /cart}, method: POST, headers: [{name: x-version, value: "2"}], queryParams: [{name: q, type: RegularExpression, value: "[a-z]"}]}, {path: {type: Exact, value: /x}}],
     filters: [{type: URLRewrite, urlRewrite: {hostname: cart.internal}}], backendRefs: [{name: shop, port: 80, weight: 9}, {name: next, port: 80}]},
    {matches: [{path: {value: /old}}], filters: [{type: RequestRedirect, requestRedirect: {}}]}]`,
);

test("check prints which request goes where, with warnings for what is not in the folder", async () => {
  const { dir, file } = manifestFolder(manifests(openGateway, service("shop"), shop));
  const { code, out, err } = await run(
    "check",
    "--manifests",
    dir,
    "--config",
    file,
    "--backend",
    "shop=http://127.0.0.1:8080,http://127.0.0.1:8081",
  );
  expect(code).toBe(0);
  expect(out.split("\n").slice(-4)).toEqual([
    "route default/shop  shop.example.com  by infra/gw/http",
    "  POST, /cart, header x-version = 2, query q ~ [a-z] → default/shop:80 90%, 500 (there is no Service next in namespace default) 10% (rewrite)",
    "  = /x → default/shop:80 90%, 500 (there is no Service next in namespace default) 10% (rewrite)",
    "  /old → redirect",
  ]);
  expect(err).toMatch(
    /^warning: .*manifests\.yaml:\d+:\d+ {2}spec\.rules\[0\]\.backendRefs\[1\] {2}there is no Service next in namespace default$/,
  );
});

test("check says which files it passes over, which --backend nothing leads to, and where what is unused stands", async () => {
  const unused = `apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: idle, namespace: team-a}
spec: {selector: {matchLabels: {app: idle}}, targetPorts: [{number: 8000}]}
`;
  const { dir, file } = manifestFolder(manifests(openGateway, service("shop"), shop, unused));
  writeFileSync(join(dir, "README.md"), "# ours\n");
  writeFileSync(join(dir, "more.YAML"), service("next"));
  const { code, out, err } = await run(
    "check",
    "--manifests",
    dir,
    "--config",
    file,
    "--backend",
    "shp=http://127.0.0.1:8080",
    "--backend",
    "next=http://127.0.0.1:8081",
  );
  expect(code).toBe(0);
  expect(err).toMatch(/^note: passed over, as names of manifests end in \.yaml, \.yml or \.json: .*README\.md$/m);
  expect(err).toMatch(
    /^warning: --backend shp\.default {2}nothing that is read leads to shp\.default; did you mean shop\.default\?$/m,
  );
  expect(err).not.toContain("--backend next");
  expect(err).toMatch(/^warning: .*manifests\.yaml:\d+:\d+ {2}no model is of this pool and no route leads to it/m);
  expect(out).toMatch(/^state\s+in memory: /m);
});

test("check ends with 1 where an object cannot be honoured, and says each place", async () => {
  const { dir } = manifestFolder(
    manifests(openGateway, route("a", "rules: [{retry: {}}]"), route("b", "hostnames: [A]")),
  );
  const { code, out, err } = await run("check", "--manifests", dir, "--backend", "shop=http://127.0.0.1:8080");
  expect([code, out]).toEqual([1, ""]);
  expect(err).not.toContain("nothing that is read");
  expect(err).toMatch(/2 problems\n.*spec\.rules\[0\]\.retry.*\n.*spec\.hostnames\[0\]/);
});

test("serve refuses to start with the same", async () => {
  const { dir } = manifestFolder(manifests(openGateway, route("a", "rules: [{retry: {}}]")));
  const { code, err } = await run("serve", "--manifests", dir);
  expect(code).toBe(1);
  expect(err).toMatch(/spec\.rules\[0\]\.retry {2}not supported/);
});

test.for([
  [["check"], /give either FILE or --manifests DIR/],
  [["check", "x.yaml", "--manifests", "."], /give either FILE or --manifests DIR/],
  [["check", "x.yaml", "--backend", "a.b=http://c"], /--backend goes with --manifests/],
  [["check", "--manifests", ".", "--backend", "a.b=http://c/path"], /NAME\.NAMESPACE=URL/],
  [["check", "--manifests", ".", "--backend", "a.b.c=http://c"], /NAME\.NAMESPACE=URL/],
  [
    ["check", "--manifests", ".", "--backend", "a=http://c", "--backend", "a.default=http://d"],
    /says twice where a\.default is/,
  ],
  [["serve", "--quickstart", "--manifests", "."], /does not go with --quickstart/],
  [["serve"], /--manifests DIR/],
] as const)("%j is a mistake of the command line", async ([args, expected]) => {
  const { code, err } = await run(...args);
  expect(code).toBe(2);
  expect(err).toMatch(expected);
});
