import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { ServiceConfig } from "./config.ts";

/** How long an address that could not be reached is asked only after all others. */
const REST_MS = 5_000;

export interface Endpoint {
  readonly url: URL;
  /** By the monotonic clock. */
  restsUntilMs: number;
}

/** The addresses of one service, and whose turn it is. */
export class Endpoints {
  readonly config: ServiceConfig;
  readonly #name: string;
  readonly #all: readonly Endpoint[];
  readonly #clock: Clock;
  #turn: number;

  constructor(name: string, config: ServiceConfig, clock: Clock) {
    this.#name = name;
    this.config = config;
    this.#clock = clock;
    const urls = "url" in config ? [config.url] : config.endpoints;
    this.#all = urls.map((url) => ({ url: new URL(url), restsUntilMs: 0 }));
    // Not always with the first: addresses that come and go all the time would leave it more than its share.
    this.#turn = Math.floor(Math.random() * this.#all.length);
  }

  /** In the order to try: the next in turn, and the others only where nothing of the request was sent. Throws where there is none. */
  inOrder(): readonly Endpoint[] {
    const all = this.#all;
    if (all.length === 0) {
      const headers = { "retry-after": "1" };
      throw new GatewayError("overloaded", `The service ${this.#name} has no endpoint at present.`, { headers });
    }
    if (all.length === 1) return all;
    const from = this.#turn;
    this.#turn = (from + 1) % all.length;
    const turned = [...all.slice(from), ...all.slice(0, from)];
    const now = this.#clock.monotonic();
    const rests = ({ restsUntilMs }: Endpoint) => restsUntilMs > now;
    return turned.some(rests) ? [...turned.filter((one) => !rests(one)), ...turned.filter(rests)] : turned;
  }

  /** It could not be reached. */
  rest(endpoint: Endpoint): void {
    endpoint.restsUntilMs = this.#clock.monotonic() + REST_MS;
  }
}
