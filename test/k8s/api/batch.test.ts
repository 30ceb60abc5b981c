import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { type BatchOptions, createBatch } from "../../../src/k8s/api/batch.ts";
import { eventually } from "../../e2e/eventually.ts";

const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function collect(options: Partial<BatchOptions> = {}) {
  const runs: number[] = [];
  let open = 0;
  const batch = createBatch({
    quietMs: 20,
    longestMs: 60,
    restMs: () => 0,
    monotonic: systemClock.monotonic,
    run: async () => {
      expect(++open).toBe(1);
      runs.push(performance.now());
      await pass(10);
      open -= 1;
    },
    ...options,
  });
  return { batch, runs };
}

describe("a batch", () => {
  test("answers many changes once they have stopped, and those that do not stop after a while", async () => {
    const { batch, runs } = collect();
    for (let count = 0; count < 5; count++) batch.mark();
    await batch.idle();
    expect(runs).toHaveLength(1);
    const endsAt = performance.now() + 400;
    while (performance.now() < endsAt) {
      batch.mark();
      await pass(5);
    }
    await batch.idle();
    expect(runs.length).toBeGreaterThan(2);
  });

  test("takes up after a run what came while it ran", async () => {
    const { batch, runs } = collect();
    batch.mark();
    await eventually(() => expect(runs).toHaveLength(1));
    batch.mark();
    await batch.idle();
    expect(runs).toHaveLength(2);
  });

  test("rests after a run", async () => {
    const { batch, runs } = collect({ restMs: () => 150 });
    batch.mark();
    await batch.idle();
    batch.mark();
    await batch.idle();
    expect((runs[1] ?? 0) - (runs[0] ?? 0)).toBeGreaterThan(140);
  });

  test("begins nothing once it is closed, and nobody waits for it", async () => {
    const { batch, runs } = collect();
    batch.mark();
    const idle = batch.idle();
    await batch.close();
    await idle;
    batch.mark();
    await pass(60);
    expect(runs).toEqual([]);
  });
});
