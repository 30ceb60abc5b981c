import { BlockTable, ownFields } from "./block-table.ts";

const { newer, older } = ownFields;

/** The blocks that one endpoint most likely still holds: the `limit` most recently sent ones. */
export class BlockLru {
  readonly #table = new BlockTable();
  readonly #limit: number;
  #newest = -1;
  #oldest = -1;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#table.size;
  }

  /** Makes a block the newest; true when it was not held before. */
  touch(low: number, high: number): boolean {
    const held = this.#table.find(low, high);
    if (held !== -1 && held === this.#newest) return false;
    if (held !== -1) this.#unlink(held);
    const entry = held === -1 ? this.#table.add(low, high) : held;
    const { cells } = this.#table;
    cells[entry + older] = this.#newest;
    cells[entry + newer] = -1;
    if (this.#newest === -1) this.#oldest = entry;
    else cells[this.#newest + newer] = entry;
    this.#newest = entry;
    return held === -1;
  }

  /** Drops the oldest blocks while there are more than the limit, and tells `dropped` of each. */
  trim(dropped: (low: number, high: number) => void): void {
    while (this.#table.size > this.#limit) this.#drop(dropped);
  }

  clear(dropped: (low: number, high: number) => void): void {
    while (this.#table.size > 0) this.#drop(dropped);
  }

  #drop(dropped: (low: number, high: number) => void): void {
    const entry = this.#oldest;
    dropped(this.#table.low(entry), this.#table.high(entry));
    this.#unlink(entry);
    this.#table.remove(entry);
  }

  #unlink(entry: number): void {
    const { cells } = this.#table;
    const after = cells[entry + newer]!;
    const before = cells[entry + older]!;
    if (after === -1) this.#newest = before;
    else cells[after + older] = before;
    if (before === -1) this.#oldest = after;
    else cells[before + newer] = after;
  }
}
