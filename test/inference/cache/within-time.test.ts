import { expect, test } from "vitest";
import { missingClient } from "../../../src/inference/cache/vectors/load-client.ts";
import type { VectorStore } from "../../../src/inference/cache/vectors/vector-store.ts";
import { createVectors, vectorsConfig } from "../../../src/inference/cache/vectors/registry.ts";
import { withinTime } from "../../../src/inference/cache/vectors/within-time.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createUpstream } from "../../../src/http/undici-upstream.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { createTestClock } from "../../state/test-clock.ts";

const vector = Float32Array.of(1, 0);
const query = { least: 0.5, most: 1 };

/** A store that does what the test says, in place of a server that is away. */
function open(search: VectorStore["search"], put: VectorStore["put"] = async () => {}) {
  const clock = createTestClock();
  const metrics = createMetrics();
  let asked = 0;
  const store: VectorStore = {
    put,
    search: (...given) => {
      asked++;
      return search(...given);
    },
    remove: async () => {},
    removePartition: async () => {},
    close: async () => {},
  };
  const vectors = withinTime(store, { name: "far", limitMs: 20, clock, meter: metrics.meter });
  const find = () => vectors.search("p", vector, query);
  const failures = async (why: string) => {
    const { body } = await metrics.render();
    return Number(new RegExp(`failures_total\\{store="far",why="${why}"\\} (\\d+)`).exec(body)?.[1] ?? 0);
  };
  return { vectors, find, clock, failures, asked: () => asked };
}

test("a search that takes too long ends in time, as a failure", async () => {
  const { find, failures } = open(() => new Promise(() => {}));
  await expect(find()).rejects.toMatchObject({ kind: "upstream_timeout" });
  expect(await failures("timeout")).toBe(1);
});

test("a store that fails three times in a row is left alone for a while, and then asked again", async () => {
  let isDown = true;
  const { find, failures, asked, clock } = open(async () => {
    if (isDown) throw new Error("connection refused");
    return [];
  });
  for (let count = 0; count < 5; count++) await expect(find()).rejects.toMatchObject({ kind: "upstream_unavailable" });
  expect([asked(), await failures("error"), await failures("resting")]).toEqual([3, 3, 2]);
  isDown = false;
  clock.pass(5_000);
  expect(await find()).toEqual([]);
  expect(asked()).toBe(4);
});

test("writes to a store that hangs do not pile up without end", async () => {
  const { vectors, failures } = open(
    async () => [],
    () => new Promise(() => {}),
  );
  const put = (id: number) => vectors.put("p", { id: String(id), vector, expiresAtMs: 1 });
  for (let id = 0; id < 256; id++) put(id).catch(() => {});
  await expect(put(256)).rejects.toMatchObject({ kind: "upstream_unavailable" });
  expect(await failures("busy")).toBe(1);
});

test("a client that is not installed is named together with the line that installs it", () => {
  const resolve = () => {
    throw new Error("not found");
  };
  expect(missingClient("chromadb", resolve)).toMatch(
    /needs the package chromadb.*: npm install chromadb@\d+\.\d+\.\d+$/,
  );
});

test.for([
  ["chroma", { chroma: { url: "http://127.0.0.1:9" } }],
  ["milvus", { milvus: { address: "127.0.0.1:9" } }],
] as const)(
  "%s that is down is a failure within its time, or its client is missing and that is said",
  async ([name, written]) => {
    const upstream = createUpstream({ egress: { allow: [], connections: 1, connectTimeout: 1_000 } });
    const { meter } = createMetrics();
    const deps = { space: "s", maxEntries: 1, upstream, clock: createTestClock(), log: silentLog, meter };
    const make = () => createVectors(vectorsConfig.parse(written), deps);
    const client = name === "chroma" ? "chromadb" : "@zilliz/milvus2-sdk-node";
    if (missingClient(client) !== undefined) expect(make).toThrow(`npm install ${client}@`);
    else {
      const vectors = make();
      await expect(vectors.search("p", vector, query)).rejects.toMatchObject({
        kind: expect.stringContaining("upstream_"),
      });
      await vectors.close();
    }
    await upstream.close();
  },
);
