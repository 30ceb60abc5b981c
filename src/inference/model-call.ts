import type { JsonBody } from "../core/exchange.ts";

/** A wire format of model APIs. */
export type DialectName = "openai" | "anthropic";

/** What a call asks of a model. A dialect has a path for each kind that its providers serve. */
export type CallKind = "chat" | "completions" | "embeddings" | "count";

/** One call of a model as its dialect reads it from a request. The values are the caller's own, only read. */
export interface ModelCall {
  /** The name the caller used. */
  readonly model: string;
  readonly stream: boolean;
  /** Whether the caller wants to see the usage of a stream; the gateway always does. */
  readonly wantsUsage: boolean;
  readonly messages: readonly unknown[];
  readonly tools: readonly unknown[];
  /** The most tokens the answer may have; 0 when the request sets no limit. */
  readonly maxTokens: bigint;
  /** The same over all the answers that are asked for at once; undefined when the request sets no limit. */
  readonly maxOutputTokens: number | undefined;
}

/** One path of the gateway: the dialect that is spoken there, what is asked, and how its body is read. */
export interface Endpoint {
  /** The caller's wire format. */
  readonly dialect: DialectName;
  readonly kind: CallKind;
  /** What the operation is called, such as `chat.completions`. */
  readonly method: string;
  /** Throws `invalid_request` that names the parameter at fault. */
  read(body: JsonBody["value"]): ModelCall;
}
