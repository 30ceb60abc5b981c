import type { LightAbortSignal } from "../core/abort.ts";
import type { JsonObject } from "./message.ts";
import type { Link } from "./upstreams/link.ts";
import type { SessionHandle } from "./upstreams/greet.ts";

/** What of a session outlives the process. */
export interface SessionRecord {
  readonly principal: string;
  readonly route: string;
  readonly version: string;
  readonly capabilities: JsonObject;
  readonly client: JsonObject;
  /** Sessions at servers, by the server's name. */
  readonly servers: Readonly<Record<string, SessionHandle>>;
  /** Resources whose changes the client asked for. */
  readonly subscriptions: readonly string[];
  readonly logLevel?: string;
}

/** A session in this process: its record and what only a process can hold. */
export interface Session {
  readonly id: string;
  record: SessionRecord;
  /** The store's version of the record. */
  stored: number;
  /** Monotonic milliseconds: last use, last time read from the store, last time written. */
  usedAtMs: number;
  readAtMs: number;
  writtenAtMs: number;
  /** Aborts calls by the id as the client spelled it. */
  readonly inFlight: Map<string, LightAbortSignal>;
  readonly links: Map<string, Promise<Link>>;
  /** The client's standing stream, if it holds one open. */
  stream: SessionStream | undefined;
}

export interface SessionStream {
  /** A server got a session of its own: what it says outside of requests goes to this stream. */
  attach(server: string, link: Link): void;
  /** A resource was added to the subscriptions, or taken away. */
  subscribed(uri: string, wanted: boolean): void;
  end(): void;
}
