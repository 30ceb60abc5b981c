import { GatewayError } from "../core/errors.ts";

/** Codes that only MCP defines. 2026-07-28, basic, "Error Codes"; `resourceNotFound` is what the earlier revisions used. */
export const codes = {
  headerMismatch: -32020,
  unsupportedVersion: -32022,
  resourceNotFound: -32002,
  invalidParams: -32602,
  methodNotFound: -32601,
} as const;

/** A refusal in MCP's own terms where its specification has an answer that the table of kinds has not. */
export class Refusal extends GatewayError {
  readonly code: number;
  readonly status: number;

  constructor(status: number, code: number, message: string, data?: Readonly<Record<string, unknown>>) {
    super(
      code === codes.methodNotFound ? "method_not_found" : "invalid_params",
      message,
      data === undefined ? {} : { data },
    );
    this.code = code;
    this.status = status;
  }
}
