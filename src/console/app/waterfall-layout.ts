/** What a waterfall needs of a node. */
export interface Span<T> {
  readonly timeMs: number;
  readonly durationMs: number;
  readonly firstByteMs?: number | undefined;
  readonly children: readonly T[];
}

/** One row: how deep it hangs, whether it is open, and where its bar lies, as shares of the whole. */
export interface WaterfallRow<T> {
  readonly node: T;
  readonly level: number;
  /** Its place among its brothers, from 1. */
  readonly position: number;
  readonly brothers: number;
  readonly open: boolean | undefined;
  readonly start: number;
  readonly width: number;
  /** The share of the bar before the first byte; undefined: the answer came at once or not at all. */
  readonly waited: number | undefined;
}

interface LayoutOptions<T> {
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  read(node: T): Span<T>;
  isOpen(node: T): boolean;
}

/** The rows of a tree from above, without what closed branches hold. */
export function layOut<T>(roots: readonly T[], options: LayoutOptions<T>): readonly WaterfallRow<T>[] {
  const { beganAtMs, endedAtMs, read, isOpen } = options;
  const whole = Math.max(endedAtMs - beganAtMs, 0.001);
  const rows: WaterfallRow<T>[] = [];
  /* Chains can be thousands of nodes deep in no case, but wide ones are: a stack of our own costs nothing. */
  const left = withPlaces(roots, 1).toReversed();
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { node, level, position, brothers } = next;
    const { timeMs, durationMs, firstByteMs, children } = read(node);
    const open = children.length === 0 ? undefined : isOpen(node);
    const start = Math.min(1, Math.max(0, (timeMs - beganAtMs) / whole));
    rows.push({
      node,
      level,
      position,
      brothers,
      open,
      start,
      width: Math.min(1 - start, Math.max(0, durationMs / whole)),
      waited: firstByteMs === undefined || durationMs <= 0 ? undefined : Math.min(1, firstByteMs / durationMs),
    });
    if (open === true) left.push(...withPlaces(children, level + 1).toReversed());
  }
  return rows;
}

const withPlaces = <T>(nodes: readonly T[], level: number) =>
  nodes.map((node, index) => ({ node, level, position: index + 1, brothers: nodes.length }));
