import { BlockTable } from "./block-table.ts";

/** The blocks that one endpoint most likely still holds: the `limit` most recently sent ones. */
export class BlockLru {
  readonly #table = new BlockTable();
  readonly #limit: number;
  #newer = new Int32Array(64);
  #older = new Int32Array(64);
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
    if (held === this.#newest && held !== -1) return false;
    if (held !== -1) this.#unlink(held);
    const entry = held === -1 ? this.#add(low, high) : held;
    this.#older[entry] = this.#newest;
    this.#newer[entry] = -1;
    if (this.#newest === -1) this.#oldest = entry;
    else this.#newer[this.#newest] = entry;
    this.#newest = entry;
    return held === -1;
  }

  /** Drops the oldest block once there are more than the limit, after telling `dropped` of it. */
  trim(dropped: (low: number, high: number) => void): void {
    while (this.#table.size > this.#limit) this.#drop(dropped);
  }

  clear(dropped: (low: number, high: number) => void): void {
    while (this.#table.size > 0) this.#drop(dropped);
  }

  #drop(dropped: (low: number, high: number) => void): void {
    const entry = this.#oldest;
    dropped(this.#table.low[entry]!, this.#table.high[entry]!);
    this.#unlink(entry);
    this.#table.remove(entry);
  }

  #unlink(entry: number): void {
    const newer = this.#newer[entry]!;
    const older = this.#older[entry]!;
    if (newer === -1) this.#newest = older;
    else this.#older[newer] = older;
    if (older === -1) this.#oldest = newer;
    else this.#newer[older] = newer;
  }

  #add(low: number, high: number): number {
    const entry = this.#table.add(low, high);
    if (this.#newer.length < this.#table.capacity) {
      const newer = new Int32Array(this.#table.capacity);
      newer.set(this.#newer);
      this.#newer = newer;
      const older = new Int32Array(this.#table.capacity);
      older.set(this.#older);
      this.#older = older;
    }
    return entry;
  }
}
