import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { createUpstream } from "../../../src/http/undici-upstream.ts";
import type { Upstream } from "../../../src/http/upstream.ts";
import type { ApiAccess } from "../../../src/k8s/api/api-access.ts";
import { type ApiClient, createApiClient } from "../../../src/k8s/api/api-client.ts";
import type { Followed } from "../../../src/k8s/api/api-object.ts";
import { startElection } from "../../../src/k8s/api/election.ts";
import { createKubernetesMetrics } from "../../../src/k8s/api/kubernetes-metrics.ts";
import { listNewest } from "../../../src/k8s/api/list-pages.ts";
import { type Change, createReflector, type Reflector } from "../../../src/k8s/api/reflector.ts";
import { createStatusWriter } from "../../../src/k8s/api/status-writer.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { createLineLog, quickPace } from "../api/scene.ts";
import { eventually } from "../../e2e/eventually.ts";

/** A server that has the kinds of `k8s/crds` and the namespace `contract`. */
export interface RunningServer {
  readonly access: ApiAccess;
  stop(): Promise<void>;
}

type Json = Record<string, unknown>;

const servers: Followed = {
  group: "sallyport.dev",
  kind: "MCPServer",
  plural: "mcpservers",
  versions: ["v1alpha1"],
  namespace: "contract",
};
const folder = "/apis/sallyport.dev/v1alpha1/namespaces/contract/mcpservers";
const server = (name: string, url = "http://tools.example/mcp") => ({
  apiVersion: "sallyport.dev/v1alpha1",
  kind: "MCPServer",
  metadata: { name, namespace: "contract" } as Json,
  spec: { url },
});
const condition = {
  type: "Accepted",
  status: "True",
  reason: "Accepted",
  message: "",
  observedGeneration: 1,
  lastTransitionTime: "2026-01-01T00:00:00Z",
};

/** What the gateway counts on at an API server, and what it makes of it. Runs on the one in this process and on a real one. */
export function describeApiServer(name: string, start: () => Promise<RunningServer>): void {
  describe(`${name} as the gateway knows it`, () => {
    const { signal } = new AbortController();
    const log = createLineLog();
    const metrics = createKubernetesMetrics(createMetrics().meter);
    let running: RunningServer;
    let client: ApiClient;
    let upstream: Upstream;

    beforeAll(async () => {
      running = await start();
      client = createApiClient({ access: running.access, clock: systemClock, log, metrics });
      const { tls } = await running.access.credentials();
      upstream = createUpstream({ egress: { allow: [], connections: 8, connectTimeout: 5_000 }, tls });
    }, 120_000);
    afterAll(async () => {
      await client.close();
      await upstream.close();
      await running.stop();
    });

    /** One request as anybody could send it. */
    async function ask(method: string, path: string, body?: unknown, type = "application/json") {
      const { headers } = await running.access.credentials();
      const response = await upstream.request({
        url: new URL(running.access.server + path),
        trust: "configured",
        method,
        headers: { ...headers, ...(body !== undefined && { "content-type": type }) },
        ...(body !== undefined && { body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)) }),
      });
      const text = (await response.bytes(10_000_000)).toString();
      return { status: response.status, body: (text.startsWith("{") ? JSON.parse(text) : {}) as Json };
    }
    const metadataOf = (object: Json) => object["metadata"] as { resourceVersion: string; generation: number };
    const create = async (object: Json) => (await ask("POST", folder, object)).body;

    test("a list in pages is whole and of one moment", async () => {
      for (let count = 0; count < 7; count++)
        expect((await ask("POST", folder, server(`page-${count}`))).status).toBe(201);
      const first = await ask("GET", `${folder}?limit=5`);
      const { continue: next, resourceVersion } = first.body["metadata"] as Json;
      expect(first.body["items"]).toHaveLength(5);
      await create(server("page-late"));
      const second = await ask("GET", `${folder}?limit=5&continue=${encodeURIComponent(String(next))}`);
      expect((second.body["items"] as Json[]).map((item) => (item["metadata"] as Json)["name"])).toEqual([
        "page-5",
        "page-6",
      ]);
      expect(second.body["metadata"]).toMatchObject({ resourceVersion });
      expect((await listNewest(client, servers, signal)).items).toHaveLength(8);
    });

    test("says what it refuses as the specification has it", async () => {
      const made = await create(server("strict"));
      expect(await ask("POST", folder, server("strict"))).toMatchObject({
        status: 409,
        body: { reason: "AlreadyExists" },
      });
      expect(await ask("PUT", `${folder}/strict`, server("strict"))).toMatchObject({
        status: 422,
        body: { reason: "Invalid" },
      });
      const old = { ...made, metadata: { ...metadataOf(made), resourceVersion: "1" } };
      expect(await ask("PUT", `${folder}/strict`, old)).toMatchObject({ status: 409, body: { reason: "Conflict" } });
      expect(await ask("PUT", `${folder}/strict`, "{not json")).toMatchObject({ status: 400 });
      expect(await ask("PUT", `${folder}/strict`, made, "text/plain")).toMatchObject({ status: 415 });
      expect(await ask("PUT", `${folder}/other`, made)).toMatchObject({ status: 400 });
      expect(await ask("GET", `${folder}/none`)).toMatchObject({
        status: 404,
        body: { reason: "NotFound", kind: "Status" },
      });
      expect(await client.isApiServer(signal)).toBe(true);
      expect((await ask("GET", "/apis/sallyport.dev/v1alpha1/namespaces/contract/strangers")).status).toBe(404);
      expect((await ask("GET", `${folder}?continue=nonsense`)).status).toBeGreaterThanOrEqual(400);
    });

    test("a status is written at its own address and does not count as a change of the object", async () => {
      const made = await create(server("status"));
      expect(metadataOf(made).generation).toBe(1);
      const both = { ...made, spec: { url: "http://other.example/mcp" }, status: { conditions: [condition] } };
      const written = await ask("PUT", `${folder}/status/status`, both);
      expect(written.status).toBe(200);
      expect(written.body).toMatchObject({ spec: server("status").spec, status: { conditions: [condition] } });
      expect(metadataOf(written.body).generation).toBe(1);
      expect(metadataOf(written.body).resourceVersion).not.toBe(metadataOf(made).resourceVersion);
      const changed = await ask("PUT", `${folder}/status`, { ...both, metadata: written.body["metadata"], status: {} });
      expect(changed.body).toMatchObject({ spec: both.spec, status: { conditions: [condition] } });
      expect(metadataOf(changed.body).generation).toBe(2);
      const same = await ask("PUT", `${folder}/status/status`, changed.body);
      expect(metadataOf(same.body).resourceVersion).toBe(metadataOf(changed.body).resourceVersion);
    });

    test("a watch from a version that is no longer known is told so, at once or as an event", async () => {
      const words: unknown[] = [];
      try {
        for await (const event of client.watch(
          `${folder}?watch=true&resourceVersion=1&timeoutSeconds=5`,
          { idleTimeoutMs: 10_000, opened: () => undefined },
          signal,
        ))
          words.push(event);
      } catch (error) {
        words.push(error);
      }
      expect(JSON.stringify(words[0]) + String(words[0])).toMatch(/Expired|Gone|too old/);
    });

    test("what follows it sees what comes, changes and goes, over the end of each watch", async () => {
      const changes: Change[] = [];
      const pace = { ...quickPace, watchMs: [1_000, 1_000] as const };
      const changed = (more: readonly Change[]) => void changes.push(...more);
      const reflector: Reflector = createReflector({
        followed: servers,
        client,
        clock: systemClock,
        log,
        metrics,
        pace,
        changed,
      });
      try {
        await reflector.settled;
        const before = changes.length;
        for (let count = 0; count < 5; count++) {
          await create(server(`live-${count}`));
          await new Promise((resolve) => setTimeout(resolve, 500));
        }
        const { body } = await ask("GET", `${folder}/live-0`);
        await ask("PUT", `${folder}/live-0`, { ...body, spec: { url: "http://changed.example/mcp" } });
        await ask("DELETE", `${folder}/live-1`);
        await eventually(() => expect(changes.length).toBe(before + 7));
        expect(reflector.objects.get("contract/live-0")).toMatchObject({ spec: { url: "http://changed.example/mcp" } });
        expect(reflector.objects.has("contract/live-1")).toBe(false);
      } finally {
        await reflector.close();
      }
    });

    test("a status is written beside those of others, once", async () => {
      const made = await create(server("written"));
      const theirs = { ...condition, type: "example.com/Checked", reason: "Fine" };
      await ask("PUT", `${folder}/written/status`, { ...made, status: { conditions: [theirs] } });
      const reflector = createReflector({
        followed: servers,
        client,
        clock: systemClock,
        log,
        metrics,
        pace: quickPace,
        changed() {},
      });
      const writer = createStatusWriter({
        client,
        clock: systemClock,
        log,
        metrics,
        pace: quickPace,
        controllerName: () => "sallyport.dev/gateway",
      });
      try {
        await reflector.settled;
        const { lastTransitionTime: _, ...wanted } = condition;
        const current = () => reflector.objects.get("contract/written");
        writer.setActive(true);
        writer.plan(
          new Map([["written", { followed: servers, status: { conditions: [wanted] }, generation: 1, current }]]),
        );
        await writer.idle();
        const { body } = await ask("GET", `${folder}/written`);
        expect(body["status"]).toMatchObject({ conditions: [theirs, wanted] });
        await eventually(() => expect(current()?.metadata.resourceVersion).toBe(metadataOf(body).resourceVersion));
        writer.recheck("written");
        await writer.idle();
        expect(metadataOf((await ask("GET", `${folder}/written`)).body).resourceVersion).toBe(
          metadataOf(body).resourceVersion,
        );
      } finally {
        await writer.close();
        await reflector.close();
      }
    });

    test("one of two replicas has its turn, and hands it over", async () => {
      const turns: string[] = [];
      const join = (identity: string) =>
        startElection({
          client,
          clock: systemClock,
          log,
          namespace: "contract",
          name: "turn",
          identity,
          leaseMs: 1_000,
          changed: (elected) => void turns.push(`${identity} ${elected}`),
        });
      const first = join("first");
      await eventually(() => expect(turns).toEqual(["first true"]));
      const second = join("second");
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await first.close();
      await eventually(() => expect(turns).toEqual(["first true", "first false", "second true"]));
      await second.close();
    });
  });
}
