import type { AbortSignalLike } from "../../../core/abort.ts";
import type { Exchange } from "../../../core/exchange.ts";
import type { OwnCall } from "../../own-call.ts";

/** For whom a text is looked at: who pays, where that costs something. */
export interface MeaningCall {
  readonly exchange: Exchange;
  readonly signal: AbortSignalLike;
  readonly ownCall: OwnCall;
}

/** How sure a classifier is of each label, 0 to 1. At least one. */
export type Scores = ReadonlyMap<string, number>;

/** Tells what a text is about. Rejects with a GatewayError. */
export type Classify = (text: string, call: MeaningCall) => Promise<Scores>;
