import type { Scope } from "./overview.ts";
import type { PickOfEndpoint } from "./chains.ts";

export interface Models extends Scope {
  readonly models: readonly ModelEntry[];
  readonly pools: readonly PoolState[];
  /** Upstreams that rest, or are left alone for a while. */
  readonly upstreams: readonly {
    readonly upstream: string;
    readonly state: "closed" | "half-open" | "open";
    readonly waitMs: number;
  }[];
  /** The newest first, at most 100; of this process. */
  readonly picks: readonly (PickOfEndpoint & {
    readonly timeMs: number;
    readonly operationId: string;
    readonly chainId: string;
    readonly model: string;
  })[];
}

export interface ModelEntry {
  readonly name: string;
  /** Who serves it; `sallyport`: it is a choice between others. */
  readonly provider: string;
  /** What its provider calls it. */
  readonly upstreamName?: string;
  readonly pool?: string;
  readonly adapter?: string;
  /** Nano-dollars a token, or for the call. */
  readonly price?: {
    readonly perInputToken: number;
    readonly perOutputToken: number;
    readonly perCachedInputToken?: number;
    readonly perCacheWriteToken?: number;
    readonly perCall?: number;
  };
  /** Who steps in, in order. */
  readonly fallback: readonly string[];
  /** Of a choice: those it is between. */
  readonly choices?: readonly string[];
}

export interface PoolState {
  readonly pool: string;
  /** Calls that wait for room. */
  readonly waiting: number;
  /** 1: full; absent: no endpoint gets calls. */
  readonly saturation?: number;
  readonly endpoints: readonly EndpointState[];
}

export interface EndpointState {
  readonly name: string;
  readonly url: string;
  readonly state: "well" | "unreachable" | "ejected" | "draining" | "leaving" | (string & {});
  /** The gateway's own calls under way. */
  readonly requests: number;
  /** What the server tells of itself; absent while it tells nothing. */
  readonly queued?: number;
  readonly load?: number;
  /** Used share of its KV cache. */
  readonly kvUsage?: number;
  readonly adapters?: readonly string[];
}

/** What snippets need. */
export interface Connect {
  readonly publicUrl: string;
  readonly issuer: string;
  readonly auth: {
    /** The authorization server inside, at `issuer`. */
    readonly embedded: boolean;
    readonly dynamicRegistration: boolean;
    readonly tokenUrl?: string;
    readonly issuers: readonly string[];
    readonly anonymous: boolean;
    /** Asked for first. */
    readonly scopes: readonly string[];
    /** Whether an operator can make keys on this page. */
    readonly keys: boolean;
  };
  readonly mcp: readonly { readonly path: string; readonly url: string; readonly servers: readonly string[] }[];
  readonly agents: readonly { readonly name: string; readonly url: string; readonly cardUrl: string }[];
  readonly models: {
    readonly names: readonly string[];
    /** For OpenAI clients; absent: no models are configured. */
    readonly openaiUrl?: string;
    /** For Anthropic's. */
    readonly anthropicUrl?: string;
  };
}
