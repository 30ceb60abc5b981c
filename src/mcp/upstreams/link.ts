import type { AbortSignalLike } from "../../core/abort.ts";
import type { JsonObject } from "../message.ts";
import type { Era } from "../revisions.ts";

/** One request in the link's own era. */
export interface Outbound {
  readonly bytes: Buffer;
  /** The id as spelled in `bytes`. */
  readonly idText: string;
  readonly method: string;
  /** What `Mcp-Name` says, decoded. */
  readonly name?: string | undefined;
  /** Further headers for HTTP: trace context and mirrored parameters. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One message from a server. `status` is the HTTP status it came with; 200 over stdio. */
export interface Incoming {
  readonly bytes: Buffer;
  readonly value: JsonObject;
  readonly status: number;
}

export type OnMessage = (message: Incoming) => void | Promise<void>;

/** One conversation with one server. */
export interface Link {
  readonly era: Era;
  /** False where all callers share one conversation: then nothing a server says on its own can be told apart. */
  readonly dedicated: boolean;
  /**
   * Sends one request; `onMessage` sees what belongs to it before the answer, in order. Rejects with `upstream_unavailable`,
   * `upstream_timeout`, `upstream_invalid`, `upstream_truncated`, or the signal's reason after telling the server to stop.
   */
  request(outbound: Outbound, signal: AbortSignalLike, onMessage: OnMessage): Promise<Incoming>;
  /** Sends a notification or a response. */
  send(bytes: Buffer): Promise<void>;
  /** What the server says outside of requests, until the signal aborts or the stream ends. `onOpen`: nothing said from now on is missed. */
  listen(signal: AbortSignalLike, onMessage: OnMessage, onOpen: () => void): Promise<"ended" | "unsupported">;
  close(): Promise<void>;
}

/** What a server said of itself. */
export interface ServerInfo {
  readonly era: Era;
  readonly capabilities: JsonObject;
  readonly identity: JsonObject | undefined;
  readonly instructions: string | undefined;
}
