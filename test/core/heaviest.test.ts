import { expect, test } from "vitest";
import { Heaviest } from "../../src/core/heaviest.ts";

test("whatever has more than its share of all is kept, in whatever order it comes", () => {
  const heaviest = new Heaviest<{ calls: number }>(10, () => ({ calls: 0 }));
  let all = 0;
  /* Repeatable numbers (a linear congruence). */
  let seed = 7;
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  const truth = new Map<string, number>();
  for (let count = 0; count < 20_000; count++) {
    const name = random(3) === 0 ? `heavy-${random(5)}` : `light-${random(10_000)}`;
    const weight = 1 + random(20);
    truth.set(name, (truth.get(name) ?? 0) + weight);
    all += weight;
    heaviest.add(name, weight).value.calls += 1;
  }
  expect(heaviest.kept).toHaveLength(10);
  expect(heaviest.kept.reduce((sum, { weight }) => sum + weight, 0)).toBe(all);
  for (const { name, weight, missed } of heaviest.kept) {
    expect(weight).toBeGreaterThanOrEqual(truth.get(name)!);
    expect(weight - missed).toBeLessThanOrEqual(truth.get(name)!);
  }
  const names = heaviest.kept.map(({ name }) => name);
  for (const [name, weight] of truth) if (weight > all / 10) expect(names).toContain(name);
});

test("the lightest goes, and a newcomer that stays light goes before those that were there", () => {
  const dropped: string[] = [];
  const heaviest = new Heaviest(
    3,
    () => undefined,
    ({ name }) => dropped.push(name),
  );
  for (const [name, weight] of [
    ["a", 5],
    ["b", 1],
    ["c", 9],
    ["d", 1],
    ["a", 1],
    ["e", 1],
    ["f", 1],
  ] as const)
    heaviest.add(name, weight);
  expect(dropped).toEqual(["b", "d", "e"]);
  expect(new Map(heaviest.kept.map(({ name, weight }) => [name, weight]))).toEqual(
    new Map([
      ["a", 6],
      ["c", 9],
      ["f", 4],
    ]),
  );
});
