import { BlockTable, ownFields } from "./block-table.ts";

const { newer, older, shared, weight, stamp } = ownFields;

/** The blocks that one endpoint most likely still holds: the most recently sent ones that are `limitTokens` together. */
export class BlockLru {
  readonly #table = new BlockTable();
  readonly #limitTokens: number;
  /** Blocks that were touched within so many tokens need not be touched again. */
  readonly #freshTokens: number;
  #tokens = 0;
  /** Tokens touched so far; it may overflow. */
  #touched = 0;
  #newest = -1;
  #oldest = -1;
  /** What stood next to the block touched last. Chains are touched in the order of the last time, so it most likely is the next one. */
  #expected = -1;

  constructor(limitTokens: number, freshShare: number) {
    this.#limitTokens = limitTokens;
    this.#freshTokens = limitTokens * freshShare;
  }

  /** The entry of a block, or -1. */
  find(low: number, high: number): number {
    return this.#table.find(low, high);
  }

  /** Whether an entry is among the newest, so that it matters little whether it is the newest. */
  isFresh(entry: number): boolean {
    return (this.#touched - this.#table.cells[entry + stamp]!) >>> 0 < this.#freshTokens;
  }

  /** Adds a block that is not held, just behind the one before it in its chain; gives its entry. */
  addBehind(before: number, low: number, high: number, tokens: number): number {
    const entry = this.#table.add(low, high);
    const { cells } = this.#table;
    const after = cells[before + older]!;
    cells[entry + newer] = before;
    cells[entry + older] = after;
    cells[before + older] = entry;
    if (after === -1) this.#oldest = entry;
    else cells[after + newer] = entry;
    cells[entry + weight] = tokens;
    cells[entry + stamp] = cells[before + stamp]!;
    this.#tokens += tokens;
    this.#touched = (this.#touched + tokens) | 0;
    return entry;
  }

  /** Makes a block the newest. Gives its entry, which `share` is due for, when it was not held before; else -1. */
  touch(low: number, high: number, tokens: number): number {
    const held = this.#table.holds(this.#expected, low, high) ? this.#expected : this.#table.find(low, high);
    this.#expected = held === -1 ? -1 : this.#table.cells[held + newer]!;
    if (held !== -1 && held === this.#newest) return -1;
    if (held !== -1) this.#unlink(held);
    const entry = held === -1 ? this.#table.add(low, high) : held;
    const { cells } = this.#table;
    this.#touched = (this.#touched + tokens) | 0;
    cells[entry + stamp] = this.#touched;
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
