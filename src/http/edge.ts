import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import type { GatewayError } from "../core/errors.ts";
import type { CanonicalRequest, Reply } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import type { RenderedError } from "../core/step.ts";
import type { BufferBudget } from "./body.ts";
import type { HttpConfig } from "./config.ts";

export interface ReadBodyOptions {
  readonly limitBytes: number;
  /** Refuses (415) any content type but `application/json`. Default true. */
  readonly json?: boolean;
}

/** One request as the edge hands it on: checked, not yet authenticated, its body unread. */
export interface Incoming {
  /** 32 hex digits; sent as `x-request-id` on every answer. */
  readonly id: string;
  readonly request: CanonicalRequest;
  readonly reply: Reply;
  /** Aborts when the caller has gone (`cancelled`) or the gateway stops (`draining`); the reason is a GatewayError. */
  readonly signal: AbortSignal;
  /** Aborts `signal` with this reason from the gateway's side, such as a credential that expired. */
  abort(reason: GatewayError): void;
  /** Whether the request came with a body. */
  readonly hasBody: boolean;
  /**
   * Reads the body once; a second call gives the same promise. Rejects with `too_large`, `request_timeout`,
   * `unsupported_media`, `overloaded` or `cancelled`.
   */
  readBody(options: ReadBodyOptions): Promise<Buffer>;
  /**
   * Hands the request to a library that wants Node's own objects (Express). Its address and headers are the canonical
   * ones; headers set on the reply so far are set on the response. The reply must not be used after that.
   */
  raw(): { readonly req: IncomingMessage; readonly res: ServerResponse };
}

export type Dispatch = (incoming: Incoming) => void | Promise<void>;

export interface EdgeOptions {
  readonly config: HttpConfig;
  /** Which listener of the config this is. `health` answers to any Host: a kubelet calls by address. */
  readonly listener: "data" | "console" | "health";
  /** Answers one request. What it throws or rejects with before the answer has started is rendered. */
  readonly dispatch: Dispatch;
  readonly clock: Clock;
  readonly log: Log;
  /** One for all listeners of a process; each edge makes its own when absent. */
  readonly budget?: BufferBudget;
  /** The protocol's own error shape. `path` is empty when the request could not be read so far; the default is plain JSON. */
  readonly renderError?: (error: GatewayError, path: string) => RenderedError;
  /** `any`: every web page may call this path, without cookies (metadata). Default `listed` for all. */
  readonly originPolicy?: (path: string) => "listed" | "any";
}

export interface Edge {
  /** Binds and resolves with the address; rejects when the port is taken or the certificate does not load. */
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  /** Requests under way. */
  readonly active: number;
  /**
   * Stops accepting, lets requests under way finish for `graceMs`, then aborts the rest with `draining` and breaks what
   * is left. Resolves when every connection is closed.
   */
  drain(graceMs: number): Promise<void>;
  /** Breaks every connection at once. */
  close(): Promise<void>;
}
