import type { GatewayError } from "../core/errors.ts";
import type { RenderedError } from "../core/step.ts";
import type { Routes } from "./routes.ts";

/**
 * The answer to a request that failed before its protocol saw it: unreadable, for an unknown host, or for a path nobody serves.
 * JSON-RPC where the path is one of MCP or A2A; Anthropic's shape on its paths; elsewhere the one that OpenAI's and most other clients read.
 */
export function renderPlainError(error: GatewayError, path: string, routes: Routes): RenderedError {
  const route = path === "" ? undefined : routes.matchPath(path);
  const { status, rpc, openai, anthropic, retry } = error.spec;
  const speaksJsonRpc =
    route !== undefined && route !== "control" && (route.protocol === "mcp" || route.protocol === "a2a");
  const body = speaksJsonRpc
    ? { jsonrpc: "2.0", id: null, error: { code: rpc, message: error.message } }
    : isAnthropic(path)
      ? { type: "error", error: { type: anthropic, message: error.message }, request_id: null }
      : { error: { message: error.message, type: openai, param: error.param ?? null, code: error.kind } };
  return {
    status,
    headers: { ...error.headers, "content-type": "application/json", "x-should-retry": String(retry) },
    body: JSON.stringify(body),
  };
}

function isAnthropic(path: string): boolean {
  return path === "/v1/messages" || path.startsWith("/v1/messages/");
}
