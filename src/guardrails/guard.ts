import type { AbortSignalLike } from "../core/abort.ts";
import type { Chain } from "../core/chain.ts";
import type { Clock } from "../core/clock.ts";
import type { CanonicalRequest, Route } from "../core/exchange.ts";
import { defineExtension } from "../core/extension.ts";
import type { Log } from "../core/log.ts";
import type { Operation } from "../core/operation.ts";
import type { Principal } from "../core/principal.ts";
import type { TextSlot } from "../core/text.ts";
import type { Upstream } from "../http/upstream.ts";

/** By what it is told whether a guard holds for an operation. */
export interface GuardScope {
  readonly operation: Operation;
  readonly principal: Principal;
  readonly chain: Chain;
  readonly request: CanonicalRequest;
  readonly route: Pick<Route, "path" | "tenant">;
}

/** What guards are told of one operation: the same object for every guard, and for `input` and `output`. */
export interface GuardRequest extends GuardScope {
  /** The texts of the request, as the guards before this one left them. */
  readonly slots: readonly TextSlot[];
  readonly signal: AbortSignalLike;
}

/** What a guard says of a request. A rejection is a value; the step that enforces it throws. */
export type Verdict =
  | {
      readonly pass: true;
      /** New texts by index of slot. */
      readonly texts?: ReadonlyMap<number, string>;
    }
  | {
      readonly pass: false;
      /** The guard's type, for the journal. */
      readonly guard: string;
      /** Shown to the caller. */
      readonly message: string;
      /** The HTTP status of the answer; absent: that of a denial. */
      readonly status?: number;
    };

/** Inspects and rewrites content. It sees texts and knows nothing of wires. What it throws is a denial. */
export interface Guard {
  /** Looks at what the caller sends. */
  input?(request: GuardRequest): Verdict | Promise<Verdict>;
  /** Begins to watch one answer; undefined: nothing to do for it. Called after `input` of the same operation, with the same GuardRequest object. */
  output?(request: GuardRequest): OutputGuard | undefined;
}

/** Watches the texts of one answer, whole or in pieces. A whole answer is one `push` and one `end` per channel. */
export interface OutputGuard {
  /** Puts back what was taken out of the request: runs after all others, nearest to the caller. */
  readonly restores?: true;
  /**
   * The next piece of a channel's text; gives what may be shown now and holds the rest back. Throws GatewayError("denied", …) to
   * reject. Of a slot with `json` the text is JSON in pieces: what is put in is escaped as inside a JSON string.
   */
  push(slot: TextSlot): string | Promise<string>;
  /** The channel's text is over: what was held back. */
  end(channel: string): string | Promise<string>;
}

/** Says when somebody who is asked should be left alone for a while. */
export interface CircuitBreaker {
  /** Asks for one call; an object says that it is not to be made now. */
  enter(): "call" | "probe" | object;
  /** A call has ended. */
  left(probe: boolean, health: "well" | "sick" | "unknown"): void;
}

/** What guards are built with. */
export interface GuardDeps {
  /** The way out, for guards that ask somebody else. */
  readonly upstream: Upstream;
  /** The circuit breaker of somebody who is asked, by name. */
  breaker(name: string): CircuitBreaker;
  readonly clock: Clock;
  readonly log: Log;
  /** 32 bytes for one purpose of this gateway: made once, kept in the store, the same on every replica. Rejects with `state_unavailable`. */
  secret(purpose: string): Promise<Buffer>;
}

/** Defines one type of guard: one file that calls this, and one entry in `registry.ts`. */
export const defineGuard = defineExtension<GuardDeps, Guard>();

export const pass: Verdict = { pass: true };
