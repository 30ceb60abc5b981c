import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startSimulator, type Simulator } from "../../../models/simulator/simulator.ts";
import { freePorts } from "../../../src/cli/quickstart-process.ts";
import { eventually } from "../../e2e/eventually.ts";
import { listenOn, type ServeProcess, startServeProcess } from "../../e2e/serve-process.ts";
import { type ApiServer, startApiServer } from "../api-server/api-server.ts";
import { find, k8s, readManifests } from "./manifests.ts";
import { createPermissions } from "./permissions.ts";

/* What the overlay `watch` does in a cluster: a gateway that follows an API server, with the roles of that overlay and no others. */

const roles = readManifests(join(k8s, "components/follow/rbac.yaml"));
const simulated = readManifests(join(k8s, "overlays/laptop/simulator.yaml"));
const folder = mkdtempSync(join(tmpdir(), "sallyport-watch-"));
const refused: string[] = [];
let api: ApiServer;
let model: Simulator;
let gateway: ServeProcess;

const post = () =>
  fetch(`${gateway.url}/chat/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "llama-3-8b", max_tokens: 100, messages: [{ role: "user", content: "Say hello" }] }),
  });

beforeAll(async () => {
  model = await startSimulator({ port: 0, model: "llama-3-8b" });
  api = await startApiServer();
  const permissions = createPermissions(roles);
  api.intercept = (request) => {
    const failure = permissions(request);
    if (failure !== undefined) refused.push(failure.message);
    return failure;
  };
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "sallyport" } };
  const service = { ...find(simulated, "Service", "simulator") };
  const endpoints = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "simulator-1", namespace: "sallyport", labels: { "kubernetes.io/service-name": "simulator" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
    ports: [{ name: "http", port: Number(new URL(model.url).port), protocol: "TCP" }],
  };
  const inNamespace = { ...service, metadata: { ...service.metadata, namespace: "sallyport" } };
  for (const object of [namespace, inNamespace, endpoints]) api.apply(object);
  const config = {
    "current-context": "main",
    contexts: [{ name: "main", context: { cluster: "c", user: "u", namespace: "sallyport" } }],
    clusters: [{ name: "c", cluster: { server: api.url } }],
    users: [{ name: "u", user: { token: "any" } }],
  };
  writeFileSync(join(folder, "kubeconfig"), JSON.stringify({ apiVersion: "v1", kind: "Config", ...config }));
  const port = await freePorts();
  const yaml = `listen: ${listenOn(port)}\npolicies: ${join(k8s, "base/gateway/policies")}\nstate: memory\nauth: {embedded: true}\nkubernetes: {platformNamespaces: [sallyport]}\n`;
  gateway = await startServeProcess(folder, port, yaml, {}, [
    "--kubernetes",
    "--kubeconfig",
    join(folder, "kubeconfig"),
  ]);
}, 60_000);

afterAll(async () => {
  await gateway?.kill();
  await api?.stop();
  await model?.close();
  rmSync(folder, { recursive: true });
});

test("a route that is applied is served, and its token limit answers 429 with JSON and retry-after", async () => {
  expect((await post()).status).toBe(404);
  for (const object of readManifests(join(k8s, "samples/limited-model.yaml"))) api.apply({ ...object });
  await eventually(async () => expect((await post()).status).toBe(200));
  let last = await post();
  for (let calls = 0; last.status === 200 && calls < 200; calls++) {
    await last.text();
    last = await post();
  }
  expect([last.status, Number(last.headers.get("retry-after")) > 0]).toEqual([429, true]);
  expect(await last.json()).toMatchObject({ error: { type: "rate_limit_error" } });
});

test("the objects say in their status that they were taken up", async () => {
  await eventually(() => {
    const { status } = api.get("HTTPRoute", "sallyport", "chat") as unknown as {
      readonly status?: {
        readonly parents: readonly {
          readonly conditions: readonly { readonly type: string; readonly status: string }[];
        }[];
      };
    };
    const conditions = status?.parents[0]?.conditions.map(({ type, status: is }) => `${type} ${is}`) ?? [];
    expect(conditions).toEqual(expect.arrayContaining(["Accepted True", "ResolvedRefs True"]));
  }, 300);
});

test("the roles of the overlay allow all of that, the Lease included: nothing was forbidden", () => {
  expect(refused).toEqual([]);
  expect(api.requests.some(({ resource, verb }) => resource.plural === "leases" && verb === "create")).toBe(true);
  expect(api.requests.some(({ subresource, verb }) => subresource === "status" && verb === "update")).toBe(true);
});
