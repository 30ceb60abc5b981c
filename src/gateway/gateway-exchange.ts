import type { AbortSignalLike } from "../core/abort.ts";
import type { Incoming } from "../http/edge.ts";
import { parseJsonBody } from "../http/json-scan.ts";
import type { Chain } from "../core/chain.ts";
import { GatewayError } from "../core/errors.ts";
import type { BodyStream, CanonicalRequest, Exchange, JsonBody, Reply, Route, TraceContext } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { Placed } from "../core/open-set.ts";
import type { Principal } from "../core/principal.ts";
import type { Joined } from "./chains.ts";
import type { Epoch } from "./epoch.ts";

/** The exchange as the gateway sees it: the contract of `core`, and who the caller turned out to be. */
export interface GatewayExchange extends Exchange, Placed {
  /** When the credential was last looked at, milliseconds since the epoch. */
  recheckedAtMs: number;
  /** Said once, by `authenticate`. */
  identify(principal: Principal, joined: Joined): void;
  /** The principal, or undefined before `identify`. */
  readonly identified: Principal | undefined;
  /** The parsed body if it was read; for echoing a request id in an error. */
  readonly bodyValue: unknown;
  /** Ends the exchange from the gateway's side. */
  abort(reason: GatewayError): void;
  /** The configuration this exchange runs under, to its end. */
  readonly epoch: Epoch;
  /** Lets go of the body once the answer is out: sockets remember their last request, and with it whatever that holds on to. */
  forgetBody(): void;
}

export function createExchange(incoming: Incoming, route: Route, epoch: Epoch, log: Log): GatewayExchange {
  return new OpenExchange(incoming, route, epoch, log);
}

/** The epoch an exchange was opened under. Handlers pass exchanges through as the `core` contract; only this gateway makes them. */
export function epochOf(exchange: Exchange): Epoch {
  if (exchange instanceof OpenExchange) return exchange.epoch;
  throw new GatewayError("internal", "This exchange was not opened by the gateway.");
}

/* A class, because one is made per request: shared methods instead of closures. */
class OpenExchange implements GatewayExchange {
  readonly id: string;
  readonly route: Route;
  readonly request: CanonicalRequest;
  readonly reply: Reply;
  readonly epoch: Epoch;
  place = -1;
  recheckedAtMs = 0;
  readonly #incoming: Incoming;
  readonly #log: Log;
  #childLog: Log | undefined;
  #principal: Principal | undefined;
  #joined: Joined | undefined;
  #body: Promise<JsonBody> | undefined;
  #bodyValue: unknown;

  constructor(incoming: Incoming, route: Route, epoch: Epoch, log: Log) {
    this.#incoming = incoming;
    this.#log = log;
    this.epoch = epoch;
    this.route = route;
    this.id = incoming.id;
    this.request = incoming.request;
    this.reply = route.dress === undefined ? incoming.reply : route.dress(incoming.reply, incoming.request);
  }

  /* Made when first used: most requests log nothing but their record. */
  get log(): Log {
    this.#childLog ??= this.#log.child({ requestId: this.id });
    return this.#childLog;
  }

  get signal(): AbortSignalLike {
    return this.#incoming.signal;
  }

  get principal(): Principal {
    return this.#principal ?? unidentified();
  }

  get chain(): Chain {
    return this.#joined?.chain ?? unidentified();
  }

  get trace(): TraceContext {
    return this.#joined?.trace ?? unidentified();
  }

  get identified(): Principal | undefined {
    return this.#principal;
  }

  get bodyValue(): unknown {
    return this.#bodyValue;
  }

  identify(principal: Principal, joined: Joined): void {
    this.#principal = principal;
    this.#joined = joined;
  }

  body(): Promise<JsonBody> {
    this.#body ??= this.#readBody();
    return this.#body;
  }

  bodyStream(): BodyStream | undefined {
    return this.#incoming.streamBody(this.route.bodyLimitBytes);
  }

  async #readBody(): Promise<JsonBody> {
    const bytes = await this.#incoming.readBody({ limitBytes: this.route.bodyLimitBytes });
    const body = parseJsonBody(bytes, this.epoch.config.limits.json);
    this.#bodyValue = body.value;
    return body;
  }

  forgetBody(): void {
    this.#body = undefined;
    this.#bodyValue = undefined;
  }

  abort(reason: GatewayError): void {
    this.#incoming.abort(reason);
  }
}

function unidentified(): never {
  throw new GatewayError("unauthenticated", "This request has not been authenticated.");
}
