import type { Incoming, OnMessage } from "./link.ts";

/** Progress that waits for its caller: one pipe serves all, so it cannot be held back for one of them. Beyond this it is left out. */
const MAX_WAITING_BYTES = 1_048_576;

/** What a server says before its answer, handed over one after the other: in the order in which it came, however long each is looked at. */
export class Passing {
  /** Resolves when everything so far has been handed over; rejects with the first failure, after which nothing is. */
  tail = Promise.resolve();
  readonly #onMessage: OnMessage;
  #waitingBytes = 0;

  constructor(onMessage: OnMessage) {
    this.#onMessage = onMessage;
  }

  /** The same as `tail`; undefined: too much waits, and this one is left out. */
  add(message: Incoming): Promise<void> | undefined {
    const { length } = message.bytes;
    if (this.#waitingBytes > 0 && this.#waitingBytes + length > MAX_WAITING_BYTES) return undefined;
    this.#waitingBytes += length;
    this.tail = this.tail.then(async () => {
      await this.#onMessage(message);
      this.#waitingBytes -= length;
    });
    return this.tail;
  }
}
