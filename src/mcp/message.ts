import { GatewayError } from "../core/errors.ts";
import { rawValue } from "../http/json-locate.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** One JSON-RPC message as it came: the bytes, and the value that is only read. */
export interface Message {
  readonly bytes: Buffer;
  readonly value: JsonObject;
  readonly kind: "request" | "notification" | "response";
  /** Empty for a response. */
  readonly method: string;
  readonly params: JsonObject;
  /** The id exactly as it is spelled in the bytes; undefined for a notification. */
  readonly idText: string | undefined;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const EMPTY: JsonObject = Object.freeze({});

/** The id of a message as spelled, for echoing: `null` where there is none that may be echoed. */
export function echoId(bytes: Buffer): string {
  const text = rawValue(bytes, ["id"])?.toString("utf8") ?? "null";
  return /^["\d-]/.test(text) ? text : "null";
}

/** Checks the shape of one message (JSON-RPC 2.0; MCP, basic, "Messages"). Throws `invalid_request`. */
export function toMessage(bytes: Buffer, value: unknown): Message {
  if (!isObject(value)) throw new GatewayError("invalid_request", "A JSON-RPC message must be an object.");
  if (value["jsonrpc"] !== "2.0")
    throw new GatewayError("invalid_request", 'A JSON-RPC message needs "jsonrpc": "2.0".');
  const method = value["method"];
  const params = value["params"];
  const hasId = Object.hasOwn(value, "id");
  if (method === undefined) {
    const answers = (Object.hasOwn(value, "result") ? 1 : 0) + (Object.hasOwn(value, "error") ? 1 : 0);
    if (answers !== 1 || !hasId)
      throw new GatewayError("invalid_request", "A message needs a method, or an id and either a result or an error.");
    return { bytes, value, kind: "response", method: "", params: EMPTY, idText: echoId(bytes) };
  }
  if (typeof method !== "string" || method === "")
    throw new GatewayError("invalid_request", "The method must be a non-empty string.");
  if (params !== undefined && !isObject(params))
    throw new GatewayError("invalid_request", "The params must be an object.");
  if (!hasId) return { bytes, value, kind: "notification", method, params: params ?? EMPTY, idText: undefined };
  const id = value["id"];
  if (typeof id !== "string" && typeof id !== "number")
    throw new GatewayError("invalid_request", "The id of a request must be a string or a number; null is not allowed.");
  return { bytes, value, kind: "request", method, params: params ?? EMPTY, idText: echoId(bytes) };
}
