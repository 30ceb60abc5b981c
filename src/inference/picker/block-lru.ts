import { BlockTable, ownFields } from "./block-table.ts";

const { newer, older, shared, weight } = ownFields;

/** The blocks that one endpoint most likely still holds: the most recently sent ones that are `limitTokens` together. */
export class BlockLru {
  readonly #table = new BlockTable();
  readonly #limitTokens: number;
  #tokens = 0;
  #newest = -1;
  #oldest = -1;
  /** What stood next to the block touched last. Chains are touched in the order of the last time, so it most likely is the next one. */
  #expected = -1;

  constructor(limitTokens: number) {
    this.#limitTokens = limitTokens;
  }

  /** Makes a block the newest. Gives its entry, which `share` is due for, when it was not held before; else -1. */
  touch(low: number, high: number, tokens: number): number {
    const held = this.#table.holds(this.#expected, low, high) ? this.#expected : this.#table.find(low, high);
    this.#expected = held === -1 ? -1 : this.#table.cells[held + newer]!;
    if (held !== -1 && held === this.#newest) return -1;
    if (held !== -1) this.#unlink(held);
    const entry = held === -1 ? this.#table.add(low, high) : held;
    const { cells } = this.#table;
    if (held === -1) {
      cells[entry + weight] = tokens;
      this.#tokens += tokens;
    }
    cells[entry + older] = this.#newest;
    cells[entry + newer] = -1;
    if (this.#newest === -1) this.#oldest = entry;
    else cells[this.#newest + newer] = entry;
    this.#newest = entry;
    return held === -1 ? entry : -1;
  }

  /** Notes the entry that a new block has in the table of all endpoints, so that it need not be looked up again when it is dropped. */
  share(entry: number, sharedEntry: number): void {
    this.#table.cells[entry + shared] = sharedEntry;
  }

  /** Drops the oldest blocks while there are more than the limit, and tells `dropped` the shared entry of each. */
  trim(dropped: (sharedEntry: number) => void): void {
    while (this.#tokens > this.#limitTokens) this.#drop(dropped);
  }

  clear(dropped: (sharedEntry: number) => void): void {
    while (this.#table.size > 0) this.#drop(dropped);
  }

  #drop(dropped: (sharedEntry: number) => void): void {
    const entry = this.#oldest;
    this.#expected = -1;
    dropped(this.#table.cells[entry + shared]!);
    this.#tokens -= this.#table.cells[entry + weight]!;
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
