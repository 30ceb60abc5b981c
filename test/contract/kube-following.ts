import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../e2e/eventually.ts";
import { ModelServer } from "../inference/pool/model-server.ts";
import {
  controllerName,
  endpoints,
  gatewayClass,
  httpRoute,
  mainGateway,
  type Replica,
  service,
  startReplica,
  startShop,
} from "../k8s/api/cluster-scene.ts";
import { chatRoute, inferencePool, pod, tokenLimit } from "./kube-objects.ts";
import { access, askKube, createObject, ownAddress } from "./kube-scene.ts";

/** A whole gateway on a server that knows the kinds of the Gateway API, InferencePool and TokenRateLimitPolicy. */
export function describeFollowing(): void {
  describe("a gateway that follows kube-apiserver", () => {
    const address = ownAddress() ?? "";
    const statusOf = async (path: string) => (await askKube("GET", path)).body["status"] as Record<string, unknown>;
    const conditions = (...expected: readonly object[]) =>
      expect.arrayContaining(expected.map((one) => expect.objectContaining(one) as unknown)) as unknown;
    const yes = (type: string) => ({ type, status: "True" });
    const create = async (...objects: readonly Parameters<typeof createObject>[0][]) => {
      const paths: string[] = [];
      for (const object of objects) paths.push(await createObject(object));
      return paths;
    };
    const written = async (replica: Replica) => {
      expect(replica.log.lines.filter(({ level }) => level === "error")).toEqual([]);
      expect(await replica.page()).not.toMatch(/status_writes_total\{[^}]*result="failed"/);
    };

    test("serves a route until it is deleted, and writes statuses that the kinds' own schemas take", async () => {
      const port = await startShop("from the shop", address);
      const [classPath = "", gatewayPath = "", routePath = ""] = await create(
        gatewayClass,
        mainGateway(),
        httpRoute("shop", "/shop"),
        service("shop"),
        endpoints("shop", port, [address]),
      );
      const replica = await startReplica(access);
      const says = async () => {
        const answer = await replica.ask("/shop");
        return answer.status === 200 ? answer.text() : answer.status;
      };
      await eventually(async () => expect(await says()).toBe("from the shop"));
      await eventually(async () => {
        await replica.cluster.idle();
        expect(await statusOf(routePath)).toMatchObject({
          parents: [{ controllerName, conditions: conditions(yes("Accepted"), yes("ResolvedRefs")) }],
        });
        expect(await statusOf(gatewayPath)).toMatchObject({
          conditions: conditions(yes("Accepted"), yes("Programmed")),
          listeners: [expect.objectContaining({ name: "http", attachedRoutes: 1 })],
        });
        expect(await statusOf(classPath)).toMatchObject({ conditions: conditions(yes("Accepted")) });
      });
      await written(replica);
      await askKube("DELETE", routePath);
      await eventually(async () => expect(await says()).toBe(404));
    });

    test("calls the pods of an InferencePool within a TokenRateLimitPolicy, and says of both that they hold", async () => {
      const model = await new ModelServer().start(address);
      onTestFinished(() => model.stop());
      const [poolPath = "", podPath = "", , policyPath = ""] = await create(
        inferencePool("llama", model.port),
        pod("llama-0", { app: "llama" }),
        chatRoute("chat", "/v1", "llama"),
        tokenLimit("chat", 1),
        service("epp"),
      );
      const { body } = await askKube("GET", podPath);
      const ready = { phase: "Running", podIP: address, podIPs: [{ ip: address }], conditions: [yes("Ready")] };
      expect(await askKube("PUT", `${podPath}/status`, { ...body, status: ready })).toMatchObject({ status: 200 });
      const replica = await startReplica(access, { base: "kubernetes: {platformNamespaces: [default]}\n" });
      const call = () =>
        replica.ask("/v1/chat/completions", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "hello" }] }),
        });
      await eventually(async () => expect((await call()).status).not.toBe(404));
      await eventually(async () => expect((await call()).status).toBe(429));
      await eventually(async () => {
        await replica.cluster.idle();
        expect(await statusOf(poolPath)).toMatchObject({
          parents: [{ conditions: conditions(yes("Accepted"), yes("ResolvedRefs")) }],
        });
        expect(await statusOf(policyPath)).toMatchObject({ conditions: conditions(yes("Accepted"), yes("Enforced")) });
      });
      await written(replica);
      const before = model.calls;
      await askKube("DELETE", policyPath);
      await eventually(async () => expect((await call()).status).toBe(200));
      expect(model.calls).toBeGreaterThan(before);
    });
  });
}
