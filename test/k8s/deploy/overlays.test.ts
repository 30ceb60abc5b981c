import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readConfig } from "../../../src/config/load.ts";
import { kinds } from "../../../src/k8s/kinds/registry.ts";
import { faultsOf, grantsIn } from "./demands.ts";
import {
  find,
  k8s,
  type Manifest,
  readAdded,
  readKustomization,
  readKustomized,
  readManifests,
  readResources,
} from "./manifests.ts";
import { makeSecrets, mountFiles } from "./mounts.ts";
import { openBlocks, openWays, outside } from "./network.ts";
import { type PodSpec, workloadOf } from "./pods.ts";
import {
  baseWays,
  grants,
  laptopWays,
  productionBlocks,
  productionWays,
  unfilled,
  watchBlocks,
  watchWays,
} from "./wanted.ts";

const base = readKustomized(join(k8s, "base"));
const laptop = join(k8s, "overlays/laptop");
const production = join(k8s, "overlays/production");

/** Of a patch, which object it changes. */
function targetsOf(folder: string): readonly string[] {
  return (readKustomization(folder).patches ?? []).map(({ path, patch, target }) => {
    if (target !== undefined) return `${target.kind}/${target.name}`;
    const { kind, metadata } = parse(patch ?? readFileSync(join(folder, path ?? ""), "utf8")) as Manifest;
    return `${kind}/${metadata.name}`;
  });
}

const envOf = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (readKustomization(folder).configMapGenerator ?? [])
      .flatMap(({ literals = [] }) => literals)
      .map((literal) => literal.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );

/** What a configuration reads from `../secrets` and `../tls`, as `secrets/api-key`. */
const filesOf = (config: string): readonly string[] =>
  [...new Set([...config.matchAll(/\.\.\/((?:secrets|tls)\/[\w.-]+)/g)].map(([, path = ""]) => path))].toSorted();

/** The files that a pod mounts below /etc/sallyport, in the same form. */
function mountedIn({ volumes = [] }: PodSpec): readonly string[] {
  const tls = volumes.some(({ name }) => name === "tls") ? ["tls/tls.crt", "tls/tls.key"] : [];
  const secrets = volumes.find(({ name }) => name === "secrets")?.secret?.items ?? [];
  return [...secrets.map(({ key }) => `secrets/${key}`), ...tls].toSorted();
}

/** What `check` would say of a configuration where it is mounted. */
function problemsOf(config: string, env: Readonly<Record<string, string>>): string {
  const etc = mkdtempSync(join(tmpdir(), "sallyport-etc-"));
  try {
    const files = filesOf(config).map((path) => path.split("/") as [string, string]);
    for (const folder of ["secrets", "tls"]) {
      const names = files.filter(([top]) => top === folder).map(([, name]) => name);
      mountFiles(join(etc, folder), makeSecrets(names));
    }
    mountFiles(join(etc, "policies"), find(base, "ConfigMap", "sallyport-policies").data ?? {});
    mountFiles(join(etc, "config"), { "sallyport.yaml": config });
    const read = readConfig(join(etc, "config/sallyport.yaml"), { env });
    return read.config === undefined ? read.error.message : "";
  } finally {
    rmSync(etc, { recursive: true });
  }
}

const baseConfig = find(base, "ConfigMap", "sallyport-config").data?.["sallyport.yaml"] ?? "";

describe("the configuration of the base", () => {
  test("loads with the environment of its ConfigMap and of the laptop's, and reads the files that the pod mounts", () => {
    const env = find(base, "ConfigMap", "sallyport-env").data ?? {};
    expect(problemsOf(baseConfig, env)).toBe("");
    expect(problemsOf(baseConfig, { ...env, ...envOf(laptop) })).toBe("");
    expect(problemsOf(baseConfig, {})).toContain("PUBLIC_URL");
    expect(mountedIn(workloadOf(find(base, "Deployment", "sallyport")).pod)).toEqual(filesOf(baseConfig));
  });

  test("names only upstreams that have a Service, and each has an open way to it", () => {
    const upstreams = [...baseConfig.matchAll(/url: "http:\/\/([\w-]+):(\d+)/g)].map(([, host = "", port = ""]) => [
      host,
      port,
    ]);
    expect(upstreams.length).toBe(5);
    for (const [host = "", port = ""] of upstreams) {
      const { ports } = find(base, "Service", host).spec as { readonly ports: readonly { readonly port: number }[] };
      expect(ports.map((one) => `${one.port}`)).toEqual([port]);
      expect(baseWays).toContain(`sallyport > ${host} TCP/${port}`);
    }
  });
});

describe("the laptop's overlay", () => {
  test("adds a simulated model server, which is as restricted as all else and reached by the gateway alone", () => {
    const objects = readResources(laptop);
    expect(faultsOf(objects)).toEqual([]);
    expect(openWays(objects, outside)).toEqual(laptopWays);
    expect(envOf(laptop)["MODEL_URL"]).toBe("http://simulator.sallyport.svc.cluster.local:8000");
  });

  test("changes nothing but the environment, the number of replicas and the autoscaler, which it takes away", () => {
    const { namespace, configMapGenerator, replicas } = readKustomization(laptop);
    expect([namespace, replicas, targetsOf(laptop)]).toEqual([
      "sallyport",
      [{ name: "sallyport", count: 1 }],
      ["HorizontalPodAutoscaler/sallyport"],
    ]);
    expect(configMapGenerator?.map(({ name, behavior }) => [name, behavior])).toEqual([["sallyport-env", "merge"]]);
    const known = Object.keys(find(base, "ConfigMap", "sallyport-env").data ?? {});
    expect(Object.keys(envOf(laptop)).filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe("the overlay that follows the cluster", () => {
  const watch = join(k8s, "overlays/watch");
  const objects = [...readResources(laptop), ...readAdded(watch)];

  test("is the laptop's, with ports for listeners at 80 and 443", () => {
    const { resources, components, patches = [] } = readKustomization(watch);
    expect([resources, components]).toEqual([["../laptop", "network-policy.yaml"], ["../../components/follow"]]);
    expect(targetsOf(watch)).toEqual(["Deployment/sallyport", "Service/sallyport"]);
    expect(patches.flatMap(({ patch = "" }) => parse(patch) as object[])).toEqual([
      expect.objectContaining({ op: "add", value: { name: "https", containerPort: 4443 } }),
      expect.objectContaining({
        op: "add",
        value: expect.objectContaining({ port: 80, targetPort: "http" }) as object,
      }),
      expect.objectContaining({
        op: "add",
        value: expect.objectContaining({ port: 443, targetPort: "https" }) as object,
      }),
    ]);
    const open = openWays(objects, outside);
    /* The port is a patch's: kustomize alone shows the way to it. */
    expect([...open, "caller > sallyport TCP/4443"].toSorted()).toEqual(watchWays);
  });

  test("gets from a component a flag, a token, roles for what it reads and writes, and the way to the API server alone", () => {
    const follow = join(k8s, "components/follow");
    expect(readKustomization(follow).patches?.map(({ patch = "" }) => parse(patch) as object)).toEqual([
      [
        { op: "add", path: "/spec/template/spec/containers/0/args/-", value: "--kubernetes" },
        { op: "replace", path: "/spec/template/spec/automountServiceAccountToken", value: true },
      ],
    ]);
    expect(grantsIn(objects)).toEqual(grants);
    expect(JSON.stringify(objects.filter(({ kind }) => kind.endsWith("Role")))).not.toContain('"*"');
    expect(openBlocks(objects)).toEqual(watchBlocks);
  });

  test("is refused by an API server until its address is filled in", () => {
    expect(faultsOf(objects)).toEqual([unfilled]);
  });

  test("brings the definition of every kind of our own", () => {
    const defined = readResources(join(k8s, "crds")).map(({ metadata }) => metadata.name);
    const own = kinds.filter(({ group }) => group === "sallyport.dev").map(({ group, plural }) => `${plural}.${group}`);
    expect(defined.toSorted()).toEqual(own.toSorted());
  });
});

describe("the production overlay", () => {
  const config = readFileSync(join(production, "sallyport.yaml"), "utf8");
  const [patched] = readManifests(join(production, "deployment.yaml"));
  const patch = (patched?.spec as { readonly template: { readonly spec: PodSpec } }).template.spec;

  test("is the gateway without samples and without Redis, with ways to the public internet at 443 and to its Redis alone", () => {
    const objects = readResources(production);
    expect(objects.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet")).toHaveLength(1);
    expect(openWays(objects, outside)).toEqual(productionWays);
    expect(openBlocks(objects)).toEqual(productionBlocks);
    expect(grantsIn(objects)).toEqual(grants);
  });

  test("follows the cluster, once the API server's address stands in a patch of its own", () => {
    expect(readKustomization(production).components).toEqual(["../../components/follow"]);
    expect(faultsOf(readResources(production)).filter((fault) => !fault.includes("nobody makes"))).toEqual([unfilled]);
    const [own] = (readKustomization(production).patches ?? []).filter(
      ({ target }) => target?.kind === "NetworkPolicy",
    );
    expect(parse(own?.patch ?? "")).toEqual([
      { op: "replace", path: "/spec/egress/0/to", value: [{ ipBlock: { cidr: "API_SERVER_ADDRESS/32" } }] },
    ]);
  });

  test("patches objects that it has, and weakens no container", () => {
    for (const target of targetsOf(production)) {
      const [kind = "", name = ""] = target.split("/");
      expect(find(readResources(production), kind, name).kind).toBe(kind);
    }
    expect(Object.keys(patch)).toEqual(["containers", "volumes"]);
    expect(patch.containers.map((container) => Object.keys(container))).toEqual([
      ["name", "resources", "volumeMounts"],
    ]);
    expect(readKustomization(production).replicas).toEqual([{ name: "sallyport", count: 3 }]);
  });

  test("has a configuration that loads, over TLS, with identity, limits for a team and for each model, and files that are mounted", () => {
    expect(problemsOf(config, envOf(production))).toBe("");
    expect(mountedIn(patch)).toEqual(filesOf(config));
    expect(parse(config)).toMatchObject({
      listen: { tls: { cert: "../tls/tls.crt", key: "../tls/tls.key" } },
      auth: { issuers: ["https://login.example.com"] },
      budgets: [
        { per: "tenant", limits: ["1M tokens/min", "$200/day"] },
        { per: "tenant", limits: ["500k tokens/min on small", "10k tokens/min on gpt-4o"], onExhausted: "fallback" },
      ],
    });
    expect((parse(config) as { state: { redis: string } }).state.redis).toMatch(/^rediss:\/\//);
  });
});

test("every file of k8s that another one names is there", () => {
  const folders = [
    "base",
    "base/namespace",
    "base/gateway",
    "base/redis",
    "base/samples",
    "components/follow",
    "crds",
    "overlays/laptop",
    "overlays/watch",
    "overlays/production",
  ];
  for (const folder of folders.map((name) => join(k8s, name))) {
    const { resources, components = [], configMapGenerator = [], patches = [] } = readKustomization(folder);
    const named = [
      ...resources,
      ...components,
      ...configMapGenerator.flatMap(({ files = [] }) => files),
      ...patches.flatMap(({ path }) => path ?? []),
    ];
    expect(named.filter((name) => !existsSync(resolve(folder, name)))).toEqual([]);
    expect(dirname(folder)).toContain("k8s");
  }
});
