import type { ErrorKind, GatewayError } from "../core/errors.ts";
import type { RenderedError } from "../core/step.ts";
import { Refusal } from "./refusal.ts";

/**
 * A JSON-RPC error body and its HTTP status. `idText` is the id as spelled, `null` when it could not be read.
 * What failed after routing is in-band (HTTP 200): an HTTP error makes clients fall back to another transport or give up the session.
 */
export function renderRpcError(error: GatewayError, idText: string, method = ""): RenderedError {
  const refusal = error instanceof Refusal ? error : undefined;
  const inBand = method !== "" && error.spec.source === "upstream";
  if (method === "tools/call" && asResult.has(error.kind)) return spent(error, idText);
  const data = error.data === undefined ? "" : `,"data":${JSON.stringify(error.data)}`;
  const code = refusal?.code ?? error.spec.rpc;
  return {
    status: inBand ? 200 : (refusal?.status ?? error.spec.status),
    headers: { "content-type": "application/json", "cache-control": "no-store", ...error.headers },
    body: `{"jsonrpc":"2.0","id":${idText},"error":{"code":${code},"message":${JSON.stringify(error.message)}${data}}}`,
  };
}

const asResult: ReadonlySet<ErrorKind> = new Set(["rate_limited", "budget_exhausted", "runaway_stopped"]);

/* A model can act on a result; a 429 makes clients fall back to another transport or repeat the call. */
function spent(error: GatewayError, idText: string): RenderedError {
  const result = { content: [{ type: "text", text: error.message }], isError: true, resultType: "complete" };
  return {
    status: 200,
    headers: { "content-type": "application/json", ...error.headers },
    body: `{"jsonrpc":"2.0","id":${idText},"result":${JSON.stringify(result)}}`,
  };
}

/** The id of a parsed request body, for errors found before the bytes were looked at. */
export function idOf(body: unknown): string {
  if (typeof body !== "object" || body === null || !("id" in body)) return "null";
  return typeof body.id === "string" || typeof body.id === "number" ? JSON.stringify(body.id) : "null";
}
