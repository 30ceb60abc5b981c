import type { Log } from "../core/log.ts";
import { GatewayError } from "../core/errors.ts";
import type { Edge } from "../http/edge.ts";
import type { BoundAddress } from "../http/listener.ts";
import type { TlsPair } from "../http/tls-files.ts";

export interface OpenPortOptions {
  readonly address: BoundAddress;
  readonly tls: boolean;
  readonly edge: Edge;
  readonly log: Log;
  /** Told when it has been bound, or cannot be. */
  readonly changed: () => void;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;

/** One port that is bound as soon as that is possible, until it is left. */
export class OpenPort {
  readonly address: BoundAddress;
  readonly tls: boolean;
  /** Where it is bound. */
  bound: BoundAddress | undefined;
  /** Why it is not bound. */
  reason: string | undefined;
  readonly #edge: Edge;
  readonly #log: Log;
  readonly #changed: () => void;
  #waitMs = FIRST_WAIT_MS;
  #timer: NodeJS.Timeout | undefined;
  #trying: Promise<void> | undefined;
  #shown: TlsPair | undefined;
  #left = false;

  constructor({ address, tls, edge, log, changed }: OpenPortOptions) {
    this.address = address;
    this.tls = tls;
    this.#edge = edge;
    this.#log = log;
    this.#changed = changed;
  }

  /** Serves this certificate to whoever asks for no other. Sessions that callers would take up again end with the one before. */
  show(pair: TlsPair): void {
    if (pair !== this.#shown) this.#edge.setCertificate(pair);
    this.#shown = pair;
  }

  /** Resolves after the first try, whatever came of it. */
  open(): Promise<void> {
    this.#trying = this.#try();
    return this.#trying;
  }

  async #try(): Promise<void> {
    const { host, port } = this.address;
    try {
      this.bound = await this.#edge.listen();
      this.reason = undefined;
      this.#log.info({ ...this.bound }, "listening");
    } catch (error) {
      const reason = reasonOf(error);
      const retryInMs = this.#waitMs;
      if (reason !== this.reason) this.#log.warn({ host, port, reason, retryInMs }, "a port cannot be bound yet");
      this.reason = reason;
      this.#waitMs = Math.min(retryInMs * 2, LONGEST_WAIT_MS);
      if (!this.#left) this.#timer = setTimeout(() => void this.open(), retryInMs).unref();
    }
    if (!this.#left) this.#changed();
  }

  /** Stops listening; what is under way may finish within `graceMs`. */
  async leave(graceMs: number): Promise<void> {
    this.#left = true;
    clearTimeout(this.#timer);
    await this.#trying;
    if (graceMs === 0) await this.#edge.close();
    else await this.#edge.drain(graceMs);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof GatewayError) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EACCES") return "this process may not bind it: ports below 1024 need leave";
  return code === "EADDRNOTAVAIL" ? "this machine has no such address" : message;
}
