import assert from "node:assert/strict";
import { join } from "node:path";
import { gatewayFields, secretKeys } from "./demands.ts";
import { expectFollowing, expectSound } from "./expect-sound.ts";
import { find, k8s, type Manifest, namesOf, readKustomized } from "./manifests.ts";
import { renderOverlay } from "./render.ts";
import { essenceOf } from "./rendered.ts";
import {
  baseBlocks,
  baseWays,
  gateway,
  hpa,
  laptopWays,
  productionBlocks,
  productionWays,
  watchBlocks,
  watchWays,
} from "./wanted.ts";

const following = [...gateway.args, "--kubernetes"];

const spec = (objects: readonly Manifest[], kind: string) => find(objects, kind, "sallyport").spec;

/** What docs/kubernetes.md promises of the base and its overlays, asserted on what kustomize makes of them. */
export const overlayChecks: Readonly<Record<string, () => void>> = {
  "the base is what its files say, and sound"() {
    const objects = renderOverlay("base");
    expectSound(objects, baseWays, baseBlocks);
    assert.deepEqual(gatewayFields(objects), gateway);
    assert.partialDeepStrictEqual(spec(objects, "HorizontalPodAutoscaler"), hpa);
    assert.deepEqual(essenceOf(objects), essenceOf(readKustomized(join(k8s, "base"))));
  },
  "the laptop's overlay has one gateway, a simulated model server and no autoscaler"() {
    const objects = renderOverlay("overlays/laptop");
    expectSound(objects, laptopWays, baseBlocks);
    assert.deepEqual(gatewayFields(objects), { ...gateway, replicas: 1 });
    assert.ok(!namesOf(objects).includes("HorizontalPodAutoscaler/sallyport"));
  },
  "the overlay that follows the cluster is the laptop's with a token, a way to the API server and the kinds of its own"() {
    const objects = renderOverlay("overlays/watch");
    expectFollowing(objects, watchWays, watchBlocks);
    assert.deepEqual(gatewayFields(objects), {
      ...gateway,
      replicas: 1,
      args: following,
      ports: { ...gateway.ports, https: 4443 },
    });
    assert.partialDeepStrictEqual(spec(objects, "Service"), {
      ports: [
        { port: 4000, targetPort: "http" },
        { port: 80, targetPort: "http" },
        { port: 443, targetPort: "https" },
      ],
    });
    assert.equal(namesOf(objects).filter((name) => name.startsWith("CustomResourceDefinition/")).length, 4);
  },
  "the production overlay has three gateways with TLS that follow the cluster, a Gateway, and no Redis or sample"() {
    const objects = renderOverlay("overlays/production");
    expectFollowing(objects, productionWays, productionBlocks);
    assert.equal(find(objects, "Gateway", "sallyport").metadata.namespace, "sallyport");
    assert.deepEqual(gatewayFields(objects), {
      ...gateway,
      replicas: 3,
      args: following,
      mounts: Object.fromEntries(
        Object.entries({ ...gateway.mounts, "/etc/sallyport/tls": true }).filter(
          ([path]) => !path.endsWith("/policies"),
        ),
      ),
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
};
