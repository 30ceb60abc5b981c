/**
 * The key-value cache of one accelerator: blocks of prompts that are in use, those of prompts that have ended (kept until their room is needed,
 * the least recently used goes first), and the room of answers, which nobody shares. A block's key stands for its text and all that is before it.
 */
export class KvCache {
  readonly blocks: number;
  readonly #users = new Map<number, number>();
  readonly #idle = new Set<number>();
  #answers = 0;

  constructor(blocks: number) {
    this.blocks = blocks;
  }

  /** Share of the blocks that are in use, 0 to 1. */
  get usage(): number {
    return (this.#users.size + this.#answers) / this.blocks;
  }

  /** How many first blocks of a prompt are held. */
  held(prompt: readonly number[]): number {
    let held = 0;
    while (held < prompt.length && (this.#users.has(prompt[held]!) || this.#idle.has(prompt[held]!))) held++;
    return held;
  }

  /** Whether there is room beside what is in use. */
  fits(prompt: readonly number[], answerBlocks: number): boolean {
    let fresh = 0;
    for (const key of prompt) if (!this.#users.has(key)) fresh++;
    return this.#users.size + this.#answers + fresh + answerBlocks <= this.blocks;
  }

  take(prompt: readonly number[], answerBlocks: number): void {
    for (const key of prompt) {
      this.#idle.delete(key);
      this.#users.set(key, (this.#users.get(key) ?? 0) + 1);
    }
    this.#answers += answerBlocks;
    this.#evict();
  }

  leave(prompt: readonly number[], answerBlocks: number): void {
    this.#answers -= answerBlocks;
    // The end first, so that the end is evicted first.
    for (let at = prompt.length - 1; at >= 0; at--) {
      const key = prompt[at]!;
      const users = this.#users.get(key)! - 1;
      if (users > 0) this.#users.set(key, users);
      else {
        this.#users.delete(key);
        this.#idle.add(key);
      }
    }
    this.#evict();
  }

  #evict(): void {
    let surplus = this.#users.size + this.#idle.size + this.#answers - this.blocks;
    if (surplus <= 0) return;
    for (const key of this.#idle) {
      if (surplus-- <= 0) return;
      this.#idle.delete(key);
    }
  }
}
