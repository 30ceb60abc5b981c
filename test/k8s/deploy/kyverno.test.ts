import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { compilePolicy, type ValidatingPolicy } from "./kyverno.ts";
import { find, k8s, type Manifest, readManifests } from "./manifests.ts";

const folder = join(k8s, "kyverno");
const read = (name: string) => parse(readFileSync(join(folder, name), "utf8")) as never;

const policies = readdirSync(join(folder, "policies")).map((name) => read(`policies/${name}`) as ValidatingPolicy);
const workloads = readManifests(join(folder, "samples/workloads.yaml"));
const { spec: context } = read("samples/context.yaml") as { spec: { resources: readonly Manifest[] } };
const { namespaces } = read("samples/values.yaml") as { namespaces: readonly Manifest[] };
const cluster = [...context.resources, ...namespaces];

interface CliTest {
  readonly policies: readonly string[];
  readonly results: readonly {
    readonly isValidatingPolicy: boolean;
    readonly policy: string;
    readonly kind: string;
    readonly resources: readonly string[];
    readonly result: "pass" | "fail";
  }[];
}
const cliTest = read("kyverno-test.yaml") as CliTest;

const sampleOf = (name: string): Manifest => {
  const found = workloads.find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw new Error(`there is no sample ${name}`);
  return found;
};
const judge = (policy: string, sample: string | Manifest, objects = cluster, old?: Manifest): string | undefined =>
  compilePolicy(find(policies, "ValidatingPolicy", policy) as ValidatingPolicy)(
    typeof sample === "string" ? sampleOf(sample) : sample,
    objects,
    old,
  );
const judges = (sample: string | Manifest) => policies.map(({ metadata }) => judge(metadata.name, sample));

/* Whose pods serve nobody, and who serves in a namespace that is left out. */
const passedOver = ["web", "fit"];

describe("the policies", () => {
  test.for(policies.map((policy): [string, ValidatingPolicy] => [policy.metadata.name, policy]))(
    "%s denies pods and what makes them as they are made and changed, also when it fails itself, and says why in words of its own",
    ([, { apiVersion, kind, spec }]) => {
      expect([apiVersion, kind]).toEqual(["policies.kyverno.io/v1", "ValidatingPolicy"]);
      expect(spec).toMatchObject({
        validationActions: ["Deny"],
        failurePolicy: "Fail",
      });
      const { resourceRules } = spec.matchConstraints;
      expect(resourceRules.every(({ operations }) => operations.join() === "CREATE,UPDATE")).toBe(true);
      const made = resourceRules.flatMap(({ resources }) => resources);
      expect(made).toEqual(["pods", "deployments", "statefulsets", "daemonsets", "jobs", "cronjobs"]);
      for (const { message, messageExpression } of spec.validations)
        expect([message, messageExpression].every((text) => text.length > 20)).toBe(true);
    },
  );

  const results = cliTest.results.flatMap(({ policy, kind, resources, result }) =>
    resources.map((resource): [string, string, string, string] => [policy, kind, resource, result]),
  );

  test.for(results)("%s: %s %s is to %s, as Kyverno's own test file says", ([policy, kind, resource, result]) => {
    const [namespace, name = ""] = resource.split("/");
    expect(sampleOf(name)).toMatchObject({ kind, metadata: { namespace } });
    expect(judge(policy, name) === undefined ? "pass" : "fail").toBe(result);
  });

  test("all of them are for the same objects", () => {
    const matched = policies.map(({ spec }) => [
      spec.matchConstraints,
      spec.matchConditions,
      spec.variables.slice(0, 3),
    ]);
    expect(new Set(matched.map((one) => JSON.stringify(one))).size).toBe(1);
  });

  test("Kyverno's test file covers every policy and every sample, with samples that pass and fail each", () => {
    expect(cliTest.policies).toEqual(
      expect.arrayContaining(policies.map(({ metadata }) => `policies/${metadata.name}.yaml`)),
    );
    expect(cliTest.results.every(({ isValidatingPolicy }) => isValidatingPolicy)).toBe(true);
    for (const { metadata } of policies) {
      const own = results.filter(([policy]) => policy === metadata.name);
      for (const kind of new Set(workloads.map((sample) => sample.kind)))
        expect(new Set(own.filter(([, of]) => of === kind).map(([, , , result]) => result))).toEqual(
          new Set(["pass", "fail"]),
        );
      const judged = own.map(([, , resource]) => resource).toSorted();
      expect(judged).toEqual(
        workloads
          .filter(({ metadata: { name } }) => !passedOver.includes(name))
          .map(({ metadata: { name, namespace } }) => `${namespace ?? ""}/${name}`)
          .toSorted(),
      );
    }
  });

  test("what serves no model is none of their business, nor a namespace of which the platform says that nobody serves there", () => {
    for (const sample of passedOver) expect(judges(sample)).toEqual([undefined, undefined, undefined]);
    const elsewhere = { ...sampleOf("fit"), metadata: { name: "fit", namespace: "support" } };
    expect(judges(elsewhere)).not.toContain(undefined);
  });

  test("an accelerator or the image of a server tells one without labels, in whichever container it is", () => {
    for (const sample of ["unlabelled", "bare-set", "bare-sidecar"])
      expect(judge("require-token-limit", sample)).toContain("without a token limit");
  });

  test("labels of a controller alone are not enough: its pods come without them", () => {
    const sample = sampleOf("bare-set");
    const labels = { "sallyport.dev/model": "llama-3-8b", "sallyport.dev/route": "support" };
    expect(judges({ ...sample, metadata: { ...sample.metadata, labels } })).not.toContain(undefined);
  });

  test("a controller writes what it has to on what was let in before, and nobody changes it into something else", () => {
    const before = sampleOf("bare-pod");
    const marked = { ...before, metadata: { ...before.metadata, annotations: { seen: "yes" } } };
    const another = { ...before, spec: { ...(before.spec as object), priority: 1 } };
    expect(judge("require-token-limit", marked, cluster, before)).toBeUndefined();
    expect(judge("require-token-limit", another, cluster, before)).toContain("without a token limit");
  });

  test("a pod whose name is still to be made is named by how it will begin", () => {
    const unnamed = { generateName: "batch-", namespace: "support" } as unknown as Manifest["metadata"];
    expect(judge("require-token-limit", { ...sampleOf("bare-pod"), metadata: unnamed })).toMatch(/^Pod batch- serves/);
  });

  test("a pod that was let in is looked at again when its labels change, and not when a finalizer comes", () => {
    const pod = (more: object): Manifest => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "server", namespace: "support", ...more },
      spec: { containers: [{ name: "server", image: "registry.example.com/team/server:1" }] },
    });
    const before = [pod({}), pod({ labels: { app: "server" } })];
    const relabelled = pod({ labels: { app: "server", "sallyport.dev/model": "evil-70b" } });
    for (const { metadata } of policies) {
      for (const old of before) expect(judge(metadata.name, relabelled, cluster, old)).toBeTypeOf("string");
      const finalized = pod({ labels: relabelled.metadata.labels, finalizers: ["example.com/wait"] });
      expect(judge(metadata.name, finalized, cluster, relabelled)).toBeUndefined();
    }
  });

  test("the approvals of the samples are those that are shipped", () => {
    const [shipped] = readManifests(join(folder, "approved-models.yaml"));
    expect(find(cluster, "ConfigMap", "approved-models").data).toEqual(shipped?.data);
  });
});

describe("who is denied is told what to do", () => {
  test.for<[string, string, string]>([
    [
      "require-token-limit",
      "no-limit",
      "Deployment no-limit serves a model without a token limit. Apply a TokenRateLimitPolicy in namespace support whose spec.targetRef is the HTTPRoute unlimited and whose spec.limits has rates without a condition.",
    ],
    [
      "require-token-limit",
      "no-route",
      "Deployment no-route serves a model without a token limit. Name the HTTPRoute that leads to it in the label sallyport.dev/route of its pods, and apply a TokenRateLimitPolicy for that route.",
    ],
    [
      "require-approved-model",
      "large-model",
      "Deployment large-model serves llama-3-70b, which is not approved for confidential data. Choose one of: llama-3-8b; or ask the platform team to approve it in ConfigMap sallyport/approved-models.",
    ],
    [
      "require-approved-model",
      "no-class",
      "Deployment no-class is in namespace lab, which has no class of data. Ask the platform team to label it: sallyport.dev/data-class.",
    ],
    [
      "require-approved-model",
      "unlabelled",
      "Deployment unlabelled does not say which model it serves. Name it in the label sallyport.dev/model of its pods.",
    ],
    [
      "require-masking",
      "no-limit",
      "Deployment no-limit serves a model and nothing masks personal data on the way to it. Apply a TrafficPolicy in namespace support with the HTTPRoute unlimited in spec.targetRefs, and in spec.ai.promptGuard.request.regex the action MASK and the builtins SSN, CREDIT_CARD, PHONE_NUMBER and EMAIL.",
    ],
  ])("%s, %s", ([policy, deployment, message]) => {
    expect(judge(policy, deployment)).toBe(message);
  });

  test("without the ConfigMap of approvals nothing is let in", () => {
    const without = cluster.filter(({ kind }) => kind !== "ConfigMap");
    expect(() => judge("require-approved-model", "support-model", without)).toThrow('"approved-models" not found');
  });

  test("taking the limit away from the route that has one is enough to be denied", () => {
    const without = cluster.filter(({ kind }) => kind !== "TokenRateLimitPolicy");
    expect(judge("require-token-limit", "support-model")).toBeUndefined();
    expect(judge("require-token-limit", "support-model", without)).toContain("without a token limit");
  });
});
