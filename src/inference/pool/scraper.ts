import { GatewayError } from "../../core/errors.ts";
import { LightAbortSignal } from "../../core/abort.ts";
import { type Deadline, type Deadlines, tickMs } from "../../http/deadlines.ts";
import { neverSent } from "../../http/upstream-errors.ts";
import type { Upstream } from "../../http/upstream.ts";
import type { Engine } from "./engines.ts";
import { MetricsReader, type ReadMetrics } from "./metrics-reader.ts";
import { readPage } from "./page.ts";

/* A server with many models and histograms has some 200 kB. */
const LARGEST_ANSWER = 2_097_152;
/* For the whole of a scrape. Metrics that are older than 2 s say nothing any more. */
const LONGEST_MS = 2_000;
/* Before that, because it says whether the request was sent. */
const LONGEST_HEAD_MS = 1_700;
/* Of an endpoint that is not well, so that a dead one costs little, and one that comes back need not wait long. */
const LONGEST_REST_MS = 5_000;
const JITTER = 0.2;

/** What a look at an endpoint gave. `silent`: it does not answer in time, or something before it says that it does not; `refused`: nobody listens. */
export type Look =
  | { readonly kind: "metrics"; readonly metrics: ReadMetrics }
  /** It answers, and not with metrics that could be read. */
  | { readonly kind: "alive" }
  | {
      readonly kind: "silent";
      /** It was never asked: no connection was free, or came about in time. */ readonly unsent: boolean;
    }
  | { readonly kind: "refused" };

export interface ScraperOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly engine: Engine;
  /** From one scrape to the next on average, in milliseconds, each give or take a fifth: many gateways must not ask in step. Not below a tick. */
  everyMs(): number;
  /** False: it is only looked at while it is not well. */
  readonly reads: boolean;
  readonly upstream: Upstream;
  /** The same for all scrapers: what wakes a process for one scrape costs much more than to go on with the next. */
  readonly deadlines: Deadlines;
  readonly random?: () => number;
  saw(look: Look): void;
  /** `saw` has thrown, for the first time. */
  failed(error: unknown): void;
  /** Whether calls are sent to it. */
  isWell(): boolean;
}

/** Looks at one endpoint again and again: never twice at a time. */
export class Scraper implements Deadline {
  place = -1;
  dueTick = 0;
  readonly #options: ScraperOptions;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #reader: MetricsReader;
  #looking: LightAbortSignal | undefined;
  /* What whole ticks have left of the waits so far, or taken too much: in the end they are as long as they should be. */
  #oweMs = 0;
  #failures = 0;
  #failed = false;
  #stopped = false;

  constructor(options: ScraperOptions) {
    this.#options = options;
    this.#headers = { accept: "text/plain", "user-agent": "sallyport", ...options.headers };
    this.#reader = new MetricsReader(options.engine);
    if (options.reads) this.#wait(0);
  }

  /** Something is wrong with it: looks soon, and again and again until it is well. */
  wake(): void {
    if (this.#looking === undefined) this.#wait(this.#options.everyMs() / 2);
  }

  /** Somebody wants to know: looks at once. */
  hasten(): void {
    if (this.#options.reads && this.#looking === undefined) this.#wait(0);
  }

  stop(): void {
    this.#stopped = true;
    this.#options.deadlines.clear(this);
    this.#looking?.abort(new GatewayError("cancelled", "Nobody wants to know any more."));
  }

  /** It is time to look, or the look takes too long. */
  expire(): void {
    if (this.#looking === undefined) void this.#look();
    else this.#looking.abort(new GatewayError("upstream_timeout", "too slow"));
  }

  #wait(ms: number): void {
    if (this.#stopped) return;
    const { deadlines, random = Math.random } = this.#options;
    this.#oweMs += ms * (1 - JITTER + 2 * JITTER * random());
    const ticks = Math.max(1, Math.round(this.#oweMs / tickMs));
    this.#oweMs = Math.max(-tickMs, this.#oweMs - ticks * tickMs);
    // Deadlines wait for one tick more, so as never to be early, which does a scrape no harm.
    deadlines.set(this, (ticks - 1) * tickMs);
  }

  async #look(): Promise<void> {
    const { deadlines, everyMs, reads, isWell } = this.#options;
    const signal = new LightAbortSignal();
    this.#looking = signal;
    deadlines.set(this, LONGEST_MS);
    const look = await this.#ask(signal).catch(toFailure);
    deadlines.clear(this);
    this.#looking = undefined;
    if (this.#stopped) return;
    this.#tell(look);
    const well = isWell();
    // One that is well is looked at as often as ever, until it is clear what is wrong.
    this.#failures = well ? 0 : this.#failures + 1;
    if (reads || !well)
      this.#wait(Math.max(everyMs(), Math.min(everyMs() * 2 ** (this.#failures - 1), LONGEST_REST_MS)));
  }

  /* What a look leads to reaches far, down to calls that wait: a mistake there must not leave this endpoint unseen for ever. */
  #tell(look: Look): void {
    const { saw, failed } = this.#options;
    try {
      saw(look);
    } catch (error) {
      if (!this.#failed) failed(error);
      this.#failed = true;
    }
  }

  async #ask(signal: LightAbortSignal): Promise<Look> {
    const { url, reads, upstream } = this.#options;
    const response = await upstream.request({
      url,
      trust: "configured",
      method: "GET",
      headers: this.#headers,
      signal,
      headersTimeoutMs: LONGEST_HEAD_MS,
      idleTimeoutMs: LONGEST_MS,
    });
    // What stands before servers says so when they are gone.
    if (response.status === 502 || response.status === 503 || response.status === 504) {
      response.discard();
      return { kind: "silent", unsent: false };
    }
    if (!reads || response.status !== 200) {
      response.discard();
      return { kind: "alive" };
    }
    const metrics = await readPage(response, LARGEST_ANSWER, (page) => this.#reader.read(page));
    return metrics === undefined ? { kind: "alive" } : { kind: "metrics", metrics };
  }
}

function toFailure(thrown: unknown): Look {
  const { kind } = GatewayError.from(thrown);
  const unsent = neverSent(thrown);
  if (kind === "upstream_unavailable" && unsent) return { kind: "refused" };
  if (kind === "upstream_unavailable" || kind === "upstream_timeout" || kind === "upstream_truncated")
    return { kind: "silent", unsent };
  // Anything else it answered, with something that is no HTTP.
  return { kind: "alive" };
}
