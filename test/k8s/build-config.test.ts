import { expect, test } from "vitest";
import { buildConfig } from "../../src/k8s/build-config.ts";
import { parseManifests } from "../../src/k8s/read-manifests.ts";
import { manifests, openGateway, route, service } from "./manifests-scene.ts";

const ours = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sallyport}
spec: {controllerName: sallyport.dev/gateway}
`;
const build = (...documents: readonly string[]) =>
  buildConfig(parseManifests(manifests(ours, openGateway, ...documents), "x.yaml").manifests, [], {
    source: "cluster",
    backends: new Map([["v1.default", ["http://127.0.0.1:9"]]]),
  });
const good = route("good", "rules: [{backendRefs: [{name: v1, port: 80}]}]");
const setting = (header: string) =>
  `rules: [{backendRefs: [{name: v1, port: 80}], filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: ${header}, value: a}]}}]}]`;

test("of an API server, what cannot be honoured is out, whole, and says why; the rest goes on", () => {
  const { read, translation } = build(
    service("v1"),
    good,
    route("bad", setting("via")),
    route("worse", "rules: [{sessionPersistence: {}}]"),
  );
  expect(Object.keys(read.config?.routes ?? {})).toEqual(["default/good"]);
  const parents = (name: string) =>
    (translation.statuses.find((status) => status.name === name)?.status as { parents: { conditions: object[] }[] })
      .parents;
  expect(parents("bad")).toEqual([
    {
      parentRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "gw", namespace: "infra" },
      controllerName: "sallyport.dev/gateway",
      conditions: [
        {
          type: "Accepted",
          status: "False",
          reason: "UnsupportedValue",
          message: expect.stringMatching(
            /^spec\.rules\[0\]\.filters\[0\]: .*a header that the gateway does not set itself/,
          ),
        },
        { type: "ResolvedRefs", status: "True", reason: "ResolvedRefs", message: "" },
      ],
    },
  ]);
  expect(parents("worse")).toMatchObject([{ conditions: [{ reason: "UnsupportedValue" }, {}] }]);
  expect(parents("good")).toMatchObject([{ conditions: [{ reason: "Accepted" }, {}] }]);
  expect(translation.statuses.find(({ kind }) => kind === "Gateway")?.status).toMatchObject({
    listeners: [{ attachedRoutes: 1 }],
  });
  expect(translation.problems).toHaveLength(2);
});

test("what several objects come to and no expression can hold is refused in the name of one, and what that is for is closed", () => {
  const predicate = (letter: string) => `{predicate: 'request.path != "${letter.repeat(4_000)}"'}`;
  const { read, translation } = build(
    service("v1"),
    good,
    `apiVersion: kuadrant.io/v1alpha1
kind: TokenRateLimitPolicy
metadata: {name: wordy}
spec:
  targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: good}
  limits: {x: {rates: [{limit: 5, window: 1m}], when: [${predicate("a")}, ${predicate("b")}, ${predicate("c")}]}}`,
  );
  expect(translation.problems).toMatchObject([
    { file: "x.yaml", line: expect.any(Number) as number, message: expect.stringContaining("where") as string },
  ]);
  expect(read.config?.routes?.["default/good"]?.rules[0]?.to).toMatchObject([
    { unresolved: "a policy of this route could not be applied" },
  ]);
  expect(translation.statuses.find(({ name }) => name === "wordy")?.status).toMatchObject({
    conditions: [{ type: "Accepted", status: "False", reason: "Invalid" }],
  });
});

test("a route that names no Gateway, or one that is not there, is not served by a cluster's gateway", () => {
  const { read, translation } = build(service("v1"), good.replace("name: gw", "name: nobody"));
  expect(read.config?.routes).toBeUndefined();
  expect(translation.statuses.find(({ kind }) => kind === "HTTPRoute")?.status).toEqual({ parents: [] });
});

test("what one object has asked for is asked for again in each round, by whoever fetches objects one by one", () => {
  const rounds: number[] = [];
  const { manifests: read } = parseManifests(
    manifests(ours, openGateway, service("v1"), route("bad", setting("via"))),
    "x.yaml",
  );
  buildConfig(read, [], {
    source: "cluster",
    observe(objects) {
      rounds.push(objects.problems.length);
      return objects;
    },
  });
  expect(rounds).toEqual([0, 1]);
});
