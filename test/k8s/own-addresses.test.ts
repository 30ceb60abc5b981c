import { describe, expect, test } from "vitest";
import { endpointSlice, pod, service } from "../../src/k8s/kinds/core.ts";
import { httpRoute } from "../../src/k8s/kinds/http-route.ts";
import { inferencePool } from "../../src/k8s/kinds/inference-pool.ts";
import { gatewayClass } from "../../src/k8s/kinds/gateway-class.ts";
import { meaningOf, sample } from "./objects-from.ts";
import { gw, route } from "./policy-input.ts";

const LOCAL = [
  "127.0.0.1",
  "0.0.0.0",
  "169.254.169.254",
  "224.0.0.1",
  "::1",
  "::",
  "fe80::1",
  "ff02::1",
  "::ffff:7f00:1",
];
const ports = [{ name: "web", port: 80, targetPort: 8080 }];
const m = sample(service, { ports, selector: { app: "m" } }, { name: "m", namespace: "default" });
const sliceOf = (...addresses: readonly string[]) =>
  sample(
    endpointSlice,
    { addressType: "IPv4", endpoints: [{ addresses }], ports: [{ name: "web", port: 8080 }] },
    { name: "m-1", namespace: "default", labels: { "kubernetes.io/service-name": "m" } },
  );
const podAt = (podIP: string, index: number) =>
  sample(
    pod,
    { status: { podIP, conditions: [{ type: "Ready", status: "True" }] } },
    { name: `p-${index}`, namespace: "default", labels: { app: "m" } },
  );
const pool = sample(
  inferencePool,
  { selector: { matchLabels: { app: "m" } }, targetPorts: [{ number: 8080 }] },
  { name: "llama", namespace: "default" },
);
const chat = sample(
  httpRoute,
  {
    parentRefs: [{ name: "gw" }],
    rules: [{ backendRefs: [{ group: "inference.networking.k8s.io", kind: "InferencePool", name: "llama" }] }],
  },
  { name: "chat", namespace: "default" },
);
const classOf = sample(gatewayClass, { controllerName: "sallyport.dev/gateway" }, { name: "sallyport" });
const strangers = { platformNamespaces: ["infra"] };
const sources = [{ source: "folder" }, { source: "cluster" }] as const;

describe.each(sources)("in a $source, an address of the gateway's own machine, its link or a group", (source) => {
  const meaning = (platformNamespaces: readonly string[], ...objects: readonly object[]) =>
    meaningOf([classOf, gw(), route("a"), chat, pool, m, ...objects], { ...source, platformNamespaces });

  test("is none of a Service's, and who wrote the route hears of it", () => {
    const some = meaning(strangers.platformNamespaces, sliceOf("10.0.0.7", ...LOCAL));
    expect(some.at("services", "default/m:80")).toEqual([{ endpoints: ["http://10.0.0.7:8080"] }]);
    expect(some.warnings).toEqual(
      expect.arrayContaining([expect.stringMatching(/^spec: Service default\/m is at .*own machine or link/)]),
    );
    for (const address of LOCAL) {
      const none = meaning(strangers.platformNamespaces, sliceOf(address));
      expect([address, none.at("services", "default/m:80")]).toEqual([address, []]);
      expect(JSON.stringify(none.statusOf("HTTPRoute", "a"))).toContain("own machine or link");
    }
  });

  test("is none of a pool's", () => {
    const some = meaning(
      strangers.platformNamespaces,
      ...["10.0.0.7", ...LOCAL].map((each, index) => podAt(each, index)),
    );
    expect(some.at("pools", "default/llama")).toEqual([{ engine: "vllm", endpoints: ["http://10.0.0.7:8080"] }]);
    expect(some.warnings).toEqual(
      expect.arrayContaining([expect.stringMatching(/^spec\.selector: not asked: .*own machine or link/)]),
    );
    expect(JSON.stringify(some.statusOf("InferencePool", "llama"))).toContain("own machine or link");
  });

  test("may be one of the platform's", () => {
    const own = meaning(["default"], sliceOf("127.0.0.1"), podAt("127.0.0.1", 1));
    expect(own.at("services", "default/m:80")).toEqual([{ endpoints: ["http://127.0.0.1:8080"] }]);
    expect(own.at("pools", "default/llama")).toMatchObject([{ endpoints: ["http://127.0.0.1:8080"] }]);
  });
});

test("a Service of a folder has none of its pods at such an address either", () => {
  const meant = meaningOf([gw(), route("a"), m, podAt("127.0.0.1", 1), podAt("10.0.0.7", 2)], strangers);
  expect(meant.at("services", "default/m:80")).toEqual([{ endpoints: ["http://10.0.0.7:8080"] }]);
});
