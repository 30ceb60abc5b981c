import { GatewayError, type ErrorKind, type GatewayErrorOptions } from "../core/errors.ts";

interface ReasonSpec {
  readonly code: number;
  readonly kind: ErrorKind;
}

/**
 * What A2A itself names (A2A 1.0, sections 5.4 and 9.5). These are answers of the JSON-RPC layer, so HTTP says 200, as every SDK does;
 * what fails below or before that layer keeps the HTTP status of the error table.
 */
// oxfmt-ignore
export const a2aReasons = {
  TASK_NOT_FOUND:                     { code: -32001, kind: "not_found" },
  PUSH_NOTIFICATION_NOT_SUPPORTED:    { code: -32003, kind: "unsupported" },
  UNSUPPORTED_OPERATION:              { code: -32004, kind: "unsupported" },
  CONTENT_TYPE_NOT_SUPPORTED:         { code: -32005, kind: "unsupported_media" },
  EXTENDED_AGENT_CARD_NOT_CONFIGURED: { code: -32007, kind: "unsupported" },
  VERSION_NOT_SUPPORTED:              { code: -32009, kind: "unsupported" },
  METHOD_NOT_FOUND:                   { code: -32601, kind: "method_not_found" },
  INVALID_PARAMS:                     { code: -32602, kind: "invalid_params" },
} as const satisfies Record<string, ReasonSpec>;

export type A2aReason = keyof typeof a2aReasons;

/** A failure that A2A has a code of its own for. */
export class A2aError extends GatewayError {
  readonly reason: A2aReason;

  constructor(reason: A2aReason, message: string, options: GatewayErrorOptions = {}) {
    super(a2aReasons[reason].kind, message, options);
    this.reason = reason;
  }
}

/**
 * One answer for a task that does not exist and for one that is not the caller's: they must not differ (section 3.3.2).
 * `taskId` is what the caller sent.
 */
export const taskNotFound = (taskId: string) => new A2aError("TASK_NOT_FOUND", "Task not found", { data: { taskId } });
