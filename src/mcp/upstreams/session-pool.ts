import type { Clock } from "../../core/clock.ts";
import type { Link } from "./link.ts";

/** Sessions at one server that the gateway keeps for callers of the stateless era, and how long one may idle. */
const MAX_POOLED = 500;
const IDLE_MS = 5 * 60_000;

/** One conversation for each principal, so that no server mixes two callers in one session. */
export class SessionPool {
  readonly #clock: Clock;
  readonly #links = new Map<string, { readonly link: Link; usedAtMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(principalId: string, make: () => Link): Link {
    const nowMs = this.#clock.monotonic();
    const found = this.#links.get(principalId);
    if (found !== undefined) {
      found.usedAtMs = nowMs;
      /* Last in order is last to go. */
      this.#links.delete(principalId);
      this.#links.set(principalId, found);
      return found.link;
    }
    const oldest = this.#links.size >= MAX_POOLED ? this.#links.keys().next().value : undefined;
    if (oldest !== undefined) this.#drop(oldest);
    const link = make();
    this.#links.set(principalId, { link, usedAtMs: nowMs });
    return link;
  }

  /** Ends what nobody has used for a while. */
  sweep(): void {
    const oldestMs = this.#clock.monotonic() - IDLE_MS;
    for (const [principalId, { usedAtMs }] of this.#links) if (usedAtMs < oldestMs) this.#drop(principalId);
  }

  async close(): Promise<void> {
    const links = [...this.#links.values()];
    this.#links.clear();
    await Promise.all(links.map(({ link }) => link.close()));
  }

  #drop(principalId: string): void {
    const found = this.#links.get(principalId);
    this.#links.delete(principalId);
    void found?.link.close();
  }
}
