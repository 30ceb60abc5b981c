import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { faultsOf, gatewayFields, grantsIn, secretKeys } from "./demands.ts";
import { find, k8s, type Manifest, namesOf, parseManifests, readKustomized } from "./manifests.ts";
import { openBlocks, openWays, outside } from "./network.ts";
import { readPage } from "./page.ts";
import { essenceOf } from "./rendered.ts";
import { missingTools, runTool, schemaFaults } from "./tools.ts";
import { baseWays, gateway, grants, hpa, laptopWays, productionBlocks, productionWays, watchBlocks } from "./wanted.ts";

/* Renders what k8s/ holds with kustomize and Helm, and asserts field by field what docs/kubernetes.md promises. */

/* Everything that was rendered, by name, for those who know Kubernetes' schemas. */
const texts = new Map<string, string>();

function rendered(name: string, text: string): readonly Manifest[] {
  texts.set(name.replaceAll(/\W+/g, "-"), text);
  return parseManifests(text);
}

const overlay = (name: string) => rendered(name, runTool("kustomize", join(k8s, name)));
const chart = (...set: readonly string[]) =>
  rendered(
    `chart ${set.join(" ")}`,
    runTool(
      "helm",
      "template",
      "sallyport",
      join(k8s, "chart"),
      ...["--namespace", "sallyport", "--kube-version", "1.34.0", ...set.flatMap((one) => ["--set", one])],
    ),
  );

/** As the page gives them. */
const laptopValues = [...readPage().matchAll(/--set ([^\s`]+)/g)].map(([, value = ""]) => value);

function expectSound(objects: readonly Manifest[], ways: readonly string[], blocks: readonly string[]): void {
  assert.deepEqual(faultsOf(objects), []);
  assert.deepEqual(openWays(objects, outside), ways);
  assert.deepEqual(openBlocks(objects), blocks);
  assert.deepEqual(grantsIn(objects), grants);
}

const spec = (objects: readonly Manifest[], kind: string) => find(objects, kind, "sallyport").spec;

const checks: Readonly<Record<string, () => void>> = {
  "the base is what its files say, and sound"() {
    const objects = overlay("base");
    expectSound(objects, baseWays, []);
    assert.deepEqual(gatewayFields(objects), gateway);
    assert.partialDeepStrictEqual(spec(objects, "HorizontalPodAutoscaler"), hpa);
    assert.deepEqual(essenceOf(objects), essenceOf(readKustomized(join(k8s, "base"))));
  },
  "the laptop's overlay has one gateway, a simulated model server and no autoscaler"() {
    const objects = overlay("overlays/laptop");
    expectSound(objects, laptopWays, []);
    assert.deepEqual(gatewayFields(objects), { ...gateway, replicas: 1 });
    assert.ok(!namesOf(objects).includes("HorizontalPodAutoscaler/sallyport"));
  },
  "the overlay that follows the cluster is the laptop's with a token, a way to the API server and the kinds of its own"() {
    const objects = overlay("overlays/watch");
    assert.deepEqual(faultsOf(objects), ["sallyport: sallyport: gets no token of the cluster"]);
    assert.deepEqual(openWays(objects, outside), laptopWays);
    assert.deepEqual(openBlocks(objects), watchBlocks);
    assert.deepEqual(gatewayFields(objects), { ...gateway, replicas: 1, args: [...gateway.args, "--kubernetes"] });
    assert.equal(namesOf(objects).filter((name) => name.startsWith("CustomResourceDefinition/")).length, 4);
  },
  "the production overlay has three gateways with TLS, and no Redis or sample"() {
    const objects = overlay("overlays/production");
    expectSound(objects, productionWays, productionBlocks);
    assert.deepEqual(gatewayFields(objects), {
      ...gateway,
      replicas: 3,
      mounts: { ...gateway.mounts, "/etc/sallyport/tls": true },
    });
    assert.partialDeepStrictEqual(spec(objects, "HorizontalPodAutoscaler"), {
      ...hpa,
      minReplicas: 3,
      maxReplicas: 20,
    });
    assert.deepEqual(secretKeys(objects), ["admin-token", "openai-key", "redis-ca.pem", "redis-password"]);
    assert.partialDeepStrictEqual(spec(objects, "Service"), {
      type: "LoadBalancer",
      ports: [{ port: 443, targetPort: "http", appProtocol: "https" }],
    });
    assert.deepEqual(
      namesOf(objects).filter((name) => name.startsWith("StatefulSet/")),
      [],
    );
  },
  "the chart gives what the base gives"() {
    const objects = chart();
    expectSound(objects, baseWays, []);
    assert.deepEqual(essenceOf(objects), essenceOf(overlay("base")));
  },
  "the chart with the laptop's values gives what the laptop's overlay gives"() {
    assert.ok(laptopValues.length > 3);
    const objects = chart(...laptopValues);
    expectSound(objects, laptopWays, []);
    assert.deepEqual(essenceOf(objects), essenceOf(overlay("overlays/laptop")));
  },
  "the chart without samples and Redis, with a certificate and ways of one's own, is sound"() {
    const objects = chart(
      "samples.enabled=false",
      "redis.enabled=false",
      "tls.secretName=sallyport-tls",
      "service.type=LoadBalancer",
      "networkPolicy.egress[0].to[0].ipBlock.cidr=10.20.0.0/24",
      "networkPolicy.egress[0].ports[0].protocol=TCP",
      "networkPolicy.egress[0].ports[0].port=6380",
    );
    expectSound(objects, productionWays, ["egress 10.20.0.0/24 TCP/6380"]);
    assert.deepEqual(gatewayFields(objects), { ...gateway, mounts: { ...gateway.mounts, "/etc/sallyport/tls": true } });
  },
  "values that the schema does not know are refused"() {
    for (const wrong of [
      "image.tag=latest",
      "env.PUBLIC_URL=gateway",
      "replicas=0",
      "secret.keys={api-key}",
      "redis.size=1Gi",
    ])
      assert.throws(() => chart(wrong), /values don't meet the specifications of the schema/, wrong);
  },
};

const missing = missingTools();
if (missing.length > 0) {
  console.error(
    `k8s:render needs programs that are not on this machine. Get them and run it again:\n  ${missing.join("\n  ")}`,
  );
  process.exit(1);
}
let failures = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    check();
    console.log(`ok    ${name}`);
  } catch (thrown) {
    failures += 1;
    console.log(`FAIL  ${name}\n${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

const folder = mkdtempSync(join(tmpdir(), "sallyport-rendered-"));
for (const [name, text] of texts) writeFileSync(join(folder, `${name}.yaml`), text);
const faults = schemaFaults(folder);
if (faults === undefined) console.log(`ok    the ${texts.size} renderings are valid by the schemas of Kubernetes 1.30`);
else if (faults.asked) console.log(`FAIL  the schemas of Kubernetes 1.30\n${faults.says}`);
else console.log(`--    not held against the schemas of Kubernetes: ${faults.says}`);
if (faults?.asked === true) failures += 1;
rmSync(folder, { recursive: true });
const all = Object.keys(checks).length + (faults?.asked === false ? 0 : 1);
console.log(`k8s:render: ${all - failures}/${all} passed`);
process.exitCode = failures === 0 ? 0 : 1;
