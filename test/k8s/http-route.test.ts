import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Service, startEcho } from "../services/services-scene.ts";
import { manifests, openGateway, route, service, startManifestsScene } from "./manifests-scene.ts";

let v1: Service;
let v2: Service;
beforeAll(async () => {
  [v1, v2] = await Promise.all([startEcho("v1"), startEcho("v2")]);
});
afterAll(() => Promise.all([v1.close(), v2.close()]));

const start = (...documents: readonly string[]) =>
  startManifestsScene(manifests(openGateway, service("v1"), service("v2"), ...documents), {
    "v1.default": v1.url,
    "v2.default": v2.url,
  });

const to = (name: string) => `backendRefs: [{name: ${name}, port: 80}]`;

/* As in gateway-api, conformance/tests: httproute-matching, -path-match-order, -header-matching, -method-matching, -query-param-matching. */
describe("a request finds the rule that says most about it", () => {
  test.for([
    ["/", {}, "v1"],
    ["/v2", {}, "v2"],
    ["/v2/deeper", {}, "v2"],
    ["/v2example", {}, "v1"],
    ["/", { version: "two" }, "v2"],
    ["/exact", {}, "v2"],
    ["/exact/deeper", {}, "v1"],
    ["/?animal=whale", {}, "v2"],
    ["/?ANIMAL=whale", {}, "v1"],
    ["/?animal=whale&animal=dolphin", {}, "v2"],
  ] as const)("%s with %o goes to %s", async ([path, headers, expected]) => {
    const { ask } = await start(
      route(
        "all",
        `rules: [
          {${to("v1")}},
          {matches: [{path: {value: /v2}}, {headers: [{name: Version, value: two}]}, {path: {type: Exact, value: /exact}},
                     {queryParams: [{name: animal, value: whale}]}], ${to("v2")}}]`,
      ),
    );
    expect((await ask(path, { host: "any.example.com", headers })).echoed().name).toBe(expected);
  });
});

describe("what is wrong with a backend concerns its share alone", () => {
  test.for([
    ["no backend at all", "rules: [{matches: [{path: {value: /}}]}]", 500],
    ["a Service that is not here", "rules: [{backendRefs: [{name: nobody, port: 80}]}]", 500],
    ["a port that the Service has not", "rules: [{backendRefs: [{name: dark, port: 81}]}]", 500],
    ["a kind that is not known", "rules: [{backendRefs: [{group: example.com, kind: Thing, name: it}]}]", 500],
    ["another namespace without a grant", "rules: [{backendRefs: [{name: far, namespace: other, port: 80}]}]", 500],
    ["a Service of which nothing says where it is", "rules: [{backendRefs: [{name: dark, port: 80}]}]", 503],
    ["a weight of nothing", "rules: [{backendRefs: [{name: v1, port: 80, weight: 0}]}]", 500],
    [
      "a filter that nobody knows",
      `rules: [{filters: [{type: ExtensionRef, extensionRef: {group: example.com, kind: F, name: f}}], ${to("v1")}}]`,
      500,
    ],
  ] as const)("%s", async ([, spec, status]) => {
    const { ask } = await start(route("one", spec), service("dark"), service("far", "other"));
    expect((await ask("/", { host: "any.example.com" })).status).toBe(status);
  });
});
