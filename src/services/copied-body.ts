import { GatewayError } from "../core/errors.ts";
import type { BodyStream } from "../core/exchange.ts";

/** What a copy may be behind before it is given up: the request itself waits for no copy. */
const MAX_BEHIND_BYTES = 1_048_576;

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

const givenUp = () => new GatewayError("cancelled", "The copy of this body is not made to its end.");

interface Waiter {
  readonly resolve: (result: IteratorResult<Buffer, undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

/** A copy of a body that is being sent. */
class CopiedBody implements BodyStream {
  readonly length: number | undefined;
  #chunks: Buffer[] = [];
  #behindBytes = 0;
  #ended = false;
  #failure: GatewayError | undefined;
  #waiter: Waiter | undefined;

  constructor(length: number | undefined) {
    this.length = length;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#behindBytes -= chunk.length;
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(done);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.giveUp();
    return Promise.resolve(done);
  }

  take(chunk: Buffer): void {
    if (this.#failure !== undefined) return;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter !== undefined) return waiter.resolve({ done: false, value: chunk });
    this.#behindBytes += chunk.length;
    if (this.#behindBytes > MAX_BEHIND_BYTES) return this.giveUp();
    this.#chunks.push(chunk);
  }

  end(): void {
    this.#ended = true;
    this.#waiter?.resolve(done);
    this.#waiter = undefined;
  }

  /** Does nothing once the body has ended. */
  giveUp(): void {
    if (this.#ended || this.#failure !== undefined) return;
    this.#failure = givenUp();
    this.#chunks = [];
    this.#waiter?.reject(this.#failure);
    this.#waiter = undefined;
  }
}

/** A body with its copies: each gets what is read of the body, when it is read. */
export interface CopyingBody {
  readonly body: BodyStream;
  readonly copies: readonly BodyStream[];
  /** Nothing more is read of the body: copies that are not whole are given up. */
  stop(): void;
}

export function copyBody(source: BodyStream, count: number): CopyingBody {
  const copies = Array.from({ length: count }, () => new CopiedBody(source.length));
  const stop = () => {
    for (const copy of copies) copy.giveUp();
  };
  const body: BodyStream = {
    length: source.length,
    [Symbol.asyncIterator]: () => body,
    async next() {
      try {
        const next = await source.next();
        for (const copy of copies)
          if (next.done === true) copy.end();
          else copy.take(next.value);
        return next;
      } catch (error) {
        stop();
        throw error;
      }
    },
    return() {
      stop();
      return source.return();
    },
  };
  return { body, copies, stop };
}
