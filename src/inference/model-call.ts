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
}

/** One path of a dialect, where it leads and how its body is read. */
export interface Endpoint {
  /** What the operation is called, such as `chat.completions`. */
  readonly method: string;
  /** Appended to the provider's base address. */
  readonly upstreamPath: string;
  /** Throws `invalid_request` that names the parameter at fault. */
  read(body: unknown): ModelCall;
}
