export const protocols = ["mcp", "a2a", "llm", "http"] as const;
export type Protocol = (typeof protocols)[number];

/** `to-target`: the caller asks. `to-caller`: a server asks the caller (sampling, a push, a reply's counterpart). */
export type Direction = "to-target" | "to-caller";

/** `notify` expects no answer; `reply` is one; `stream` answers in many events; `duplex` is an upgraded socket. */
export type Mode = "call" | "notify" | "reply" | "stream" | "duplex";

/**
 * What an operation is aimed at. `server` is the MCP server, the A2A agent or the provider that offers it; of a service, the route that
 * leads to it.
 */
export interface Target {
  readonly kind: "tool" | "resource" | "prompt" | "server" | "agent" | "task" | "model" | "service" | "none";
  readonly name: string;
  readonly server: string;
}

/** `mcp` in CEL. Maps and lists are the caller's own parsed values, read only. */
export interface McpVariables {
  readonly method: string;
  readonly server: string;
  readonly tool: { readonly name: string; readonly arguments: unknown; readonly annotations: unknown };
  readonly resource: { readonly uri: string };
  readonly prompt: { readonly name: string; readonly arguments: unknown };
}

/** `a2a` in CEL. */
export interface A2aVariables {
  readonly method: string;
  readonly agent: string;
  readonly skill: string;
  readonly task: { readonly id: string; readonly state: string; readonly owner: string };
  readonly context: string;
  readonly message: { readonly parts: readonly unknown[]; readonly metadata: unknown };
  readonly version: string;
}

/** `llm` in CEL. CEL integers are BigInt: a JS number would be a double there. */
export interface LlmVariables {
  readonly model: string;
  readonly provider: string;
  readonly dialect: string;
  readonly stream: boolean;
  readonly messages: readonly unknown[];
  readonly tools: readonly unknown[];
  readonly maxTokens: bigint;
  /** At most so many go in, and may come out; undefined where there is no bound. */
  readonly tokens: { readonly input: number | undefined; readonly output: number | undefined };
  /** What the call costs at most, in dollars; undefined where there is no bound, or no price. */
  readonly cost: number | undefined;
  readonly complexity: Complexity;
  /** What was found out beforehand for an expression that asks for it, since expressions cannot wait. */
  readonly meaning?: Meaning;
}

/** What embedders and classifiers say of a call; undefined is what nobody could say. */
export interface Meaning {
  /** How near what is asked is to the nearest example of a label, 0 to 1. */
  similarity(label: string): number | undefined;
  /** What a classifier takes it for. */
  classOf(classifier: string): string | undefined;
  /** How sure a classifier is of a label, 0 to 1. */
  scoreOf(classifier: string, label: string): number | undefined;
}

/** How hard a model call seems. It may be worked out when it is first read; undefined is what nobody can say. */
export interface Complexity {
  /** From 0, which any model does, to 1, which only the strongest does. */
  readonly score: number | undefined;
  /** How much of each part there is, from 0 to 1, whatever its weight. */
  readonly parts: ComplexityParts | undefined;
}

export interface ComplexityParts {
  readonly length: number;
  readonly structure: number;
  readonly code: number;
  readonly maths: number;
  readonly language: number;
  readonly depth: number;
  readonly tools: number;
}

/** What CEL may read of an operation: the branch of its own protocol. */
export interface OperationVariables {
  readonly mcp?: McpVariables;
  readonly a2a?: A2aVariables;
  readonly llm?: LlmVariables;
}

/**
 * The canonical form of what is asked. One exchange holds one or more of these; each is judged, guarded and recorded for itself.
 * `judged` is false for what needs only a principal: handshakes, lists and notifications.
 */
export interface Operation {
  readonly protocol: Protocol;
  /** The protocol's own method name, such as `tools/call`, `SendMessage` or `chat.completions`. */
  readonly method: string;
  readonly direction: Direction;
  readonly mode: Mode;
  readonly target: Target;
  /** The tenant whose tool or agent it is; absent: nobody's. */
  readonly tenant?: string | undefined;
  readonly judged: boolean;
  readonly variables: OperationVariables;
  /** What a model call is expected to take; absent for what uses no tokens. */
  readonly demand?: Demand;
  /**
   * What a call of the gateway's own is for, such as `an embedding for the cache`; absent: the caller's. It is no concern of policies,
   * and is charged to the caller for whom it is made.
   */
  readonly own?: string;
}

/** What a model call is expected to take: known before it is made, from the request alone. */
export interface Demand {
  /** Bytes of what the model reads. No tokenizer makes more tokens of them than bytes: the bound that a budget can hold without counting. */
  readonly inputBytes: number;
  /** The caller's own bound on the tokens of the answer, over all its choices; undefined: none. */
  readonly maxOutputTokens: number | undefined;
}

/** One place an operation can be sent to, in the order to try. */
export interface Candidate {
  /** The name used in policy, metrics and the journal. */
  readonly name: string;
  /** What it is counted under, where the name is one that a caller made up and nobody has answered to: there may be any number of these. */
  readonly label?: string | undefined;
  /** What CEL sees when this candidate is judged for itself, where it differs from the operation's. */
  readonly variables?: OperationVariables;
  /** Names what fails together: candidates with the same one rest together. Absent: failures of this candidate are not counted. */
  readonly upstream?: string;
  /** What a call to it costs; undefined where nobody knows, which is not zero. */
  readonly price?: Price;
  /** The bound a budget gives an answer whose caller gives none, in tokens; absent: the usual one. */
  readonly maxTokens?: number;
}

/** Prices in whole nano-dollars (1e-9 US dollars): 150 a token are 15 cents a million. */
export interface Price {
  readonly perInputToken: number;
  readonly perOutputToken: number;
  /** Input tokens that the provider had cached; like any other where absent. */
  readonly perCachedInputToken?: number;
  /** Input tokens that the provider charges for caching. */
  readonly perCacheWriteToken?: number;
  /** For the call itself: a tool or an agent with a stated price. */
  readonly perCall?: number;
}

/** What an answer cost. Counts of tokens; zero is a count, undefined is unknown. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** Part of the input tokens. */
  readonly cachedInputTokens?: number;
  /** Part of the input tokens. */
  readonly cacheWriteTokens?: number;
  /** Part of the output tokens. */
  readonly reasoningTokens?: number;
}
