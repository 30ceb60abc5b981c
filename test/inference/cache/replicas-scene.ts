import { systemClock } from "../../../src/core/clock.ts";
import type { Log } from "../../../src/core/log.ts";
import { createUpstream } from "../../../src/http/undici-upstream.ts";
import { type Cache, createCache } from "../../../src/inference/cache/cache.ts";
import { cacheConfig } from "../../../src/inference/cache/config.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { openRedisStore } from "../../../src/state/redis.ts";
import type { Store } from "../../../src/state/store.ts";
import { answerWith, type Caller, createRecallScene, type RecallScene } from "./recall-scene.ts";

/** One gateway's cache, as much of it as a test of several needs. */
export interface Replica {
  readonly scene: RecallScene;
  readonly cache: Cache;
  readonly store: Store;
  /** What was logged as a warning. */
  readonly warnings: string[];
  /** How a call finds the cache; on a miss its model says `said`, and the call ends. */
  ask(caller: Caller, said?: string): Promise<"hit" | "miss">;
  /** What `sallyport_NAME{…}` says, over all labels that hold `label`. */
  metric(name: string, label?: string): Promise<number>;
  close(): Promise<void>;
}

export async function openReplica(redis: string, config: object = {}, prefix = "sallyport:"): Promise<Replica> {
  const warnings: string[] = [];
  const quiet = () => {};
  const log: Log = {
    debug: quiet,
    info: quiet,
    warn: (_fields, message) => void warnings.push(message),
    error: quiet,
    child: () => log,
  };
  const store = await openRedisStore(
    { kind: "redis", urls: [redis], cluster: false, prefix, timeoutMs: 500, ca: undefined },
    { log },
  );
  const upstream = createUpstream({ egress: { allow: [], connections: 4, connectTimeout: 1_000 } });
  const metrics = createMetrics();
  const cache = createCache({
    config: cacheConfig.cache.parse({ wait: "0s", ...config })!,
    clock: systemClock,
    log,
    meter: metrics.meter,
    upstream,
    store,
    deployment: prefix,
  });
  const scene = createRecallScene({}, cache);
  return {
    scene,
    cache,
    store,
    warnings,
    async ask(caller, said = "Yes") {
      const recalled = await scene.recall(caller).recalled;
      if (recalled === undefined) throw new Error("the cache had no part in it");
      if (recalled.answer === undefined) {
        await answerWith(recalled, answerOf(said), caller.body);
        return "miss";
      }
      await recalled.answer();
      recalled.end({ status: "ok", durationMs: 1 });
      return "hit";
    },
    async metric(name, label = "") {
      const { body } = await metrics.render();
      const lines = body.split("\n").filter((line) => line.startsWith(`sallyport_${name}`) && line.includes(label));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    },
    async close() {
      await cache.close();
      await store.close();
      await upstream.close();
    },
  };
}

export const answerOf = (content: string): Buffer =>
  Buffer.from(JSON.stringify({ choices: [{ index: 0, message: { content }, finish_reason: "stop" }] }));

export const asking = (question: string, of: Partial<Caller> = {}): Caller => ({
  tenant: "acme",
  principal: "ada",
  path: "/v1/chat/completions",
  body: { model: "small", messages: [{ role: "user", content: question }] },
  ...of,
});
