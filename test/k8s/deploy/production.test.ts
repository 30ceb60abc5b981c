import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../e2e/eventually.ts";
import { startEcho } from "../../services/services-scene.ts";
import { ownAddress } from "../own-address.ts";
import { find, type Manifest } from "./manifests.ts";
import { namespaceOf, type ProductionScene, startProduction } from "./production-scene.ts";
import { fillSkeleton } from "./skeleton.ts";

const base = "/models/support/support-bot/v1/chat/completions";
const routes = { "sallyport.dev/routes": "true" };

const skeletonOf = (namespace: string, tokensPerMinute = "1000") =>
  fillSkeleton({ name: "support-bot", namespace, model: "llama-3-8b", tokensPerMinute });

/** A pod of the team's Deployment, as its ReplicaSet would make it, with a model server of this machine in it. */
function podOf(deployment: Manifest): object {
  const { template } = deployment.spec as { readonly template: { readonly metadata: object; readonly spec: object } };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...template.metadata, name: "support-bot-1", namespace: deployment.metadata.namespace },
    spec: template.spec,
    status: { podIP: ownAddress(), conditions: [{ type: "Ready", status: "True" }], phase: "Running" },
  };
}

/** What Argo CD applies of the skeleton, as far as the gateway reads it. */
function applyTeam({ api, modelPort }: ProductionScene, namespace: string, tokensPerMinute?: string): void {
  const objects = skeletonOf(namespace, tokensPerMinute);
  const read = objects.filter(({ kind }) => kind !== "Deployment" && kind !== "NetworkPolicy");
  for (const object of [...read, podOf(find(objects, "Deployment", "support-bot"))]) {
    const text = JSON.stringify(object).replace('"number":8000', `"number":${modelPort}`);
    api.apply(JSON.parse(text) as Parameters<typeof api.apply>[0]);
  }
}

interface Conditions {
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
}

/** `Accepted True` and so on: of a route's only parent, of a policy's only ancestor, or of the object. */
function conditionsOf({ api }: ProductionScene, kind: string, namespace: string, name: string): readonly string[] {
  const { status } = api.get(kind, namespace, name) as {
    readonly status?: Partial<Conditions> & { readonly parents?: Conditions[]; readonly ancestors?: Conditions[] };
  };
  const { conditions = [] } = status?.parents?.[0] ?? status?.ancestors?.[0] ?? status ?? {};
  return conditions.map(({ type, status: is, reason }) =>
    is === "True" ? `${type} ${is}` : `${type} ${is} ${reason}`,
  );
}

const prompt = (content: string) => ({ model: "llama-3-8b", max_tokens: 100, messages: [{ role: "user", content }] });

test("what Backstage writes is served at the address it gives, to who is signed in, within its limit", async () => {
  const scene = await startProduction();
  const { api, call, tokenOf, refused } = scene;
  const ask = async (content: string) => call(base, { token: await tokenOf("support"), body: prompt(content) });
  expect((await ask("Say hello")).status).toBe(404);
  api.apply({ ...namespaceOf("support", routes) });
  applyTeam(scene, "support");
  await eventually(async () => expect((await ask("Say hello")).status).toBe(200));
  expect((await call(base, { body: prompt("Say hello") })).status).toBe(401);

  let last = await ask("Say hello");
  for (let calls = 0; last.status === 200 && calls < 100; calls++) last = await ask("Say hello");
  expect([last.status, Number(last.headers["retry-after"]) > 0]).toEqual([429, true]);
  expect(last.body).toContain("support/support-bot/team");

  await eventually(() => {
    expect(conditionsOf(scene, "HTTPRoute", "support", "support-bot")).toEqual(["Accepted True", "ResolvedRefs True"]);
    expect(conditionsOf(scene, "Gateway", "sallyport", "sallyport")).toContain("Programmed True");
    for (const kind of ["TokenRateLimitPolicy", "TrafficPolicy"])
      expect(conditionsOf(scene, kind, "support", "support-bot")).toContain("Accepted True");
  }, 100);
  expect(refused).toEqual([]);

  /* What is the gateway's own at this host stays its own. */
  const models = await call("/v1/models", { token: await tokenOf("support") });
  expect(models.body).toContain('"gpt-4o"');
}, 60_000);

test("a team's AccessPolicy is added to the rules of the gateway's configuration", async () => {
  const scene = await startProduction();
  const { api, call, tokenOf, refused } = scene;
  api.apply({ ...namespaceOf("support", routes) });
  applyTeam(scene, "support", "1000000");
  const ask = async (team: string) => (await call(base, { token: await tokenOf(team), body: prompt("Hello") })).status;
  await eventually(async () => expect([await ask("support"), await ask("lab")]).toEqual([200, 200]));
  api.apply({
    apiVersion: "sallyport.dev/v1alpha1",
    kind: "AccessPolicy",
    metadata: { name: "own-team", namespace: "support" },
    spec: {
      targetRefs: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "support-bot" }],
      rules: [
        { name: "members", allow: 'principal.tenant != ""' },
        { name: "own team", require: 'principal.tenant == "support"' },
      ],
    },
  });
  /* Whom a model is not for does not hear of it. */
  await eventually(async () => expect([await ask("support"), await ask("lab")]).toEqual([200, 404]));
  await eventually(
    () => expect(conditionsOf(scene, "AccessPolicy", "support", "own-team")).toContain("Accepted True"),
    100,
  );
  expect(refused).toEqual([]);
}, 60_000);

test("a namespace without the label attaches nothing, and one with it takes neither another host nor a path of the gateway's", async () => {
  const scene = await startProduction();
  const { api, call, tokenOf } = scene;
  const route = find(skeletonOf("support"), "HTTPRoute", "support-bot");
  const routeOf = (name: string, spec: object, namespace = "support") => {
    const made = { ...route, metadata: { name, namespace }, spec: { ...(route.spec as object), ...spec } };
    api.apply(made);
  };
  const rule = (value: string) => ({
    matches: [{ path: { type: "PathPrefix", value } }],
    backendRefs: (route.spec as { rules: { backendRefs: object[] }[] }).rules[0]?.backendRefs,
  });
  api.apply({ ...namespaceOf("support", routes) });
  api.apply({ ...namespaceOf("lab") });
  applyTeam(scene, "support");
  applyTeam(scene, "lab");
  routeOf("another-host", { hostnames: ["shop.example.com"] });
  routeOf("everything", { rules: [rule("/")] });
  routeOf("own-path", { rules: [rule("/v1")] });
  const token = await tokenOf("support");
  await eventually(async () => expect((await call(base, { token, body: prompt("Hello") })).status).toBe(200));
  await eventually(() => {
    expect(conditionsOf(scene, "HTTPRoute", "lab", "support-bot")).toContain("Accepted False NotAllowedByListeners");
    expect(conditionsOf(scene, "HTTPRoute", "support", "another-host")).toContain(
      "Accepted False NoMatchingListenerHostname",
    );
    for (const name of ["everything", "own-path"])
      expect(conditionsOf(scene, "HTTPRoute", "support", name)).toContain("Accepted False NotAllowedByListeners");
  }, 100);
  expect((await call("/models/lab/support-bot/v1/models", { token })).status).not.toBe(200);
  expect((await call("/v1/models", { token })).body).toContain('"gpt-4o"');
  expect((await call("/oauth/token", { body: {} })).status).toBe(404);
}, 60_000);

/** A Service of a team, with one pod on this machine. */
function applyService({ api }: ProductionScene, namespace: string, port: number): void {
  api.apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "shop", namespace },
    spec: { ports: [{ name: "http", port: 80, targetPort: 8080 }] },
  });
  api.apply({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "shop-1", namespace, labels: { "kubernetes.io/service-name": "shop" } },
    addressType: "IPv4",
    endpoints: [{ addresses: [ownAddress()], conditions: { ready: true } }],
    ports: [{ name: "http", port, protocol: "TCP" }],
  });
}

const routeTo = (namespace: string, name: string, path: object, filters: readonly object[] = []) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "HTTPRoute",
  metadata: { name, namespace },
  spec: {
    parentRefs: [{ name: "sallyport", namespace: "sallyport" }],
    rules: [{ matches: [{ path }], filters, backendRefs: [{ name: "shop", port: 80 }] }],
  },
});

test("a team's Service is served to who is signed in, and takes no path of another team's", async () => {
  const scene = await startProduction();
  const { api, call, tokenOf } = scene;
  const shop = await startEcho("shop", ownAddress());
  onTestFinished(() => shop.close());
  for (const namespace of ["support", "team-b"]) api.apply({ ...namespaceOf(namespace, routes) });
  applyTeam(scene, "support", "1000000");
  applyService(scene, "team-b", shop.port);
  api.apply(routeTo("team-b", "shop", { type: "PathPrefix", value: "/apps/team-b/shop" }));
  const token = await tokenOf("support");
  await eventually(async () => expect((await call("/apps/team-b/shop/1", { token })).status).toBe(200), 100);
  expect((await call("/apps/team-b/shop/1")).status).toBe(401);
  expect((await call(base, { token, body: prompt("Say hello") })).status).toBe(200);

  const rewrite = { type: "ReplaceFullPath", replaceFullPath: "/v1/chat/completions" };
  api.apply(routeTo("team-b", "exact", { type: "Exact", value: base }));
  api.apply(
    routeTo("team-b", "rewritten", { type: "PathPrefix", value: base }, [
      { type: "URLRewrite", urlRewrite: { path: rewrite } },
    ]),
  );
  api.apply(routeTo("team-b", "pattern", { type: "RegularExpression", value: "/models/.*" }));
  api.apply({
    apiVersion: "kuadrant.io/v1alpha1",
    kind: "TokenRateLimitPolicy",
    metadata: { name: "exact", namespace: "team-b" },
    spec: {
      targetRef: { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "exact" },
      limits: { all: { rates: [{ limit: 100_000, window: "1m" }] } },
    },
  });
  await eventually(() => {
    for (const name of ["exact", "rewritten", "pattern"])
      expect(conditionsOf(scene, "HTTPRoute", "team-b", name)).toContain("Accepted False NotAllowedByListeners");
  }, 100);
  const answer = await call(base, { token, body: prompt("Our secret plan") });
  expect([answer.status, answer.body.includes('"name":"shop"')]).toEqual([200, false]);
}, 60_000);
