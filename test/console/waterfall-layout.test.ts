import { expect, test } from "vitest";
import { layOut, type Span } from "../../src/console/app/waterfall-layout.ts";

interface Node extends Span<Node> {
  readonly name: string;
}

const node = (name: string, timeMs: number, durationMs: number, children: readonly Node[] = []): Node => ({
  name,
  timeMs,
  durationMs,
  children,
});

const tree = [
  node("planner", 1_000, 100, [node("note", 1_010, 5), node("clerk", 1_020, 60, [node("archive", 1_030, 10)])]),
  node("late", 1_090, 40),
];

const laid = (isOpen: (one: Node) => boolean = () => true) =>
  layOut(tree, { beganAtMs: 1_000, endedAtMs: 1_100, read: (one) => one, isOpen });

test("a tree becomes rows from above, each with its level and its place among its brothers", () => {
  expect(laid().map(({ node: { name }, level, position, brothers }) => [name, level, position, brothers])).toEqual([
    ["planner", 1, 1, 2],
    ["note", 2, 1, 2],
    ["clerk", 2, 2, 2],
    ["archive", 3, 1, 1],
    ["late", 1, 2, 2],
  ]);
});

test("a closed branch keeps its row and hides what hangs below; a leaf is neither open nor closed", () => {
  const rows = laid(({ name }) => name !== "clerk");
  expect(rows.map(({ node: { name }, open }) => [name, open])).toEqual([
    ["planner", true],
    ["note", undefined],
    ["clerk", false],
    ["late", undefined],
  ]);
});

test("a bar lies where its call was, and never beyond the end of the chain", () => {
  const [planner, note, , , late] = laid();
  expect([planner?.start, planner?.width]).toEqual([0, 1]);
  expect([note?.start, note?.width]).toEqual([0.1, 0.05]);
  expect(late?.start).toBeCloseTo(0.9);
  expect(late?.width).toBeCloseTo(0.1);
});

test("the part of a bar before the first byte is a share of the call", () => {
  const rows = layOut<Node>([{ ...node("model", 0, 200), firstByteMs: 50 }], {
    beganAtMs: 0,
    endedAtMs: 200,
    read: (one) => one,
    isOpen: () => true,
  });
  expect(rows[0]?.waited).toBe(0.25);
});

test("ten thousand calls under each other are laid out", () => {
  let deep: Node = node("leaf", 0, 1);
  for (let level = 0; level < 10_000; level++) deep = node("call", 0, 1, [deep]);
  const rows = layOut([deep], { beganAtMs: 0, endedAtMs: 1, read: (one) => one, isOpen: () => true });
  expect(rows.at(-1)?.level).toBe(10_001);
});
