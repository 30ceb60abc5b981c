/** The LoRA adapters that an accelerator holds at one time; the least recently used makes room. */
export class AdapterSlots {
  readonly max: number;
  /** How often one was loaded. */
  loads = 0;
  readonly #users = new Map<string, number>();
  /** Loaded and not in use, the least recently used first. */
  readonly #idle = new Set<string>();

  constructor(max: number) {
    this.max = max;
  }

  /** Those in use. */
  get running(): readonly string[] {
    return [...this.#users.keys()];
  }

  fits(adapter: string | undefined): boolean {
    return adapter === undefined || this.#users.has(adapter) || this.#users.size < this.max;
  }

  /** True when it had to be loaded. */
  take(adapter: string | undefined): boolean {
    if (adapter === undefined) return false;
    const held = this.#users.has(adapter) || this.#idle.delete(adapter);
    this.#users.set(adapter, (this.#users.get(adapter) ?? 0) + 1);
    if (held) return false;
    this.loads++;
    for (const oldest of this.#idle) {
      if (this.#users.size + this.#idle.size <= this.max) break;
      this.#idle.delete(oldest);
    }
    return true;
  }

  leave(adapter: string | undefined): void {
    if (adapter === undefined) return;
    const users = this.#users.get(adapter)! - 1;
    if (users > 0) return void this.#users.set(adapter, users);
    this.#users.delete(adapter);
    this.#idle.add(adapter);
  }
}
