import { describe, expect, test } from "vitest";
import { a2aAgent } from "../../src/k8s/kinds/a2a-agent.ts";
import { pod, secret, service } from "../../src/k8s/kinds/core.ts";
import { gateway } from "../../src/k8s/kinds/gateway.ts";
import { gatewayClass } from "../../src/k8s/kinds/gateway-class.ts";
import { httpRoute } from "../../src/k8s/kinds/http-route.ts";
import { inferencePool, oldInferencePool } from "../../src/k8s/kinds/inference-pool.ts";
import { mcpServer } from "../../src/k8s/kinds/mcp-server.ts";
import { meaningOf, type Sample, sample } from "./objects-from.ts";

const app = { app: "vllm" };
const spec = { selector: { matchLabels: app }, targetPorts: [{ number: 8000 }] };
const podOf = (name: string, podIP: string, said: Sample = {}, ready = "True", metadata: object = {}) => {
  const object = sample(
    pod,
    { status: { podIP, conditions: [{ type: "Ready", status: ready }] } },
    { name, labels: app, ...said },
  );
  Object.assign((object as { metadata: object }).metadata, metadata);
  return object;
};

describe("an InferencePool", () => {
  test("has an endpoint for each port of each ready pod of its namespace that has all its labels", () => {
    const { at, problems, warnings } = meaningOf([
      sample(inferencePool, { ...spec, targetPorts: [{ number: 8000 }, { number: 8001 }] }, { name: "llama" }),
      podOf("a", "10.0.0.1"),
      podOf("b", "fd00::2"),
      podOf("not-ready", "10.0.0.3", {}, "False"),
      podOf("elsewhere", "10.0.0.4", { namespace: "other" }),
      podOf("of-another-app", "10.0.0.5", { labels: { app: "web" } }),
      podOf("leaving", "10.0.0.6", {}, "True", { deletionTimestamp: "2026-11-23T00:00:00Z" }),
      podOf("not-placed", ""),
    ]);
    expect(at("pools", "default/llama")).toEqual([
      {
        engine: "vllm",
        endpoints: ["http://10.0.0.1:8000", "http://10.0.0.1:8001", "http://[fd00::2]:8000", "http://[fd00::2]:8001"],
      },
    ]);
    expect([...problems, ...warnings]).toEqual([]);
  });

  test("is where --backend says it is, and may say what its servers run", () => {
    const annotations = { "sallyport.dev/engine": "sglang" };
    const { at, warnings } = meaningOf([sample(inferencePool, spec, { name: "llama", annotations })], {
      backends: new Map([["llama.default", ["http://127.0.0.1:1", "http://127.0.0.1:2"]]]),
    });
    expect(at("pools", "default/llama")).toEqual([
      { engine: "sglang", endpoints: ["http://127.0.0.1:1", "http://127.0.0.1:2"] },
    ]);
    expect(warnings).toEqual([]);
  });

  test("without servers is empty, and how to say where they are is a warning", () => {
    const { at, warnings, problems } = meaningOf([sample(inferencePool, spec, { name: "llama" })]);
    expect(at("pools", "default/llama")).toEqual([{ engine: "vllm", endpoints: [] }]);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^spec\.selector: .*503.*--backend llama\.default=http:\/\/HOST:PORT\[,http:\/\/HOST:PORT\]$/,
      ),
    ]);
    expect(problems).toEqual([]);
  });

  test("of v1alpha2, and the mix of both that no release took, is read as v1, and a warning gives the v1 fields", () => {
    const old = { selector: app, targetPortNumber: 8000, extensionRef: { name: "epp" } };
    const mixed = { selector: app, targetPortNumber: 8000, extensionRef: { name: "epp", port: 9002 } };
    for (const object of [
      sample(oldInferencePool, old, { name: "llama" }),
      sample(inferencePool, mixed, { name: "llama" }),
    ]) {
      const { at, warnings, problems } = meaningOf([object, podOf("a", "10.0.0.1")]);
      expect(problems).toEqual([]);
      expect(at("pools", "default/llama")).toEqual([{ engine: "vllm", endpoints: ["http://10.0.0.1:8000"] }]);
      expect(warnings).toEqual([
        'spec.selector: has its labels below `matchLabels` in v1; write `selector: {matchLabels: {"app":"vllm"}}`',
        'spec.targetPortNumber: is no field of v1; write `targetPorts: [{"number":8000}]`',
        'spec.extensionRef: is no field of v1; write `endpointPickerRef: {"name":"epp","port":{"number":9002}}`',
        "spec.extensionRef: epp is not asked: this gateway's own picker chooses among the pool's servers",
      ]);
    }
  });

  test("has an entry in its status for each Gateway whose routes lead to it, and none without", () => {
    const gateways = ["one", "two"].map((name) =>
      sample(
        gateway,
        {
          gatewayClassName: "sallyport",
          listeners: [{ name: "http", port: name === "one" ? 80 : 8080, protocol: "HTTP" }],
        },
        { name },
      ),
    );
    const ref = { group: "inference.networking.k8s.io", kind: "InferencePool", name: "llama" };
    const route = sample(
      httpRoute,
      { parentRefs: [{ name: "one" }, { name: "two" }], rules: [{ backendRefs: [ref] }] },
      { name: "r" },
    );
    const picker = { endpointPickerRef: { name: "epp", port: { number: 9002 } } };
    const statusWith = (more: object, source: "folder" | "cluster", ...objects: object[]) =>
      meaningOf(
        [sample(inferencePool, { ...spec, ...more }, { name: "llama", generation: 5 }), ...gateways, ...objects],
        { source, className: "sallyport" },
      ).statusOf("InferencePool", "llama");
    const entry = (name: string, accepted: object, resolved: object) => ({
      parentRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name, namespace: "default" },
      controllerName: "sallyport.dev/gateway",
      conditions: [
        { type: "Accepted", observedGeneration: 5, ...accepted },
        { type: "ResolvedRefs", observedGeneration: 5, ...resolved },
      ],
    });
    const accepted = { status: "True", reason: "Accepted", message: "The pool is served." };
    const resolved = { status: "True", reason: "ResolvedRefs", message: "All references are resolved." };
    const missing = {
      status: "False",
      reason: "InvalidExtensionRef",
      message: "there is no Service epp; this gateway's own picker chooses all the same",
    };
    const both = (...conditions: [object, object]) => ({
      parents: ["one", "two"].map((name) => entry(name, ...conditions)),
    });
    const ours = sample(gatewayClass, { controllerName: "sallyport.dev/gateway" }, { name: "sallyport" });
    expect(statusWith(picker, "folder", route)).toEqual(both(accepted, resolved));
    expect(statusWith(picker, "cluster", route, ours)).toEqual(both(accepted, missing));
    expect(statusWith({ appProtocol: "kubernetes.io/h2c" }, "cluster", route, ours)).toEqual(
      both(
        {
          status: "False",
          reason: "NotSupportedByParent",
          message: "model servers are asked over HTTP/1.1: write `http`",
        },
        resolved,
      ),
    );
    expect(statusWith(picker, "folder")).toEqual({ parents: [] });
  });

  test("that cannot be honoured is refused by its path", () => {
    const refused = (more: object, annotations: Sample["annotations"] = {}) =>
      meaningOf([sample(inferencePool, { ...spec, ...more }, { annotations })]);
    expect(refused({ appProtocol: "kubernetes.io/h2c" })).toMatchObject({
      problems: [expect.stringMatching(/^spec\.appProtocol: .*HTTP\/1\.1/)],
      pieces: [],
    });
    expect(refused({}, { "sallyport.dev/engine": "vlm" }).problems).toEqual([
      expect.stringMatching(/^metadata\.annotations\.sallyport\.dev\/engine: .*did you mean vllm/),
    ]);
    expect(refused({ targetPortNumber: 1 }).problems).toEqual([expect.stringContaining("targetPortNumber")]);
  });
});

const secretRef = { name: "keys", key: "token" };
const credentials = { bearer: { secretRef }, headers: [{ name: "x-key", secretRef: { name: "keys", key: "plain" } }] };
const keys = sample(
  secret,
  { data: { token: Buffer.from("t0ken\n").toString("base64") }, stringData: { plain: "plain" } },
  { name: "keys" },
);
const ok = (message: string) => ({ status: "True", message });

describe("an MCPServer", () => {
  test("is offered at a path of its own and beside the others of its namespace, in the order of their names", () => {
    const { pieces, problems, warnings } = meaningOf([
      sample(
        mcpServer,
        { url: "http://b:1/mcp", prices: { search: "$0.01" }, era: "stateless" },
        { name: "b", namespace: "team-a" },
      ),
      sample(mcpServer, { url: "http://a:1/mcp" }, { name: "a", namespace: "team-a" }),
      sample(mcpServer, { url: "http://c:1/mcp" }, { name: "c", namespace: "team-b" }),
    ]);
    const timeouts = { connect: "5s", list: "5s", call: "5m" };
    expect(pieces).toEqual([
      ["mcp servers team-a/a", { url: "http://a:1/mcp", tenant: "team-a", era: "auto", timeouts }],
      ["mcp routes /mcp/team-a/a", { servers: ["team-a/a"] }],
      [
        "mcp servers team-a/b",
        { url: "http://b:1/mcp", tenant: "team-a", era: "stateless", timeouts, prices: { search: "$0.01" } },
      ],
      ["mcp routes /mcp/team-a/b", { servers: ["team-a/b"] }],
      ["mcp servers team-b/c", { url: "http://c:1/mcp", tenant: "team-b", era: "auto", timeouts }],
      ["mcp routes /mcp/team-b/c", { servers: ["team-b/c"] }],
      ["mcp routes /mcp/team-a", { servers: ["team-a/a", "team-a/b"] }],
      ["mcp routes /mcp/team-b", { servers: ["team-b/c"] }],
    ]);
    expect([...problems, ...warnings]).toEqual([]);
  });

  test("is asked at its Service, or where --backend says that is, with what its Secret holds", () => {
    const server = sample(
      mcpServer,
      { service: { name: "tools", port: 80, path: "/mcp?x=1" }, credentials },
      { name: "it", generation: 3 },
    );
    const tools = sample(service, { ports: [{ port: 80 }] }, { name: "tools" });
    const { at, warnings, statusOf } = meaningOf([server, tools, keys]);
    expect(at("mcp", "servers", "default/it")).toMatchObject([
      {
        url: "http://tools.default.svc:80/mcp?x=1",
        credentials: { bearer: "t0ken", headers: { "x-key": "plain" } },
      },
    ]);
    expect(warnings).toEqual([]);
    expect(statusOf("MCPServer", "it")).toEqual({
      observedGeneration: 3,
      path: "/mcp/default/it",
      conditions: [
        { type: "Accepted", reason: "Accepted", observedGeneration: 3, ...ok("The gateway knows of it.") },
        { type: "ResolvedRefs", reason: "ResolvedRefs", observedGeneration: 3, ...ok("All references are resolved.") },
      ],
    });
    const elsewhere = meaningOf([server, keys], { backends: new Map([["tools.default", ["http://127.0.0.1:9"]]]) });
    expect(elsewhere.at("mcp", "servers", "default/it")).toMatchObject([{ url: "http://127.0.0.1:9/mcp?x=1" }]);
  });

  test("whose Secret is not there is not served without it; whose Service is not there is served once it is", () => {
    const server = sample(mcpServer, { service: { name: "tools", port: 80 }, credentials }, { name: "it" });
    const { pieces, warnings, statusOf, problems } = meaningOf([server]);
    expect(pieces).toEqual([]);
    expect(problems).toEqual([]);
    expect(warnings).toEqual([
      "spec.service: there is no Service tools here: say where it is with --backend tools.default=http://HOST:PORT",
      "spec.credentials.bearer.secretRef: there is no Secret keys here: without its credentials this is not served",
      "spec.credentials.headers.0.secretRef: there is no Secret keys here: without its credentials this is not served",
    ]);
    expect(statusOf("MCPServer", "it")).toMatchObject({
      conditions: [
        { type: "Accepted", status: "True" },
        { type: "ResolvedRefs", status: "False", reason: "BackendNotFound" },
      ],
    });
    const open = meaningOf([sample(mcpServer, { service: { name: "tools", port: 81 } })], { source: "cluster" });
    expect(open.at("mcp", "servers", "default/it")).toMatchObject([{ url: "http://tools.default.svc:81/" }]);
  });
});

test("a credential that no header can hold is refused with its place; a line break at its end is none of it", () => {
  for (const kind of [mcpServer, a2aAgent])
    for (const source of ["folder", "cluster"] as const) {
      const served = sample(kind, { url: "http://x:1/mcp", credentials: { bearer: { secretRef } } }, { name: "it" });
      const holding = (token: string) => sample(secret, { stringData: { token } }, { name: "keys" });
      const broken = meaningOf([served, holding("one\ntwo")], { source });
      expect(broken.problems).toEqual([
        "spec.credentials.bearer.secretRef: Secret keys has more than one line of visible characters in token: without its credentials this is not served",
      ]);
      expect(broken.pieces).toEqual([]);
      expect(broken.statusOf(kind.kind, "it")).toMatchObject({
        conditions: [{ type: "Accepted" }, { type: "ResolvedRefs", status: "False", reason: "InvalidSecret" }],
      });
      expect(meaningOf([served, holding("one\r\n")], { source }).pieces[0]?.[1]).toMatchObject({
        credentials: { bearer: "one" },
      });
    }
});

test("an object of our own kinds that cannot be read says so in its status", () => {
  for (const kind of [mcpServer, a2aAgent]) {
    const { statusOf, pieces } = meaningOf([sample(kind, {}, { name: "x", generation: 2 })]);
    expect(pieces).toEqual([]);
    expect(statusOf(kind.kind, "x")).toEqual({
      observedGeneration: 2,
      conditions: [
        {
          type: "Accepted",
          status: "False",
          reason: "Invalid",
          message: "spec: give either url or service",
          observedGeneration: 2,
        },
      ],
    });
  }
});

test("an A2AAgent is an agent of its namespace, with all that one can have", () => {
  const { pieces, statusOf } = meaningOf([
    sample(
      a2aAgent,
      {
        url: "http://writer:9002",
        card: "/card.json",
        credentials: { bearer: { secretRef } },
        client: "writer",
        price: "$0.05",
        versions: ["1.0"],
      },
      { name: "writer" },
    ),
    keys,
  ]);
  expect(pieces).toEqual([
    [
      "a2a agents default/writer",
      {
        url: "http://writer:9002",
        tenant: "default",
        card: "/card.json",
        client: "writer",
        price: "$0.05",
        versions: ["1.0"],
        timeout: "5m",
        credentials: { bearer: "t0ken" },
      },
    ],
  ]);
  expect(statusOf("A2AAgent", "writer")).toMatchObject({ path: "/a2a/default/writer" });
});
