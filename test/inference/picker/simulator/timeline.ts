import type { Time } from "../../../../models/simulator/accelerator.ts";

interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

function earlier(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Virtual time: runs what was planned, earliest first, without waiting. A binary heap. */
export class Timeline implements Time {
  nowMs = 0;
  readonly #heap: Planned[] = [];
  #order = 0;

  now(): number {
    return this.nowMs;
  }

  at(timeMs: number, run: () => void): void {
    const planned: Planned = { atMs: timeMs, order: this.#order++, run };
    let at = this.#heap.push(planned) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!earlier(planned, this.#heap[parent]!)) break;
      this.#heap[at] = this.#heap[parent]!;
      at = parent;
    }
    this.#heap[at] = planned;
  }

  /** Runs everything up to and including `untilMs`. */
  run(untilMs: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#removeFirst();
      this.nowMs = next.atMs;
      next.run();
    }
    this.nowMs = untilMs;
  }

  #removeFirst(): void {
    const last = this.#heap.pop()!;
    const size = this.#heap.length;
    if (size === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= size) break;
      if (child + 1 < size && earlier(this.#heap[child + 1]!, this.#heap[child]!)) child++;
      if (!earlier(this.#heap[child]!, last)) break;
      this.#heap[at] = this.#heap[child]!;
      at = child;
    }
    this.#heap[at] = last;
  }
}
