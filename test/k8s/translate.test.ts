import { expect, test } from "vitest";
import { mergePieces } from "../../src/k8s/config-pieces.ts";
import { createObjects } from "../../src/k8s/objects.ts";
import { defaultOptions } from "../../src/k8s/options.ts";
import { parseManifests } from "../../src/k8s/read-manifests.ts";
import { translate } from "../../src/k8s/translate.ts";
import { configSchema } from "../../src/config/schema.ts";

test("an HTTPRoute to a Service with an address of its own becomes a route and a service", () => {
  const { manifests } = parseManifests(
    `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: gw-of-another-folder}]
  hostnames: [shop.example.com]
  rules:
    - matches: [{path: {value: /cart}}]
      backendRefs: [{name: shop, port: 8080}]
`,
    "shop.yaml",
  );
  const { pieces, problems } = translate(createObjects(manifests, "folder"), {
    ...defaultOptions,
    backends: new Map([["shop.default", ["http://127.0.0.1:9000"]]]),
  });
  expect(problems).toEqual([]);
  const { value, clashes } = mergePieces({ policies: "open" }, pieces);
  expect(clashes).toEqual([]);
  expect(value).toEqual({
    policies: "open",
    services: { "default/shop:8080": { endpoints: ["http://127.0.0.1:9000"] } },
    routes: {
      "default/shop": {
        hosts: ["shop.example.com"],
        auth: "optional",
        tenant: "default",
        rules: [{ match: [{ path: { prefix: "/cart" } }], to: [{ service: "default/shop:8080", weight: 1 }] }],
      },
    },
  });
  expect(configSchema.safeParse(value).success).toBe(true);
});
