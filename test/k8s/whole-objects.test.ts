import { expect, test, vi } from "vitest";
import { buildConfig } from "../../src/k8s/build-config.ts";
import { parseManifests } from "../../src/k8s/read-manifests.ts";
import type { ObjectStatus } from "../../src/k8s/status.ts";
import { manifestFolder, manifests, openGateway } from "./manifests-scene.ts";

/* Nothing that an object can say is refused with no object to blame, as far as is known: here 40 routes are too many. */
vi.mock("../../src/config/checks.ts", async (original) => {
  const { checks, ...rest } = await original<typeof import("../../src/config/checks.ts")>();
  const tooMany: (typeof checks)[number] = ({ routes = {} }) =>
    Object.keys(routes).length > 40 ? [{ path: ["routes"], message: "too many routes" }] : [];
  return { ...rest, checks: [...checks, tooMany] };
});

const gatewayClass = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sallyport}
spec: {controllerName: sallyport.dev/gateway}
`;
const gateway = (namespace: string, name: string, listener: string) => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: ${name}, namespace: ${namespace}}
spec: {gatewayClassName: sallyport, listeners: [{name: http, protocol: HTTP, ${listener}}]}
`;
const route = (namespace: string, name: string, rule = "") => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  parentRefs: [{name: gw, namespace: infra}]
  hostnames: [${name.slice(0, 60)}.${namespace}.example.com]
  rules: [{backendRefs: [{name: v1, port: 80}], ${rule}}]
`;
const own = (kind: string, namespace: string, name: string, spec: string) => `
apiVersion: sallyport.dev/v1alpha1
kind: ${kind}
metadata: {name: ${name}, namespace: ${namespace}}
spec: {${spec}}
`;
const server = (namespace: string, name: string) =>
  own("MCPServer", namespace, name, `url: "http://${name.slice(0, 9)}.vendor.com/mcp"`);
const viaHeader = "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: via, value: a}]}}]";
/* As long as Kubernetes has them. */
const long = (name: string) => name.padEnd(253, "x");

function build(base: string, documents: readonly string[]) {
  let rounds = 0;
  const { file } = manifestFolder("", base);
  const parsed = parseManifests(manifests(gatewayClass, openGateway, ...documents), "x.yaml");
  const built = buildConfig(parsed.manifests, parsed.problems, {
    file,
    source: "cluster",
    observe(objects) {
      rounds += 1;
      return objects;
    },
  });
  return { ...built, config: built.read.config, rounds: () => rounds };
}
/* Who maps a port to that of the health checks has listeners that cannot be, and only the whole configuration shows it. */
const platform = `
listen: {host: 127.0.0.1, port: 4980, console: {port: 0}, health: {host: 127.0.0.1, port: 4981}}
kubernetes: {platformNamespaces: [infra], ports: {80: 4980, 81: 4981, 82: 4982}}
`;

/* Those whose status says that they are not, and why. */
const refusedOf = (statuses: readonly ObjectStatus[]) =>
  statuses.flatMap(({ kind, namespace, name, status }) =>
    /"type":"Accepted","status":"False","reason":"\w+","message":"[^"]/.test(JSON.stringify(status))
      ? [`${kind} ${namespace}/${name}`]
      : [],
  );

test("names as long as Kubernetes has them are served", () => {
  const { config, translation } = build(platform, [
    gateway("team-x", long("g"), "port: 82, hostname: x.example.com"),
    route("team-x", long("r")),
    server("team-x", long("s")),
  ]);
  expect(translation.problems).toEqual([]);
  expect(Object.keys(config?.listeners ?? {})).toContain(`team-x/${long("g")}/http`);
  expect(Object.keys(config?.routes ?? {})).toEqual([`team-x/${long("r")}`]);
});

test("what a thousand objects have in common and cannot be is refused with all of them at once", () => {
  const { config, translation, rounds } = build(platform, [
    ...Array.from({ length: 1_000 }, (_, index) => gateway("team-x", `g${index}`, "port: 81, hostname: x.example.com")),
    route("team-b", "good"),
  ]);
  expect(Object.keys(config?.routes ?? {})).toEqual(["team-b/good"]);
  expect([translation.problems.length, rounds()]).toEqual([1_000, 2]);
});

test("tenants whose hosts come up one after the other are all refused, and the others served", () => {
  const teams = Array.from({ length: 12 }, (_, index) => `team-${String.fromCharCode(97 + index)}`);
  const { config, translation } = build(platform, [
    ...teams.map((team) => gateway(team, "g", "port: 81, hostname: x.example.com")),
    route("team-z", "good"),
  ]);
  expect(Object.keys(config?.routes ?? {})).toEqual(["team-z/good"]);
  expect(refusedOf(translation.statuses)).toEqual(teams.map((team) => `Gateway ${team}/g`));
});

test("servers whose namespace has its path in the configuration file are served, each at its own", () => {
  const names = Array.from({ length: 10 }, (_, index) => `s${index}`);
  const { config, translation } = build(
    `${platform}mcp: {servers: {own: {url: "http://own.vendor.com/mcp"}}, routes: {/mcp/team-b: {servers: [own]}}}\n`,
    names.map((name) => server("team-b", name)),
  );
  expect(config?.mcp?.routes["/mcp/team-b"]?.servers).toEqual(["own"]);
  expect(Object.keys(config?.mcp?.servers ?? {})).toEqual(["own", ...names.map((name) => `team-b/${name}`)]);
  expect(Object.keys(config?.mcp?.routes ?? {})).toHaveLength(11);
  expect(translation.problems).toEqual([]);
  expect(translation.warnings).toHaveLength(10);
});

test("what is too much of all objects together is refused of the namespace that has the most", () => {
  const many = (namespace: string, count: number) =>
    Array.from({ length: count }, (_, index) => route(namespace, `r${index}`));
  const { config, translation, rounds } = build(platform, [...many("team-a", 100), ...many("team-b", 5)]);
  const names = Object.keys(config?.routes ?? {});
  expect(names.filter((name) => name.startsWith("team-b/"))).toHaveLength(5);
  expect(names).toHaveLength(40);
  expect(new Set(translation.problems.map(({ message }) => message))).toEqual(
    new Set(["the configuration cannot hold it beside what else there is: routes: too many routes"]),
  );
  expect(refusedOf(translation.statuses)).toHaveLength(65);
  expect(rounds()).toBeLessThan(100);
});

test("where the configuration file is at fault by itself, no object is blamed", () => {
  const { read, translation } = build(`${platform}models: {m: {pool: none, model: m}}\n`, [route("team-a", "good")]);
  expect(read.config).toBeUndefined();
  expect(translation.problems).toEqual([]);
});

/* Numbers that look random and are the same each time (mulberry32). */
function randomOf(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

test.for(Array.from({ length: 20 }, (_, seed) => seed))(
  "of any mixture the good are in force and the bad say why (%i)",
  (seed) => {
    const random = randomOf(seed);
    const good: string[] = [];
    const bad: string[] = [];
    const taken: string[] = [];
    const documents = Array.from({ length: 40 }, (_, index) => {
      const namespace = `team-${random(5)}`;
      const plain = `o${index}`;
      const name = random(2) === 0 ? plain : long(plain);
      const id = `${namespace}/${name}`;
      const kinds: readonly (readonly [sound: boolean, id: string, text: string])[] = [
        [true, `HTTPRoute ${id}`, route(namespace, name)],
        [false, `HTTPRoute ${id}`, route(namespace, name, viaHeader)],
        [true, `MCPServer ${id}`, server(namespace, name)],
        [false, `MCPServer ${id}`, own("MCPServer", namespace, name, 'url: "http://127.0.0.1:1/mcp"')],
        [false, `MCPServer taken/${plain}`, server("taken", plain)],
        [true, `A2AAgent ${id}`, own("A2AAgent", namespace, name, 'url: "http://a.vendor.com"')],
        [false, `Gateway ${id}`, gateway(namespace, name, `port: 81, hostname: ${plain}.example.com`)],
      ];
      const [sound, what, text] = kinds[random(kinds.length)] ?? [true, "", ""];
      (sound ? good : bad).push(what);
      if (what === `MCPServer taken/${plain}`) taken.push(plain);
      return text;
    });
    const { config, translation, rounds } = build(
      `${platform}mcp: {servers: {${taken.map((name) => `"taken/${name}": {url: "http://own.vendor.com/mcp"}`).join(", ")}}, routes: {}}\n`,
      documents,
    );
    if (config === undefined) throw new Error("no configuration");
    const inForce = [
      ...Object.keys(config.routes ?? {}).map((name) => `HTTPRoute ${name}`),
      ...Object.entries(config.mcp?.servers ?? {}).flatMap(([name, { tenant }]) =>
        tenant === undefined ? [] : [`MCPServer ${name}`],
      ),
      ...Object.keys(config.a2a?.agents ?? {}).map((name) => `A2AAgent ${name}`),
    ];
    expect(inForce.toSorted()).toEqual(good.toSorted());
    expect(refusedOf(translation.statuses).toSorted()).toEqual(bad.toSorted());
    expect(rounds()).toBeLessThan(6);
  },
);
