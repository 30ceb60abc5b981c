import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { compose, type Resources } from "./compose.ts";
import { compilePolicy, type ValidatingPolicy } from "./kyverno.ts";
import { find, k8s, type Labels, type Manifest, readKustomization, readManifests, readResources } from "./manifests.ts";
import { openWays, type Place } from "./network.ts";
import { workloadsOf } from "./pods.ts";
import { breachesOf } from "./restricted.ts";
import { fillSkeleton } from "./skeleton.ts";

const platform = join(k8s, "platform");
const read = (name: string) => readFileSync(join(platform, name), "utf8");
const approved = readManifests(join(k8s, "kyverno/approved-models.yaml"));
const policies = readdirSync(join(k8s, "kyverno/policies")).map(
  (name) => readManifests(join(k8s, "kyverno/policies", name))[0] as ValidatingPolicy,
);

const gateway: Place = {
  name: "gateway",
  namespace: "sallyport",
  labels: { "app.kubernetes.io/name": "sallyport" },
  namespaceLabels: { "kubernetes.io/metadata.name": "sallyport" },
  ports: ["TCP/4000"],
};
const stranger: Place = { ...gateway, name: "stranger", namespace: "default", namespaceLabels: {}, ports: ["TCP/443"] };

describe("the Argo CD application", () => {
  test("keeps a cluster as the production overlay has it, but for the number of replicas, which is the autoscaler's", () => {
    const [application] = readManifests(join(platform, "argo-cd.yaml"));
    expect(application).toMatchObject({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Application",
      metadata: { namespace: "argocd" },
      spec: {
        project: "default",
        source: { repoURL: expect.stringMatching(/^https:/) as string, targetRevision: "main" },
        destination: { server: "https://kubernetes.default.svc", namespace: "sallyport" },
        ignoreDifferences: [{ group: "apps", kind: "Deployment", name: "sallyport", jsonPointers: ["/spec/replicas"] }],
        syncPolicy: { automated: { prune: true, selfHeal: true } },
      },
    });
    const { source, syncPolicy } = application?.spec as {
      readonly source: { readonly path: string };
      readonly syncPolicy: { readonly syncOptions: readonly string[] };
    };
    expect(readKustomization(join(k8s, "..", source.path)).resources).toContain("../../base/gateway");
    /* Without it the difference is not shown, and is written all the same. */
    expect(syncPolicy.syncOptions).toContain("RespectIgnoreDifferences=true");
  });
});

interface Template {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly type: string;
    readonly owner: string;
    readonly parameters: readonly {
      readonly title: string;
      readonly properties: Readonly<Record<string, { readonly enum?: readonly string[] }>>;
    }[];
    readonly steps: readonly {
      readonly id: string;
      readonly action: string;
      readonly input: { readonly url?: string; readonly values?: Readonly<Record<string, string>> };
    }[];
    readonly output: { readonly links: readonly { readonly url: string }[] };
  };
}

const values = { name: "support-bot", namespace: "support", model: "llama-3-8b", tokensPerMinute: "100000" };

const skeleton = (filled: Readonly<Record<string, string>> = values) => fillSkeleton(filled);

describe("the Backstage template", () => {
  const text = read("backstage.yaml");
  const template = parse(text) as Template;
  const { parameters, steps } = template.spec;

  test("is a template of this version, with a type, an owner, and steps that do what Backstage can", () => {
    expect([template.apiVersion, template.kind]).toEqual(["scaffolder.backstage.io/v1beta3", "Template"]);
    expect([template.spec.type, template.spec.owner].every((one) => one.length > 0)).toBe(true);
    expect(steps.map(({ action }) => action)).toEqual(["fetch:template", "publish:github:pull-request"]);
    /* In an expression a dash would be a minus. */
    expect(steps.every(({ id }) => /^[a-z][A-Za-z]*$/.test(id))).toBe(true);
  });

  test("uses parameters it asks for, steps it has, and values that the skeleton reads", () => {
    const asked = parameters.flatMap(({ properties }) => Object.keys(properties));
    const used = [...text.matchAll(/\$\{\{ parameters\.(\w+) \}\}/g)].map(([, name = ""]) => name);
    expect(new Set(used)).toEqual(new Set(asked));
    const named = [...text.matchAll(/\$\{\{ steps\.(\w+)\.output/g)].map(([, id = ""]) => id);
    expect(named).toEqual(["publish"]);
    const given = Object.keys(steps[0]?.input.values ?? {});
    const wanted = readdirSync(join(platform, "skeleton")).flatMap((name) =>
      [...read(`skeleton/${name}`).matchAll(/\$\{\{ values\.(\w+) \}\}/g)].map(([, value = ""]) => value),
    );
    expect(new Set(given)).toEqual(new Set(wanted));
  });

  test("asks with forms that take what is meant and refuse what is not", () => {
    const [form] = parameters.map((one) => z.fromJSONSchema({ type: "object", ...one } as never));
    const good = { ...values, tokensPerMinute: 100_000 };
    expect(form?.safeParse(good).success).toBe(true);
    for (const wrong of [
      { name: "Support Bot" },
      { model: "gpt-4o" },
      { tokensPerMinute: 1 },
      { namespace: undefined },
    ])
      expect([wrong, form?.safeParse({ ...good, ...wrong }).success]).toEqual([wrong, false]);
  });

  test("offers models that are approved for some class of data", () => {
    const offered = parameters[0]?.properties["model"]?.enum ?? [];
    const known = new Set(Object.values(approved[0]?.data ?? {}).flatMap((names) => names.split(",")));
    expect(offered.length).toBeGreaterThan(0);
    expect(offered.filter((name) => !known.has(name))).toEqual([]);
  });

  test("writes a Deployment that is restricted, takes prompts from the gateway alone and reaches nothing", () => {
    const objects = skeleton();
    expect(workloadsOf(objects).flatMap(({ pod }) => breachesOf(pod))).toEqual([]);
    expect(openWays(objects, [gateway, stranger])).toEqual(["gateway > support-bot TCP/8000"]);
  });

  test("writes pods that the gateway of the production overlay reaches, from namespaces that the platform labelled alone", () => {
    const production = readResources(join(k8s, "overlays/production"));
    const namespace = (labels: Labels): Manifest => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "support", labels: { "kubernetes.io/metadata.name": "support", ...labels } },
    });
    const ways = (labels: Labels) =>
      openWays([...skeleton(), ...production, namespace(labels)], []).filter((way) => way.includes("support-bot"));
    expect(ways({ "sallyport.dev/routes": "true" })).toEqual(["sallyport > support-bot TCP/8000"]);
    expect(ways({})).toEqual([]);
  });

  const judge = (objects: readonly Manifest[], dataClass: string) => {
    const namespace: Manifest = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "support", labels: { "sallyport.dev/data-class": dataClass } },
    };
    const cluster = [...objects, ...approved, namespace];
    return policies.flatMap(
      (policy) => compilePolicy(policy)(find(objects, "Deployment", "support-bot"), cluster) ?? [],
    );
  };

  test("writes what Kyverno's policies let in, and nothing they let in without its limit, its masking or its approval", () => {
    const objects = skeleton();
    expect(judge(objects, "confidential")).toEqual([]);
    const without = (kind: string) =>
      judge(
        objects.filter((object) => object.kind !== kind),
        "confidential",
      );
    expect(without("TokenRateLimitPolicy")).toEqual([expect.stringContaining("without a token limit")]);
    expect(without("TrafficPolicy")).toEqual([expect.stringContaining("nothing masks personal data")]);
    expect(judge(skeleton({ ...values, model: "mistral-7b" }), "confidential")).toEqual([
      expect.stringContaining("mistral-7b, which is not approved for confidential data"),
    ]);
  });

  test("writes what the gateway can honour: its route leads to its pool, is limited and masked", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sallyport-skeleton-"));
    try {
      const gatewayObject = {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "Gateway",
        metadata: { name: "sallyport", namespace: "sallyport" },
      };
      const listener = { name: "http", port: 80, protocol: "HTTP", allowedRoutes: { namespaces: { from: "All" } } };
      const spec = { gatewayClassName: "sallyport", listeners: [listener] };
      const all = [...skeleton(), { ...gatewayObject, spec }];
      writeFileSync(join(folder, "all.yaml"), all.map((object) => stringify(object)).join("---\n"));
      const program = join(k8s, "../src/main.ts");
      const { stdout } = await promisify(execFile)(process.execPath, [program, "check", "--manifests", folder]);
      for (const line of ["/models/support/support-bot → pool support/support-bot", "pii on llm", "(100000 tokens/1m)"])
        expect(stdout).toContain(line);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("leads the route to the pool, the pool to the pods, and has the limits there before the Deployment", () => {
    const objects = skeleton();
    const route = find(objects, "HTTPRoute", "support-bot").spec as { rules: { backendRefs: object[] }[] };
    expect(route.rules[0]?.backendRefs[0]).toMatchObject({ kind: "InferencePool", name: "support-bot" });
    const pool = find(objects, "InferencePool", "support-bot").spec as { selector: { matchLabels: object } };
    expect(workloadsOf(objects)[0]?.labels).toMatchObject(pool.selector.matchLabels);
    const waves = objects.map(({ kind, metadata }) => [
      kind,
      metadata.annotations?.["argocd.argoproj.io/sync-wave"] ?? "0",
    ]);
    expect(waves.filter(([, wave]) => wave !== "0")).toEqual([["Deployment", "1"]]);
  });
});

describe("the Crossplane composition", () => {
  const [definition] = readManifests(join(platform, "crossplane/definition.yaml"));
  const [composition] = readManifests(join(platform, "crossplane/composition.yaml"));
  const functions = readManifests(join(platform, "crossplane/functions.yaml"));
  const [example] = readManifests(join(platform, "crossplane/example.yaml"));
  const { group, names, scope, versions } = definition?.spec as {
    readonly group: string;
    readonly scope: string;
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly referenceable: boolean;
      readonly schema: { readonly openAPIV3Schema: object };
    }[];
  };
  const { compositeTypeRef, mode, pipeline } = composition?.spec as {
    readonly compositeTypeRef: object;
    readonly mode: string;
    readonly pipeline: readonly {
      readonly step: string;
      readonly functionRef: { readonly name: string };
      readonly input?: Resources;
    }[];
  };

  test("defines a kind of the second version, named after its plural and group", () => {
    expect(definition?.apiVersion).toBe("apiextensions.crossplane.io/v2");
    expect(definition?.metadata.name).toBe(`${names.plural}.${group}`);
    expect(scope).toBe("Namespaced");
    expect(versions.filter(({ served, referenceable }) => served && referenceable)).toHaveLength(1);
    expect(JSON.stringify(definition)).not.toMatch(/claimNames|connectionSecretKeys/);
  });

  test("has a schema that takes the example and refuses what is no size", () => {
    const schema = z.fromJSONSchema(versions[0]?.schema.openAPIV3Schema as never);
    expect(schema.safeParse(example).success).toBe(true);
    expect(schema.safeParse({ ...example, spec: { storage: "20GB" } }).success).toBe(false);
    expect(schema.safeParse({ ...example, spec: {} }).success).toBe(false);
  });

  test("is a pipeline for that kind, of functions that are installed, and ends when all is ready", () => {
    expect([composition?.apiVersion, mode]).toEqual(["apiextensions.crossplane.io/v1", "Pipeline"]);
    expect(compositeTypeRef).toEqual({ apiVersion: `${group}/${versions[0]?.name ?? ""}`, kind: names.kind });
    const installed = functions.filter(({ kind }) => kind === "Function").map(({ metadata }) => metadata.name);
    expect(pipeline.map(({ functionRef }) => functionRef.name)).toEqual(installed);
    expect(installed.at(-1)).toBe("function-auto-ready");
  });

  test("comes to a Milvus with the disk and the memory that were asked for, which the gateway alone reaches", () => {
    const made = compose(pipeline[0]?.input as Resources, example as Manifest);
    expect(made.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name])).toEqual(
      ["StatefulSet", "Service", "NetworkPolicy"].map((kind) => [kind, "support", "answers"]),
    );
    const [milvus] = workloadsOf(made);
    expect(milvus?.pod.containers[0]?.resources).toMatchObject({
      requests: { memory: "8Gi" },
      limits: { memory: "8Gi" },
    });
    expect(made[0]?.spec).toMatchObject({
      serviceName: "answers",
      volumeClaimTemplates: [{ spec: { resources: { requests: { storage: "20Gi" } } } }],
    });
    expect(breachesOf(milvus?.pod ?? { containers: [] })).toEqual([]);
    const { selector } = find(made, "Service", "answers").spec as { selector: object };
    expect(milvus?.labels).toEqual(selector);
    expect(openWays(made, [gateway, stranger])).toEqual(["gateway > answers TCP/19530"]);
  });

  test("may make what it composes, by a role that Crossplane takes up", () => {
    const role = find(functions, "ClusterRole", "crossplane-vectorstores") as Manifest & {
      readonly rules: readonly { readonly resources: readonly string[] }[];
    };
    expect(role.metadata.labels).toEqual({ "rbac.crossplane.io/aggregate-to-crossplane": "true" });
    expect(role.rules.flatMap(({ resources }) => resources)).toEqual(["statefulsets", "services", "networkpolicies"]);
  });
});

test("prometheus-adapter serves the metric of the autoscaler, summed over protocols, by pod", () => {
  const { rules } = parse(readFileSync(join(k8s, "prometheus-adapter.yaml"), "utf8")) as {
    readonly rules: { readonly custom: readonly Readonly<Record<string, unknown>>[] };
  };
  expect(rules.custom).toEqual([
    {
      seriesQuery: 'sallyport_in_flight{namespace!="",pod!=""}',
      resources: { overrides: { namespace: { resource: "namespace" }, pod: { resource: "pod" } } },
      name: { matches: "^sallyport_in_flight$" },
      metricsQuery: "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
    },
  ]);
});
