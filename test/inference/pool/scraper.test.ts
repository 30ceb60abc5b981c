import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { GatewayError } from "../../../src/core/errors.ts";
import { createDeadlines } from "../../../src/http/deadlines.ts";
import type { Upstream } from "../../../src/http/upstream.ts";
import { engines } from "../../../src/inference/pool/engines.ts";
import { Scraper } from "../../../src/inference/pool/scraper.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/* As even as chance can be, and the same in every run. */
function createRandom(): () => number {
  let at = 0;
  return () => (at = (at + 0.618_033_988_749) % 1);
}

/** When each of the scrapes began that fit in five minutes, of an endpoint that takes so long to answer. */
async function scrape(everyMs: number, answersInMs: number): Promise<readonly number[]> {
  const begun: number[] = [];
  const answered = new GatewayError("upstream_invalid", "no metrics");
  const upstream: Pick<Upstream, "request"> = {
    async request() {
      begun.push(performance.now());
      await new Promise((resolve) => setTimeout(resolve, answersInMs));
      throw answered;
    },
  };
  const scraper = new Scraper({
    url: new URL("http://vllm-0:8000/metrics"),
    headers: {},
    engine: engines.vllm,
    everyMs: () => everyMs,
    reads: true,
    upstream: upstream as Upstream,
    deadlines: createDeadlines(),
    random: createRandom(),
    saw: () => undefined,
    failed: () => undefined,
    isWell: () => true,
  });
  await vi.advanceTimersByTimeAsync(300_000);
  scraper.stop();
  return begun;
}

test.each([100, 150, 200, 250, 300, 500, 640])(
  "scrapes come every %i ms on average, as they should",
  async (everyMs) => {
    for (const answersInMs of [2, 40]) {
      const begun = await scrape(everyMs, answersInMs);
      const mean = (begun.at(-1)! - begun[0]!) / (begun.length - 1);
      expect(Math.abs(mean - everyMs)).toBeLessThan(everyMs * 0.02);
      const gaps = begun.slice(1).map((at, before) => at - begun[before]!);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(everyMs * 1.2 + 100);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(Math.max(100, everyMs * 0.8 - 100));
    }
  },
);
