import assert from "node:assert/strict";
import { faultsOf, gatewayFields, grantsIn } from "./demands.ts";
import { expectSound } from "./expect-sound.ts";
import { type Manifest, namesOf, ofTheCluster } from "./manifests.ts";
import { openBlocks, openWays, outside } from "./network.ts";
import { readPage } from "./page.ts";
import { workloadsOf } from "./pods.ts";
import { renderChart, renderOverlay } from "./render.ts";
import { essenceOf } from "./rendered.ts";
import {
  baseBlocks,
  baseWays,
  chartWays,
  dnsBlocks,
  gateway,
  grants,
  laptopWays,
  placeholder,
  watchBlocks,
  watchWays,
} from "./wanted.ts";

/* As the page gives them. */
const laptopValues = [...readPage().matchAll(/--set (env\.[^\s`]+|[a-z]+\.enabled=[^\s`]+|replicas=\d+)/g)].map(
  ([, value = ""]) => value,
);

const following = ["kubernetes.enabled=true", "kubernetes.apiServer={172.18.0.2/32}"];

/* Each of what operators set, and where it is in the gateway's pods. */
const placed = [
  "imagePullSecrets[0].name=registry",
  "nodeSelector.pool=gateways",
  "tolerations[0].key=gateways",
  "tolerations[0].operator=Exists",
  "priorityClassName=platform",
  "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key=arch",
  "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator=Exists",
  "topologySpreadConstraints[0].maxSkew=2",
  "topologySpreadConstraints[0].topologyKey=rack",
  "topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule",
  "podAnnotations.team=platform",
  "podLabels.team=platform",
  "extraEnv[0].name=HTTPS_PROXY",
  "extraEnv[0].value=http://proxy:3128",
  "extraVolumes[0].name=ca",
  "extraVolumes[0].configMap.name=sallyport-policies",
  "extraVolumeMounts[0].name=ca",
  "extraVolumeMounts[0].mountPath=/etc/ca",
  "extraVolumeMounts[0].readOnly=true",
  `image.digests.gateway=sha256:${"0".repeat(64)}`,
];

/** What is there once in a cluster, or in a namespace that both releases write to. */
const shared = (objects: readonly Manifest[], own: string) =>
  objects
    .filter(({ kind, metadata }) => ofTheCluster.has(kind) || metadata.namespace !== own)
    .map(({ kind, metadata }) => `${kind}/${metadata.namespace ?? ""}/${metadata.name}`);

/** What docs/kubernetes.md promises of the chart, asserted on what Helm makes of it. */
export const chartChecks: Readonly<Record<string, () => void>> = {
  "the chart gives what the base gives"() {
    const objects = renderChart("sallyport");
    expectSound(objects, baseWays, baseBlocks);
    assert.deepEqual(essenceOf(objects), essenceOf(renderOverlay("base")));
  },
  "the chart with the laptop's values gives what the laptop's overlay gives"() {
    assert.ok(laptopValues.length > 3);
    const objects = renderChart("sallyport", ...laptopValues);
    expectSound(objects, laptopWays, baseBlocks);
    assert.deepEqual(essenceOf(objects), essenceOf(renderOverlay("overlays/laptop")));
  },
  "the chart that follows the cluster gives what the overlay gives that does"() {
    const address = `kubernetes.apiServer={${placeholder}/32}`;
    assert.throws(() => renderChart("sallyport", "kubernetes.enabled=true", address), /apiServer/);
    assert.throws(() => renderChart("sallyport", "kubernetes.enabled=true"), /apiServer/);
    const objects = renderChart("sallyport", ...laptopValues, ...following);
    assert.deepEqual(faultsOf(objects), []);
    assert.deepEqual(openWays(objects, outside), watchWays);
    const blocks = watchBlocks.map((block) => block.replace(placeholder, "172.18.0.2"));
    assert.deepEqual(openBlocks(objects), blocks);
    const named = Object.entries(grantsIn(objects)).map(([name, granted]) => [
      name.replace(/^(ClusterRole\/)sallyport-/, "$1"),
      granted,
    ]);
    assert.deepEqual(Object.fromEntries(named), grants);
    const overlay = JSON.parse(
      JSON.stringify(renderOverlay("overlays/watch")).replaceAll(placeholder, "172.18.0.2"),
    ) as readonly Manifest[];
    /* Here another policy has the rule for the port of HTTPS. */
    const without = (essence: Essence) =>
      Object.fromEntries(
        Object.entries(essence).filter(([name]) => !/^NetworkPolicy\/sallyport(?:-https)?$/.test(name)),
      );
    assert.deepEqual(without(essenceOf(objects)), without(essenceOf(overlay)));
  },
  "a release that follows two namespaces reads no other"() {
    const objects = renderChart("gateways", ...following, "kubernetes.namespaces={team-a,team-b}");
    assert.deepEqual(faultsOf(objects, "gateways", ["team-a", "team-b"]), []);
    const wide = (grants["ClusterRole/sallyport"] ?? []).filter((grant) =>
      /gatewayclasses|core\/namespaces/.test(grant),
    );
    const narrow = (grants["ClusterRole/sallyport"] ?? []).filter((grant) => !wide.includes(grant));
    const granted = grantsIn(objects);
    assert.deepEqual(granted["ClusterRole/gateways-sallyport"], wide);
    assert.deepEqual(granted["Role/gateways-sallyport"], narrow);
    const roles = objects.filter(({ kind, metadata }) => kind === "Role" && metadata.name === "gateways-sallyport");
    assert.deepEqual(
      roles.map(({ metadata }) => metadata.namespace),
      ["team-a", "team-b"],
    );
    const [pods] = workloadsOf(objects).filter(({ name }) => name === "sallyport");
    assert.deepEqual(pods?.pod.containers[0]?.args?.slice(-5), [
      "--kubernetes",
      "--namespace",
      "team-a",
      "--namespace",
      "team-b",
    ]);
  },
  "two releases in two namespaces share nothing and name nothing of each other"() {
    const narrow = "kubernetes.namespaces={team-a}";
    for (const more of [[], [narrow]]) {
      const [one, two] = ["one", "two"].map((name) => renderChart(name, ...following, ...more));
      const ofOne = shared(one ?? [], "one");
      assert.ok(ofOne.length > 0);
      assert.deepEqual(
        shared(two ?? [], "two").filter((name) => ofOne.includes(name)),
        [],
      );
      assert.deepEqual(faultsOf(two ?? [], "two", ["team-a"]), []);
      assert.doesNotMatch(JSON.stringify(two), /\bsallyport\.svc|\.one\.|"one"/);
    }
  },
  "beside others in a namespace, a release selects and denies its own pods alone"() {
    const objects = renderChart("shared");
    const selectors = objects.flatMap(({ kind, spec }) => {
      const { selector, podSelector } = (spec ?? {}) as { readonly selector?: object; readonly podSelector?: object };
      return kind === "Service" ? [selector] : kind === "NetworkPolicy" ? [podSelector] : [];
    });
    assert.ok(selectors.length > 15);
    for (const selector of selectors)
      assert.match(JSON.stringify(selector), /"app.kubernetes.io\/instance":"sallyport"/);
    assert.ok(!namesOf(objects).includes("NetworkPolicy/default-deny"));
    const denied = workloadsOf(objects).filter(({ labels }) => labels["app.kubernetes.io/part-of"] === "sallyport");
    assert.equal(denied.length, workloadsOf(objects).length);
  },
  "the chart without samples and Redis, with a certificate and ways of one's own, is sound"() {
    const objects = renderChart(
      "sallyport",
      "samples.enabled=false",
      "redis.enabled=false",
      "tls.secretName=sallyport-tls",
      "service.type=LoadBalancer",
      "networkPolicy.clients[0].ipBlock.cidr=::/0",
      "networkPolicy.egress[0].to[0].ipBlock.cidr=10.20.0.0/24",
      "networkPolicy.egress[0].ports[0].protocol=TCP",
      "networkPolicy.egress[0].ports[0].port=6380",
    );
    expectSound(objects, chartWays, ["egress 10.20.0.0/24 TCP/6380", ...dnsBlocks, "ingress ::/0 TCP/4000"]);
    assert.deepEqual(gatewayFields(objects), { ...gateway, mounts: { ...gateway.mounts, "/etc/sallyport/tls": true } });
  },
  "pods take what operators set, and stay restricted"() {
    const objects = renderChart("sallyport", ...placed, ...following);
    assert.deepEqual(faultsOf(objects), []);
    const workloads = workloadsOf(objects);
    for (const { pod } of workloads)
      assert.partialDeepStrictEqual(pod, {
        imagePullSecrets: [{ name: "registry" }],
        nodeSelector: { pool: "gateways" },
        tolerations: [{ key: "gateways", operator: "Exists" }],
        priorityClassName: "platform",
      });
    const own = workloads.find(({ name }) => name === "sallyport");
    assert.partialDeepStrictEqual(own, {
      labels: { team: "platform", "app.kubernetes.io/name": "sallyport" },
      annotations: { team: "platform", "prometheus.io/port": "4002" },
      pod: {
        affinity: { nodeAffinity: {} },
        topologySpreadConstraints: [{ maxSkew: 2, topologyKey: "rack", whenUnsatisfiable: "DoNotSchedule" }],
        containers: [
          {
            image: `sallyport/gateway:0.1.0@sha256:${"0".repeat(64)}`,
            env: [{ name: "HTTPS_PROXY", value: "http://proxy:3128" }],
          },
        ],
      },
    });
    assert.equal(gatewayFields(objects)["spread"], 1);
    assert.partialDeepStrictEqual(gatewayFields(objects)["mounts"], { "/etc/ca": true, "/tmp": false });
    assert.partialDeepStrictEqual(own?.pod.volumes?.at(-1), { name: "ca", configMap: { name: "sallyport-policies" } });
  },
  "values that the schema does not know are refused"() {
    for (const wrong of [
      "image.tag=latest",
      "image.digests.gateway=latest",
      "env.PUBLIC_URL=gateway",
      "replicas=0",
      "secret.keys={api-key}",
      "redis.size=1Gi",
      "extraVolumes[0].hostPath.path=/,extraVolumes[0].name=host",
      "podLabels.app\\.kubernetes\\.io/name=another",
      "kubernetes.namespaces={Team}",
    ])
      assert.throws(() => renderChart("sallyport", wrong), /values don't meet the specifications of the schema/, wrong);
  },
};

type Essence = Readonly<Record<string, unknown>>;
