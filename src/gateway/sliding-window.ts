const SLOTS = 10;

/** Counts of two things over the last ten seconds or so, in ten slots: bounded, and cheap to add to. */
export class SlidingWindow {
  readonly #slotMs: number;
  readonly #first = new Float64Array(SLOTS);
  readonly #second = new Float64Array(SLOTS);
  #slot = 0;
  #firstSum = 0;
  #secondSum = 0;

  constructor(windowMs: number) {
    this.#slotMs = windowMs / SLOTS;
  }

  /** Counts of the window that ends at `nowMs`, which never goes back. */
  at(nowMs: number): { readonly first: number; readonly second: number } {
    this.#moveTo(nowMs);
    return { first: this.#firstSum, second: this.#secondSum };
  }

  add(nowMs: number, first: number, second: number): void {
    this.#moveTo(nowMs);
    this.#addTo(this.#slot % SLOTS, first, second);
  }

  /** Undoes what was added at `thenMs`, where it still counts. */
  takeBack(thenMs: number, nowMs: number, first: number, second: number): void {
    this.#moveTo(nowMs);
    const slot = Math.floor(thenMs / this.#slotMs);
    if (slot > this.#slot - SLOTS) this.#addTo(slot % SLOTS, -first, -second);
  }

  clear(): void {
    this.#first.fill(0);
    this.#second.fill(0);
    this.#firstSum = 0;
    this.#secondSum = 0;
  }

  #addTo(at: number, first: number, second: number): void {
    this.#first[at] = (this.#first[at] ?? 0) + first;
    this.#second[at] = (this.#second[at] ?? 0) + second;
    this.#firstSum += first;
    this.#secondSum += second;
  }

  #moveTo(nowMs: number): void {
    const slot = Math.max(this.#slot, Math.floor(nowMs / this.#slotMs));
    for (let next = Math.max(this.#slot + 1, slot - SLOTS + 1); next <= slot; next++) {
      const at = next % SLOTS;
      this.#firstSum -= this.#first[at] ?? 0;
      this.#secondSum -= this.#second[at] ?? 0;
      this.#first[at] = 0;
      this.#second[at] = 0;
    }
    this.#slot = slot;
  }
}
