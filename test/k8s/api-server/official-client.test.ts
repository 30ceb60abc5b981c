import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../e2e/eventually.ts";
import { route } from "../api/scene.ts";
import { startApiServer } from "./api-server.ts";

/* What is used of @kubernetes/client-node. */
interface Client {
  readonly KubeConfig: new () => KubeConfig;
  readonly CustomObjectsApi: ApiClass;
  readonly CoreV1Api: ApiClass;
  readonly Watch: new (config: KubeConfig) => Watch;
}
type ApiClass = abstract new () => unknown;
interface KubeConfig {
  loadFromClusterAndUser(cluster: Readonly<Record<string, unknown>>, user: Readonly<Record<string, unknown>>): void;
  makeApiClient(api: ApiClass): Record<string, (request: Readonly<Record<string, unknown>>) => Promise<Answer>>;
}
interface Watch {
  watch(
    path: string,
    query: Readonly<Record<string, string>>,
    each: (type: string, object: Answer) => void,
    done: (error: unknown) => void,
  ): Promise<AbortController>;
}
interface Answer {
  readonly kind: string;
  readonly items: readonly Answer[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: unknown;
  readonly status: unknown;
}

const group = "gateway.networking.k8s.io";
const routes = { group, version: "v1", namespace: "default", plural: "httproutes" };
const packageName: string = "@kubernetes/client-node";

test("the official client lists, watches, creates, replaces and deletes at the API server of these tests", async () => {
  const server = await startApiServer();
  onTestFinished(() => server.stop());
  const { KubeConfig, CustomObjectsApi, CoreV1Api, Watch } = (await import(packageName)) as Client;
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: "c", server: server.url, skipTLSVerify: true }, { name: "u" });
  const custom = config.makeApiClient(CustomObjectsApi);
  const call = async (method: string, request: Readonly<Record<string, unknown>>) => {
    const answer = await custom[method]?.({ ...routes, ...request });
    if (answer === undefined) throw new Error(`no ${method}`);
    return answer;
  };

  const seen: string[] = [];
  const path = `/apis/${group}/v1/httproutes`;
  const watch = await new Watch(config).watch(
    path,
    { allowWatchBookmarks: "true", resourceVersion: String(server.store.version) },
    (type, { metadata }) => void seen.push(`${type} ${String(metadata["name"])}`),
    () => {},
  );
  onTestFinished(() => watch.abort());
  await eventually(() => expect(server.watches.size).toBe(1));

  const made = await call("createNamespacedCustomObject", { body: route("a") });
  expect(made).toMatchObject({ kind: "HTTPRoute", metadata: { name: "a", generation: 1 } });
  const condition = {
    type: "Accepted",
    status: "True",
    reason: "Accepted",
    message: "",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
  const parents = [{ parentRef: { name: "main" }, controllerName: "example.com/other", conditions: [condition] }];
  const told = await call("replaceNamespacedCustomObjectStatus", { name: "a", body: { ...made, status: { parents } } });
  expect(told).toMatchObject({ metadata: { generation: 1 }, status: { parents } });
  await expect(call("replaceNamespacedCustomObject", { name: "a", body: made })).rejects.toMatchObject({ code: 409 });
  const list = await call("listNamespacedCustomObject", {});
  expect(list).toMatchObject({ kind: "HTTPRouteList", items: [{ metadata: { name: "a" } }] });
  await call("deleteNamespacedCustomObject", { name: "a" });
  await expect(call("getNamespacedCustomObject", { name: "a" })).rejects.toMatchObject({ code: 404 });
  await eventually(() => expect(seen).toEqual(["ADDED a", "MODIFIED a", "DELETED a"]));

  server.apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s", namespace: "default" },
    spec: { ports: [] },
  });
  const services = await config.makeApiClient(CoreV1Api)["listNamespacedService"]?.({ namespace: "default" });
  expect(services?.items).toMatchObject([{ metadata: { name: "s" } }]);
});
