import type { CanonicalRequest } from "../core/exchange.ts";
import { isObject } from "./message.ts";
import type { Message } from "./message.ts";
import { codes, Refusal } from "./refusal.ts";
import { CAPABILITIES_KEY, isLegacyVersion, MODERN, VERSION_KEY } from "./revisions.ts";
import type { Era } from "./revisions.ts";

/** Which parameter `Mcp-Name` mirrors (2026-07-28, streamable HTTP, "Standard Request Headers"). */
const NAMED: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
};

/** What `Mcp-Name` must say for this message; undefined where the header has no meaning. */
export function nameOf(message: Message): string | undefined {
  const field = NAMED[message.method];
  const value = field === undefined ? undefined : message.params[field];
  return typeof value === "string" ? value : undefined;
}

/** Decodes a mirrored value (same page, "Value Encoding"); undefined when it is malformed. */
export function decodeHeaderValue(value: string): string | undefined {
  if (!value.startsWith("=?base64?") || !value.endsWith("?=")) return value;
  const encoded = value.slice(9, -2);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded) || encoded.length % 4 !== 0) return undefined;
  return Buffer.from(encoded, "base64").toString("utf8");
}

/** Encodes a value for a mirrored header. */
export function encodeHeaderValue(value: string): string {
  const plain =
    /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !(value.startsWith("=?base64?") && value.endsWith("?="));
  return plain ? value : `=?base64?${Buffer.from(value).toString("base64")}?=`;
}

const mismatch = (message: string) => new Refusal(400, codes.headerMismatch, `Header mismatch: ${message}`);

/**
 * The era of one message, from its envelope and never from the header alone, which an attacker and the upstream may read differently.
 * Throws the refusals of 2026-07-28 for a malformed envelope or headers that disagree with the body.
 */
export function classify(request: CanonicalRequest, message: Message): Era {
  const header = request.headers["mcp-protocol-version"];
  const meta = message.params["_meta"];
  const claim = isObject(meta) ? meta[VERSION_KEY] : undefined;
  if (claim === undefined) {
    if (header !== MODERN || message.kind === "response") return "legacy";
    if (message.kind === "notification") return "modern";
    throw new Refusal(
      400,
      codes.invalidParams,
      `Every request of protocol ${MODERN} needs params._meta["${VERSION_KEY}"] and ["${CAPABILITIES_KEY}"].`,
    );
  }
  if (typeof claim !== "string")
    throw new Refusal(400, codes.invalidParams, `params._meta["${VERSION_KEY}"] must be a string.`);
  if (message.kind === "request" && header === undefined) throw mismatch("the MCP-Protocol-Version header is missing.");
  if (header !== undefined && header !== claim)
    throw mismatch(`MCP-Protocol-Version is '${header}' in the header and '${claim}' in the body.`);
  if (claim !== MODERN) {
    if (isLegacyVersion(claim) && message.method === "initialize") return "legacy";
    throw new Refusal(
      400,
      codes.unsupportedVersion,
      `Protocol version ${claim} is not served with a per-request envelope.`,
      { supported: [MODERN], requested: claim },
    );
  }
  if (message.kind === "request") checkEnvelope(request, message, meta as Readonly<Record<string, unknown>>);
  return "modern";
}

function checkEnvelope(request: CanonicalRequest, message: Message, meta: Readonly<Record<string, unknown>>): void {
  if (!isObject(meta[CAPABILITIES_KEY]))
    throw new Refusal(400, codes.invalidParams, `params._meta["${CAPABILITIES_KEY}"] must be an object.`);
  const method = request.headers["mcp-method"];
  if (method === undefined) throw mismatch("the Mcp-Method header is missing.");
  if (method !== message.method)
    throw mismatch(`Mcp-Method is '${method}' in the header and '${message.method}' in the body.`);
  const expected = nameOf(message);
  if (expected === undefined) return;
  const name = request.headers["mcp-name"];
  if (name === undefined) throw mismatch("the Mcp-Name header is missing.");
  const decoded = decodeHeaderValue(name);
  if (decoded !== expected)
    throw mismatch(`Mcp-Name is '${decoded ?? name}' in the header and '${expected}' in the body.`);
}
