import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../e2e/eventually.ts";
import { compilePolicy, type ValidatingPolicy } from "../k8s/deploy/kyverno.ts";
import { k8s, type Manifest, readAdded, readKustomized, readManifests } from "../k8s/deploy/manifests.ts";
import { placeholder } from "../k8s/deploy/wanted.ts";
import { askKube, createObject, folderOf } from "./kube-scene.ts";

/** What a server says against an object that it is only shown, with fields that it does not know; empty when it would take it. */
async function faultOf(object: Manifest): Promise<string> {
  const folder = await folderOf(object.apiVersion, object.kind, object.metadata.namespace ?? "default");
  if (folder === undefined) return `not installed: ${object.kind}`;
  const { status, body } = await askKube("POST", `${folder}?dryRun=All&fieldValidation=Strict`, object);
  return status < 300 ? "" : `${object.kind} ${object.metadata.name}: ${String(body["message"])}`;
}

const faultsOf = async (objects: readonly Manifest[]) => {
  const said: string[] = [];
  for (const object of objects) said.push(await faultOf(object));
  return said.filter((fault) => fault !== "" && !fault.startsWith("not installed"));
};

const namespaceOf = (name: string, labels = {}) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});

/* Kubernetes' own policies are in the same language. What of Kyverno's they cannot say is the library `resource`. */
const [policy] = readManifests(join(k8s, "kyverno/policies/require-token-limit.yaml"));
const { spec } = policy as ValidatingPolicy;
const samples = readManifests(join(k8s, "kyverno/samples/workloads.yaml"));
const native = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingAdmissionPolicy",
  metadata: { name: "names-a-route" },
  spec: {
    failurePolicy: spec.failurePolicy,
    matchConstraints: spec.matchConstraints,
    matchConditions: spec.matchConditions,
    variables: spec.variables.filter(({ expression }) => !expression.includes("resource.")),
    validations: [{ expression: "variables.route != ''", messageExpression: "variables.subject + ' names no route'" }],
  },
};
const binding = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingAdmissionPolicyBinding",
  metadata: { name: "names-a-route" },
  spec: { policyName: "names-a-route", validationActions: ["Deny"] },
};

export function describeDeploying(): void {
  describe("what k8s/ holds, shown to kube-apiserver", () => {
    const namespaces = [
      namespaceOf("sallyport"),
      ...["support", "lab"].map((name) => namespaceOf(name)),
      namespaceOf("training", { "sallyport.dev/serves-models": "false" }),
    ];
    const made: string[] = [];
    beforeAll(async () => {
      for (const object of namespaces) await createObject(object);
    });
    afterAll(async () => {
      for (const path of made) await askKube("DELETE", path);
    });

    test("the base is taken, with no field that is not known", async () => {
      const objects = readKustomized(join(k8s, "base")).filter(({ kind }) => kind !== "Namespace");
      expect(await faultsOf(objects)).toEqual([]);
    });

    test("what following and production add is taken once the address of the API server is filled in, and not before", async () => {
      const added = readAdded(join(k8s, "overlays/production")).filter(
        ({ kind }) => kind !== "CustomResourceDefinition",
      );
      expect(await faultsOf(added)).toEqual([expect.stringContaining(`Invalid value: "${placeholder}/32"`)]);
      const filled = JSON.stringify(added).replaceAll(placeholder, "172.18.0.2");
      expect(await faultsOf(JSON.parse(filled) as readonly Manifest[])).toEqual([]);
    });

    test("Kyverno's expressions mean there what they mean here, of every kind of sample", async () => {
      const judge = compilePolicy(policy as ValidatingPolicy);
      expect(await faultsOf(samples)).toEqual([]);
      for (const object of [native, binding]) made.push(await createObject(object));
      const bare = samples.find(({ metadata }) => metadata.name === "bare-pod") as Manifest;
      await eventually(async () => expect(await faultOf(bare)).toContain("Pod bare-pod names no route"), 200);
      const cluster = namespaces as readonly Manifest[];
      for (const sample of samples) {
        const denied = judge(sample, cluster)?.includes("in the label sallyport.dev/route of its pods") === true;
        expect([sample.metadata.name, (await faultOf(sample)).includes("names no route")]).toEqual([
          sample.metadata.name,
          denied,
        ]);
      }
    });
  });
}
