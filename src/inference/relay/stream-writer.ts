import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Reply } from "../../core/exchange.ts";
import type { OperationContext } from "../../core/step.ts";
import type { UpstreamResponse } from "../../http/upstream.ts";
import { toAnswerHeaders } from "./answer-headers.ts";
import type { Dialect } from "../dialects/dialect.ts";

/* What opens a stream is a few hundred bytes; a provider that sends this much has begun, whatever it says. */
const MOST_HELD_BYTES = 65_536;

export interface StreamWriterOptions {
  readonly context: OperationContext;
  readonly response: UpstreamResponse;
  readonly clock: Clock;
  /** Whether a keep-alive may be the first byte: after it, no other model can step in. */
  readonly keepAliveMayOpen: boolean;
  /** The caller's wire format. */
  readonly to: Dialect;
  /** Headers beside those the provider's answer gives. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The caller's side of a stream: opened by the first piece of the answer, so that a failure before it keeps its status. */
export class StreamWriter {
  /** A write waits for a slow reader. */
  stuck = false;
  readonly #options: StreamWriterOptions;
  readonly #reply: Reply;
  readonly #wrote: () => void;
  readonly #held: Buffer[] = [];
  #heldBytes = 0;

  /** `wrote`: told of everything that goes out. */
  constructor(options: StreamWriterOptions, wrote: () => void) {
    this.#options = options;
    this.#wrote = wrote;
    this.#reply = options.context.exchange.reply;
  }

  get open(): boolean {
    return this.#reply.started;
  }

  /** Something in a silence. Where it may come first, the provider has at least accepted the request. */
  beat(): void {
    if (this.stuck || !(this.open || this.#options.keepAliveMayOpen)) return;
    // Nobody waits for it: that the caller leaves meanwhile is told to whoever writes next.
    this.#send(this.#options.to.keepAlive)?.catch(() => {});
  }

  /** `begun`: these bytes, or some before them, are part of the answer. Until then they are held back: another model may still answer. */
  write(bytes: Buffer, begun: boolean): Promise<void> | undefined {
    if (begun || this.open || this.#heldBytes + bytes.length > MOST_HELD_BYTES) return this.#send(bytes);
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    return undefined;
  }

  #send(bytes: Buffer | string): Promise<void> | undefined {
    if (!this.open) {
      this.#start();
      for (const held of this.#held.splice(0)) void this.#reply.write(held);
    }
    this.#wrote();
    const pending = this.#reply.write(bytes);
    return pending === undefined ? undefined : this.#waitFor(pending);
  }

  #start(): void {
    const { context, response, clock, headers } = this.#options;
    context.firstByteMs = clock.now() - context.startedAtMs;
    this.#reply.open(200, {
      ...toAnswerHeaders(response.headers["content-type"] ?? "text/event-stream", response.headers),
      ...headers,
      "cache-control": "no-cache",
      // A buffering proxy on the way would hold events back.
      "x-accel-buffering": "no",
    });
  }

  /* The signal ends the wait: a reader who never reads must not outlive the credential. */
  async #waitFor(pending: Promise<void>): Promise<void> {
    const { signal } = this.#options.context;
    this.stuck = true;
    let abort = () => {};
    const aborted = new Promise<void>((resolve) => {
      abort = resolve;
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) resolve();
    });
    try {
      await Promise.race([pending, aborted]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
    if (signal.aborted) throw GatewayError.from(signal.reason);
    this.stuck = false;
  }
}
