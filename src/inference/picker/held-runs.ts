import { BlockTable, type ByteCount, ownFields } from "./block-table.ts";

const [newer, older, run, weight] = ownFields;

/** The runs of blocks that one endpoint was sent, in the order of when it was sent them. A run is known by the hash of its first block. */
export class HeldRuns {
  readonly #table: BlockTable;
  #newest = -1;
  #oldest = -1;
  /** Tokens in all runs. */
  tokens = 0;

  constructor(count: ByteCount) {
    this.#table = new BlockTable(count);
  }

  get bytes(): number {
    return this.#table.bytes;
  }

  get runs(): number {
    return this.#table.size;
  }

  /** The run that was sent the longest ago, as it was given to `touch`, or -1. */
  get oldest(): number {
    return this.#oldest === -1 ? -1 : this.#table.cells[this.#oldest + run]!;
  }

  /** Makes a run the newest. Says whether it was not held before; only then do its place in the tree and its tokens count. */
  touch(low: number, high: number, place: number, tokens: number): boolean {
    const held = this.#table.find(low, high);
    if (held === this.#newest && held !== -1) return false;
    if (held === -1) this.#link(this.#add(low, high, place, tokens), -1);
    else {
      this.#unlink(held);
      this.#link(held, -1);
    }
    return held === -1;
  }

  /** The end of a held run is now a run of its own: it was sent just before its start. */
  split(
    low: number,
    high: number,
    rest: { readonly low: number; readonly high: number },
    place: number,
    tokens: number,
  ) {
    const start = this.#table.find(low, high);
    const end = this.#add(rest.low, rest.high, place, tokens);
    this.#table.cells[start + weight]! -= tokens;
    this.tokens -= tokens;
    this.#link(end, start);
  }

  dropOldest(): void {
    const entry = this.#oldest;
    this.tokens -= this.#table.cells[entry + weight]!;
    this.#unlink(entry);
    this.#table.remove(entry);
  }

  #add(low: number, high: number, place: number, tokens: number): number {
    const entry = this.#table.add(low, high);
    this.#table.cells[entry + run] = place;
    this.#table.cells[entry + weight] = tokens;
    this.tokens += tokens;
    return entry;
  }

  /** Puts an entry behind a newer one, or, with -1, before all. */
  #link(entry: number, before: number): void {
    const { cells } = this.#table;
    const after = before === -1 ? this.#newest : cells[before + older]!;
    cells[entry + newer] = before;
    cells[entry + older] = after;
    if (before === -1) this.#newest = entry;
    else cells[before + older] = entry;
    if (after === -1) this.#oldest = entry;
    else cells[after + newer] = entry;
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
