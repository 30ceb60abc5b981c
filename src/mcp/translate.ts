import { GatewayError } from "../core/errors.ts";
import { locate, members, splice } from "./json-ranges.ts";
import type { Edit } from "./json-ranges.ts";
import { isObject } from "./message.ts";
import type { JsonObject, Message } from "./message.ts";
import { codes } from "./refusal.ts";
import { CAPABILITIES_KEY, CLIENT_KEY, ENVELOPE_PREFIX, LOG_LEVEL_KEY, MODERN, SERVER_KEY, VERSION_KEY } from "./revisions.ts";
import type { Era } from "./revisions.ts";
import { gatewayIdentity } from "./upstreams/identity.ts";
import type { Incoming } from "./upstreams/link.ts";

/** Results that must say how long they hold (2026-07-28, caching). */
const CACHEABLE = new Set(["resources/read"]);

/** A session that has not said which log messages it wants gets some; in 2026-07-28 silence means none. */
const DEFAULT_LOG_LEVEL = "info";

/** A new spelling of one value in the params, such as a tool's own name. */
export interface Renamed {
  readonly path: readonly string[];
  readonly to: string;
}

/** A request as its server must see it. Bytes that need no edit stay the same object. */
export function toServer(message: Message, from: Era, to: Era, renamed: Renamed | undefined, logLevel: string | undefined): Buffer {
  const { bytes } = message;
  const edits: Edit[] = [];
  if (renamed !== undefined) {
    const found = locate(bytes, "params", ...renamed.path);
    if (found !== undefined) edits.push({ start: found.start, end: found.end, text: JSON.stringify(renamed.to) });
  }
  if (from === "modern" && to === "legacy") edits.push(...withoutEnvelope(bytes));
  if (from === "legacy" && to === "modern") edits.push(withEnvelope(bytes, logLevel));
  return splice(bytes, edits);
}

/* A server of two eras reads the envelope before the session, so none may reach a session. */
function withoutEnvelope(bytes: Buffer): Edit[] {
  const meta = locate(bytes, "params", "_meta");
  if (meta === undefined) return [];
  const kept = members(bytes, meta.start).filter(({ key }) => !key.startsWith(ENVELOPE_PREFIX));
  return [{ start: meta.start, end: meta.end, text: `{${kept.map((member) => bytes.toString("utf8", member.keyStart, member.end)).join(",")}}` }];
}

/* The server is told of no client capabilities: what it would ask for could not be answered across the eras in this build. */
function withEnvelope(bytes: Buffer, logLevel: string | undefined): Edit {
  const envelope = { [VERSION_KEY]: MODERN, [CLIENT_KEY]: gatewayIdentity, [CAPABILITIES_KEY]: {}, [LOG_LEVEL_KEY]: logLevel ?? DEFAULT_LOG_LEVEL };
  const text = JSON.stringify(envelope).slice(1, -1);
  const params = locate(bytes, "params");
  if (params === undefined) return insertFirst(bytes, 0, `"params":{"_meta":{${text}}}`);
  const meta = members(bytes, params.start).find(({ key }) => key === "_meta");
  if (meta === undefined) return insertFirst(bytes, params.start, `"_meta":{${text}}`);
  if (bytes[meta.start] !== 0x7b) return { start: meta.start, end: meta.end, text: `{${text}}` };
  return insertFirst(bytes, meta.start, text);
}

function insertFirst(bytes: Buffer, object: number, text: string): Edit {
  const start = bytes.indexOf(0x7b, object) + 1;
  return { start, end: start, text: members(bytes, object).length === 0 ? text : `${text},` };
}

/** An answer as its client must see it. Throws `unsupported` for what the client's era has no words for. */
export function toClient(answer: Incoming, method: string, from: Era, to: Era, identity: JsonObject | undefined): Incoming {
  const result = answer.value["result"];
  if (!isObject(result)) return from === to ? answer : translateError(answer, method, to);
  if (to === "modern") return forModern(answer, result, method, from, identity);
  if (from === "legacy") return answer;
  if (result["resultType"] === "input_required")
    throw new GatewayError("unsupported", "This call asks the client for input in a way that only clients of protocol 2026-07-28 can answer.");
  const edits = removed(answer.bytes, "resultType");
  return edits === undefined ? answer : { ...answer, bytes: splice(answer.bytes, [edits]) };
}

function forModern(answer: Incoming, result: JsonObject, method: string, from: Era, identity: JsonObject | undefined): Incoming {
  const edits: Edit[] = [];
  const found = locate(answer.bytes, "result")!;
  const own = members(answer.bytes, found.start);
  const added: string[] = [];
  if (from === "legacy") {
    if (!Object.hasOwn(result, "resultType")) added.push('"resultType":"complete"');
    if (identity !== undefined && !Object.hasOwn(result, "_meta")) added.push(`"_meta":{"${SERVER_KEY}":${JSON.stringify(identity)}}`);
  }
  if (CACHEABLE.has(method) && result["resultType"] !== "input_required") {
    if (!Object.hasOwn(result, "ttlMs")) added.push('"ttlMs":0');
    /* Who may read this was decided for one principal: no cache may hand it to another. */
    const scope = own.find(({ key }) => key === "cacheScope");
    if (scope === undefined) added.push('"cacheScope":"private"');
    else if (result["cacheScope"] !== "private") edits.push({ start: scope.start, end: scope.end, text: '"private"' });
  }
  if (added.length > 0) edits.push(insertFirst(answer.bytes, found.start, added.join(",")));
  return edits.length === 0 ? answer : { ...answer, bytes: splice(answer.bytes, edits) };
}

function removed(bytes: Buffer, key: string): Edit | undefined {
  const result = locate(bytes, "result");
  const own = result === undefined ? [] : members(bytes, result.start);
  const index = own.findIndex((member) => member.key === key);
  const member = own[index];
  if (member === undefined) return undefined;
  const next = own[index + 1];
  const before = own[index - 1];
  if (next !== undefined) return { start: member.keyStart, end: next.keyStart, text: "" };
  return { start: before === undefined ? member.keyStart : before.end, end: member.end, text: "" };
}

/* The eras disagree on a few codes (2026-07-28, basic, "Error Codes"); message and data stay as they are. */
function translateError(answer: Incoming, method: string, to: Era): Incoming {
  const error = answer.value["error"];
  const code = isObject(error) ? error["code"] : undefined;
  let changed: number | undefined;
  if (to === "modern" && code === codes.resourceNotFound) changed = codes.invalidParams;
  else if (to === "modern" && code === -32042) throw new GatewayError("unsupported", "This call needs the user to open a URL, which cannot cross from this server's protocol version to the client's.");
  else if (to === "legacy" && code === -32021) throw new GatewayError("unsupported", "This call needs to ask the client for input, which cannot cross from this server's protocol version to the client's.");
  else if (to === "legacy" && method === "resources/read" && code === codes.invalidParams) changed = codes.resourceNotFound;
  /* A legacy client reads any HTTP error as a broken transport. */
  const status = to === "legacy" ? 200 : answer.status;
  if (changed === undefined) return { ...answer, status };
  const found = locate(answer.bytes, "error", "code");
  return found === undefined ? answer : { ...answer, status, bytes: splice(answer.bytes, [{ start: found.start, end: found.end, text: String(changed) }]) };
}
