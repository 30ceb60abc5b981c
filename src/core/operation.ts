export const protocols = ["mcp", "a2a", "llm"] as const;
export type Protocol = (typeof protocols)[number];

/** `to-target`: the caller asks. `to-caller`: a server asks the caller (sampling, a push, a reply's counterpart). */
export type Direction = "to-target" | "to-caller";

/** `notify` expects no answer; `reply` is one; `stream` answers in many events; `duplex` is an upgraded socket. */
export type Mode = "call" | "notify" | "reply" | "stream" | "duplex";

/** What an operation is aimed at. `server` is the MCP server, the A2A agent or the provider that offers it. */
export interface Target {
  readonly kind: "tool" | "resource" | "prompt" | "server" | "agent" | "task" | "model" | "none";
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
  readonly judged: boolean;
  readonly variables: OperationVariables;
}

/** One place an operation can be sent to, in the order to try. */
export interface Candidate {
  /** The name used in policy, metrics and the journal. */
  readonly name: string;
  /** What CEL sees when this candidate is judged for itself, where it differs from the operation's. */
  readonly variables?: OperationVariables;
}

/** What an answer cost. Counts of tokens; zero is a count, undefined is unknown. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cachedInputTokens?: number;
}
