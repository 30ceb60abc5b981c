import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startGateway } from "../../src/gateway/gateway.ts";
import { buildConfig } from "../../src/k8s/build-config.ts";
import { ModelServer } from "../inference/pool/model-server.ts";
import { type Answer, ask, type AskOptions, startEcho } from "../services/services-scene.ts";
import {
  baseConfig,
  manifestFolder,
  manifests,
  openGateway,
  route,
  service,
  startManifestsScene,
} from "./manifests-scene.ts";
import { ingress, migrated } from "./migrate-input.ts";
import { manifestsOf } from "./objects-from.ts";

let model: ModelServer;
beforeAll(async () => {
  model = await new ModelServer().start();
  model.onCall = (response) => {
    const message = { role: "assistant", content: "Pay with 4111 1111 1111 1111 or key-abcdef12." };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    const usage = { prompt_tokens: 300, completion_tokens: 100, total_tokens: 400 };
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ id: "c", object: "chat.completion", model: "m", choices, usage }));
  };
});
afterAll(() => model.stop());

const toPool = "backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: llama}]";
const pool = `apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: llama}
spec: {selector: {matchLabels: {app: llama}}, targetPorts: [{number: 8000}]}
`;
/* A route with a rule for /strict and one for everything else. */
const chat = (host: string) => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${host}}
spec:
  parentRefs: [{name: gw, namespace: infra}]
  hostnames: [${host}.example.com]
  rules: [{name: strict, matches: [{path: {value: /strict}}], ${toPool}}, {${toPool}}]
`;
const traffic = (name: string, namespace: string, target: string, promptGuard: string) =>
  `apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: ${name}, namespace: ${namespace}}
spec: {targetRefs: [{group: gateway.networking.k8s.io, ${target}}], ai: {promptGuard: ${promptGuard}}}
`;
const start = (...documents: readonly string[]) =>
  startManifestsScene(manifests(openGateway, pool, ...documents), { "llama.default": model.url });

const call = (content: string, host: string, path = ""): [string, AskOptions] => [
  `${path}/v1/chat/completions`,
  {
    method: "POST",
    host: `${host}.example.com`,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "m", max_tokens: 200, messages: [{ role: "user", content }] }),
  },
];
const said = (answer: Answer) =>
  (JSON.parse(answer.text()) as { choices: { message: { content: string } }[] }).choices[0]!.message.content;

describe("policies over real requests", () => {
  test("a TrafficPolicy of a Gateway masks both ways, and one of a rule holds beside it for that rule alone", async () => {
    const { ask: send } = await start(
      chat("a"),
      traffic(
        "all",
        "infra",
        "kind: Gateway, name: gw",
        `{request: {regex: {builtins: [EMAIL], matches: [{pattern: "Project [A-Z]{3,9}"}]}},
          response: {regex: {builtins: [CREDIT_CARD], matches: [{pattern: "key-[a-z0-9]+"}]}}}`,
      ),
      traffic(
        "strict",
        "default",
        "kind: HTTPRoute, name: a, sectionName: strict",
        `{request: {customResponse: {message: "No personal data.", statusCode: 422}, regex: {action: REJECT, builtins: [SSN, EMAIL]}}}`,
      ),
    );
    const masked = await send(...call("I am alice@example.com of Project NILE.", "a"));
    expect(said(masked)).toBe("Pay with [CARD] or [masked].");
    expect(model.body).toMatch(/I am \[EMAIL_\w+\] of \[masked\]\./);
    const rejected = await send(...call("My number is 536-90-4399.", "a", "/strict"));
    expect([rejected.status, JSON.parse(rejected.text())]).toMatchObject([
      422,
      { error: { message: "No personal data." } },
    ]);
    expect(said(await send(...call("Hello.", "a", "/strict")))).toBe("Pay with [CARD] or [masked].");
    expect((await send(...call("My number is 536-90-4399.", "a"))).status).toBe(200);
    expect((await send(...call("My number is 536-90-4399.", "a", "/strict"))).status).toBe(422);
  });

  test("the page's AccessPolicy closes a Gateway to what its guards do not read, whatever a route's own allows", async () => {
    const echo = await startEcho("direct");
    onTestFinished(() => echo.close());
    const page = readFileSync(new URL("../../docs/kinds.md", import.meta.url), "utf8");
    const example = [...page.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = ""]) => text);
    const closing =
      example.find((text) => text.includes("name: models-alone"))?.replace("name: main", "name: gw") ?? "";
    const direct = route(
      "direct",
      "hostnames: [direct.example.com], rules: [{backendRefs: [{name: direct, port: 80}]}]",
    );
    const opening = `apiVersion: sallyport.dev/v1alpha1
kind: AccessPolicy
metadata: {name: open}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: direct}], rules: [{name: x, allow: "true"}]}
`;
    const guard = traffic(
      "all",
      "infra",
      "kind: Gateway, name: gw",
      "{request: {regex: {action: REJECT, builtins: [SSN]}}}",
    );
    const statuses = async (...more: readonly string[]) => {
      const { ask: send } = await startManifestsScene(
        manifests(openGateway, pool, chat("a"), direct, service("direct"), guard, ...more),
        { "llama.default": model.url, "direct.default": echo.url },
      );
      const asked = [
        call("Hello.", "a"),
        call("My number is 536-90-4399.", "a"),
        call("My number is 536-90-4399.", "direct"),
      ];
      return Promise.all(asked.map(async (each) => (await send(...each)).status));
    };
    expect(await statuses()).toEqual([200, 403, 200]);
    expect(await statuses(closing, opening)).toEqual([200, 403, 403]);
    expect(echo.seen).toHaveLength(1);
  });

  test("a TokenRateLimitPolicy of a Gateway counts each route by itself, and one of a rule that rule alone", async () => {
    const limit = (name: string, namespace: string, target: string, tokens: number) =>
      `apiVersion: kuadrant.io/v1alpha1
kind: TokenRateLimitPolicy
metadata: {name: ${name}, namespace: ${namespace}}
spec: {targetRef: {group: gateway.networking.k8s.io, ${target}}, limits: {all: {rates: [{limit: ${tokens}, window: 24h}]}}}
`;
    const { ask: send } = await start(
      chat("a"),
      chat("b"),
      limit("wide", "infra", "kind: Gateway, name: gw", 1_000),
      limit("strict", "default", "kind: HTTPRoute, name: a, sectionName: strict", 5_000),
    );
    const until429 = async (host: string, path = "") => {
      for (let calls = 0; calls < 10; calls++)
        if ((await send(...call("Hello.", host, path))).status === 429) return calls;
      return 10;
    };
    const wide = await until429("a");
    expect(wide).toBeGreaterThan(0);
    expect(wide).toBeLessThan(4);
    expect(await until429("b")).toBe(wide);
    expect(await until429("a", "/strict")).toBe(10);
  });

  test("a TokenRateLimitPolicy asks for groups as Kuadrant's pages do", async () => {
    const keys =
      "{free: {secret: free-free-free-free-free, groups: [staff, free]}, paid: {secret: paid-paid-paid-paid-paid, groups: [paid]}}";
    const { ask: send } = await startManifestsScene(
      manifests(
        openGateway,
        pool,
        chat("a"),
        `apiVersion: kuadrant.io/v1alpha1
kind: TokenRateLimitPolicy
metadata: {name: free}
spec:
  targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: a}
  limits:
    free:
      rates: [{limit: 1, window: 24h}]
      when: [{predicate: 'auth.identity.groups.split(",").exists(g, g == "free")'}]
      counters: [{expression: auth.identity.userid}]
`,
      ),
      { "llama.default": model.url },
      `${baseConfig}auth: {keys: ${keys}}\n`,
    );
    const statusOf = async (key?: string) => {
      const [path, { headers, ...options }] = call("Hello.", "a");
      const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
      return (await send(path, { ...options, headers: { ...headers, ...authorization } })).status;
    };
    expect(await statusOf("free-free-free-free-free")).toBe(429);
    expect(await statusOf("paid-paid-paid-paid-paid")).toBe(200);
    expect(await statusOf()).toBe(200);
  });

  test("what an Ingress lets one address do, migrated, is what it may do here: beyond it 429", async () => {
    const echo = await startEcho("web");
    onTestFinished(() => echo.close());
    const { yaml } = migrated([
      ingress({ namespace: "default", nginx: { "limit-rpm": "1", "limit-burst-multiplier": "2" } }),
    ]);
    const { ask: send } = await startManifestsScene(yaml, { "web.default": echo.url });
    const statuses: number[] = [];
    for (let calls = 0; calls < 3; calls++) statuses.push((await send("/v1/x", { host: "a.example.com" })).status);
    expect(statuses).toEqual([200, 200, 429]);
  });

  test("where a refused policy does not stop the rest, as in a cluster, what it is for is closed and the rest is served", async () => {
    const broken = traffic(
      "broken",
      "default",
      "kind: HTTPRoute, name: a",
      `{request: {regex: {action: REJECT, matches: [{pattern: "(a+)+$"}]}}}`,
    );
    const closed = `apiVersion: sallyport.dev/v1alpha1
kind: AccessPolicy
metadata: {name: broken}
spec: {targetRefs: [{group: sallyport.dev, kind: MCPServer, name: tools}], rules: [{name: x, deny: "nothing.known"}]}
---
apiVersion: sallyport.dev/v1alpha1
kind: MCPServer
metadata: {name: tools}
spec: {url: "${model.url}/mcp"}
`;
    const ofClass = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: sallyport}
spec: {controllerName: sallyport.dev/gateway}
`;
    const { file } = manifestFolder("");
    const text = manifests(openGateway, ofClass, pool, chat("a"), chat("b"), broken, closed);
    const built = buildConfig(manifestsOf(text), [], {
      file,
      source: "cluster",
      podNamespace: "default",
      backends: new Map([["llama.default", [model.url]]]),
    });
    expect(built.translation.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining("slow") as string,
      expect.stringContaining("nothing") as string,
    ]);
    if (built.read.config === undefined) throw built.read.error;
    const gateway = await startGateway(built.read.config);
    onTestFinished(() => gateway.drain());
    const send = (...asked: [string, AskOptions]) => ask(gateway.addresses.data.port, ...asked);
    const calls = model.calls;
    expect((await send(...call("Hello.", "a"))).status).toBe(500);
    expect((await send(...call("Hello.", "a", "/strict"))).status).toBe(500);
    expect(model.calls).toBe(calls);
    expect((await send(...call("Hello.", "b"))).status).toBe(200);
    expect(built.read.config.mcp?.servers["default/tools"]?.url).toContain(".invalid/");
  });
});
