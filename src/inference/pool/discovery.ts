import type { Log } from "../../core/log.ts";
import type { ResolveAddresses } from "../../http/resolve-addresses.ts";
import { maxEndpoints } from "./pool-config.ts";

/* For the first answer: a resolver that is silent for longer has none. Those that come later count as well. */
const LONGEST_START_MS = 10_000;

export interface DiscoveryOptions {
  /** Whose name is resolved: scheme, port and path are those of every endpoint. */
  readonly url: string;
  readonly everyMs: number;
  readonly resolve: ResolveAddresses;
  readonly log: Log;
  /** Told what there is whenever the name was resolved; what there was stays where it was not. */
  found(urls: readonly string[]): void;
  failed(): void;
}

/** Finds the endpoints of a pool under a name in DNS, again and again. */
export class Discovery {
  /** Resolves after the first try, after ten seconds without an answer, or when it is stopped. */
  readonly started: Promise<void>;
  readonly #start: () => void;
  readonly #options: DiscoveryOptions;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #failing = false;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.started = promise;
    this.#start = resolve;
    this.#timer = setTimeout(resolve, LONGEST_START_MS);
    this.#timer.unref();
    void this.#look();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#start();
  }

  async #look(): Promise<void> {
    const { url, everyMs, resolve, found, failed, log } = this.#options;
    const { hostname } = new URL(url);
    try {
      const addresses = await resolve(hostname.replace(/^\[|\]$/g, ""));
      if (addresses.length === 0) throw new Error("the name has no address");
      if (this.#stopped) return;
      if (addresses.length > maxEndpoints)
        log.warn({ hostname, count: addresses.length }, `a pool takes ${maxEndpoints} endpoints`);
      found(
        [...new Set(addresses)]
          .toSorted()
          .slice(0, maxEndpoints)
          .map((address) => withHost(url, address)),
      );
      if (this.#failing) log.info({ hostname }, "a pool's name is resolved again");
      this.#failing = false;
    } catch (error) {
      if (this.#stopped) return;
      failed();
      if (!this.#failing)
        log.warn({ hostname, error }, "a pool's name could not be resolved; its endpoints stay as they are");
      this.#failing = true;
    }
    this.#start();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), everyMs);
    this.#timer.unref();
  }
}

function withHost(url: string, address: string): string {
  const made = new URL(url);
  made.hostname = address.includes(":") ? `[${address}]` : address;
  return made.href.replace(/\/$/, "");
}
