import { describe, expect, test } from "vitest";
import { describeApiServer } from "../k8s/api-server/api-server.contract.ts";
import { crdRuleCases } from "../k8s/crd-rule-cases.ts";
import { describeDeploying } from "./kube-deploying.ts";
import { describeFollowing } from "./kube-following.ts";
import { access, askKube, folderOf } from "./kube-scene.ts";

describeApiServer("kube-apiserver", () => Promise.resolve({ access, stop: () => Promise.resolve() }));

describeDeploying();

const versionOf = ({ group, versions }: { group: string; versions: readonly string[] }) => `${group}/${versions[0]}`;
const served = await Promise.all(
  crdRuleCases.map(async ([kind]) => (await folderOf(versionOf(kind), kind.kind, "contract")) !== undefined),
);
const known = crdRuleCases.filter((_, index) => served[index]);
const unknown = new Set(crdRuleCases.filter((_, index) => !served[index]).map(([{ kind }]) => kind));
if (unknown.size > 0) console.log(`not installed, so not compared: ${[...unknown].join(", ")} (see GATEWAY_API_CRDS)`);

describe("the CEL rules of CRDs, run by kube-apiserver", () => {
  test.each(
    known.map(([kind, message, invalid, valid], index) => ({
      kind: kind.kind,
      of: kind,
      message,
      invalid,
      valid,
      index,
    })),
  )(
    "$kind, $message: it refuses and takes what the gateway refuses and takes",
    async ({ of, kind, message, invalid, valid, index }) => {
      const folder = (await folderOf(versionOf(of), kind, "contract")) ?? "";
      const object = (spec: object, name: string) => ({ apiVersion: versionOf(of), kind, metadata: { name }, spec });
      const refused = await askKube("POST", folder, object(invalid, `invalid-${index}`));
      expect(refused).toMatchObject({ status: 422 });
      expect(JSON.stringify(refused.body)).toContain(
        JSON.stringify(message.slice(message.indexOf(": ") + 2)).slice(1, -1),
      );
      expect(await askKube("POST", folder, object(valid, `valid-${index}`))).toMatchObject({ status: 201 });
    },
  );
});

const followed = [
  "gateway.networking.k8s.io/v1 HTTPRoute",
  "inference.networking.k8s.io/v1 InferencePool",
  "kuadrant.io/v1alpha1 TokenRateLimitPolicy",
];
const missing = await Promise.all(
  followed.map(async (name) => {
    const [version = "", kind = ""] = name.split(" ");
    return (await folderOf(version, kind, "default")) === undefined ? [kind] : [];
  }),
);
if (missing.flat().length > 0)
  console.log(`not installed, so not followed: ${missing.flat().join(", ")} (see GATEWAY_API_CRDS)`);
else describeFollowing();
