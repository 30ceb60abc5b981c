import type { BlockChain } from "./block-chain.ts";
import type { Endpoints } from "./endpoints.ts";

/** What the picker knows of a request. */
export interface PickRequest {
  /** Breaks ties; two replicas that pick at the same moment have different ids. */
  readonly id: string;
  readonly chain: BlockChain;
  /** Estimated tokens of the prompt. */
  readonly promptTokens: number;
  /** Name of the LoRA adapter asked for. */
  readonly adapter?: string | undefined;
  /** What belongs together beyond its text: a conversation, a user. */
  readonly session?: string | undefined;
}

/** One pick under way: what filters, scorers and pickers read. One object serves all picks, so nothing of it may be kept. */
export interface Scene {
  request: PickRequest;
  readonly endpoints: Endpoints;
  /** Slots still in question; the first `count` entries count. Filters take out in place and keep the order. */
  candidates: Int32Array;
  count: number;
  /** First tokens of the prompt that the endpoint most likely holds, by slot. */
  matched: Int32Array;
  nowMs: number;
}

/** Prompt tokens that the endpoint would have to prefill. */
export function uncachedTokens({ request, matched }: Scene, slot: number): number {
  return Math.max(0, request.promptTokens - matched[slot]!);
}
