import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asking, openReplica, type Replica } from "../inference/cache/replicas-scene.ts";
import { type RedisServer, startRedis } from "../state/redis-server.ts";

const password = "How do I reset my password?";
const inOtherWords = "What is the password reset process?";

/** What replicas on one Redis do with a vector store that they share. `vectors`: as in the configuration. */
export function describeReplicas(name: string, vectors: object): void {
  describe(`replicas that share ${name}`, () => {
    let redis: RedisServer;
    const open: Replica[] = [];
    const replica = async (prefix?: string) => {
      const opened = await openReplica(redis.url, { semantic: { embedder: "lexical", vectors } }, prefix);
      open.push(opened);
      return opened;
    };
    const stored = ({ ask }: Replica, question: string, tenant = "acme") =>
      ask(asking(question, { tenant, headers: { "cache-control": "only-if-cached" } })).catch(() => "none");
    beforeAll(async () => {
      redis = await startRedis();
    });
    afterAll(async () => {
      for (const each of open) await each.close();
      await redis.stop();
    });

    test("a question in other words is answered by a replica that has never seen the first, until it is flushed", async () => {
      const [a, b, stranger] = [await replica(), await replica(), await replica("other:")];
      await a.ask(asking(password));
      await expect.poll(() => stored(b, inOtherWords), { timeout: 20_000, interval: 300 }).toBe("hit");
      expect(await b.metric("cache_lookups_total", "semantic")).toBe(1);
      expect(await stored(b, inOtherWords, "globex")).toBe("none");
      /* It finds no vector of theirs, which it would remove for want of an answer. */
      expect(await stored(stranger, inOtherWords)).toBe("none");
      expect(await stranger.metric("cache_shared_reads_total")).toBe(1);
      expect(await stored(await replica(), inOtherWords)).toBe("hit");
      expect(await b.cache.flush({ tenant: "acme" })).toBe(1);
      for (const each of [a, b]) await expect.poll(() => stored(each, inOtherWords)).toBe("none");
    });

    test("a vector without an answer is removed when it is found", async () => {
      const a = await replica();
      await a.ask(asking("Who painted the Mona Lisa?"));
      await expect
        .poll(async () => stored(await replica(), "Who was the Mona Lisa painted by?"), {
          timeout: 20_000,
          interval: 500,
        })
        .toBe("hit");
      for (const name of ["cache-shared-0", "cache-shared-1"]) await a.store.trim(name, 0);
      const b = await replica();
      const absent = () => b.metric("cache_shared_reads_total", "absent");
      await expect
        .poll(
          async () => {
            const before = await absent();
            await stored(b, "Who was the Mona Lisa painted by?");
            /* One for its own key, and one for each that is found. */
            return (await absent()) - before;
          },
          { timeout: 20_000, interval: 500 },
        )
        .toBe(1);
    });
  });
}
