import { GatewayError } from "../core/errors.ts";
import type { JsonEdit } from "../core/json-edit.ts";
import { splice } from "../http/json-splice.ts";
import { isObject } from "./message.ts";
import type { JsonObject, Message } from "./message.ts";
import { codes } from "./refusal.ts";
import {
  CAPABILITIES_KEY,
  CLIENT_KEY,
  ENVELOPE_PREFIX,
  LOG_LEVEL_KEY,
  MODERN,
  SERVER_KEY,
  VERSION_KEY,
} from "./revisions.ts";
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

/** A request as its server must see it, with what steps have changed in it. Bytes that need no edit stay the same object. */
export function toServer(
  message: Message,
  from: Era,
  to: Era,
  renamed: Renamed | undefined,
  logLevel: string | undefined,
  changed: readonly JsonEdit[],
): Buffer {
  const edits = [...changed];
  if (renamed !== undefined) edits.push({ path: ["params", ...renamed.path], json: JSON.stringify(renamed.to) });
  if (from === "modern" && to === "legacy") edits.push(...withoutEnvelope(message));
  if (from === "legacy" && to === "modern") edits.push(...withEnvelope(message, logLevel));
  return splice(message.bytes, edits);
}

/* A server of two eras reads the envelope before the session, so none may reach a session. */
function withoutEnvelope({ params }: Message): JsonEdit[] {
  const meta = params["_meta"];
  if (!isObject(meta)) return [];
  const all = Object.keys(meta);
  const keys = all.filter((key) => key.startsWith(ENVELOPE_PREFIX));
  if (keys.length === all.length) return [{ path: ["params", "_meta"], json: undefined }];
  return keys.map((key) => ({ path: ["params", "_meta", key], json: undefined }));
}

/* The server is told of no client capabilities: what it would ask for could not be answered across the eras in this build. */
function withEnvelope({ params }: Message, logLevel: string | undefined): JsonEdit[] {
  const envelope = {
    [VERSION_KEY]: MODERN,
    [CLIENT_KEY]: gatewayIdentity,
    [CAPABILITIES_KEY]: {},
    [LOG_LEVEL_KEY]: logLevel ?? DEFAULT_LOG_LEVEL,
  };
  if (!isObject(params["_meta"])) return [{ path: ["params", "_meta"], json: JSON.stringify(envelope) }];
  return Object.entries(envelope).map(([key, value]) => ({
    path: ["params", "_meta", key],
    json: JSON.stringify(value),
  }));
}

/** An answer as its client must see it. Throws `unsupported` for what the client's era has no words for. */
export function toClient(
  answer: Incoming,
  method: string,
  from: Era,
  to: Era,
  identity: JsonObject | undefined,
): Incoming {
  const result = answer.value["result"];
  if (!isObject(result)) return from === to ? answer : translateError(answer, method, to);
  if (to === "modern") return forModern(answer, result, method, from, identity);
  if (from === "legacy") return answer;
  if (result["resultType"] === "input_required")
    throw new GatewayError(
      "unsupported",
      "This call asks the client for input in a way that only clients of protocol 2026-07-28 can answer.",
    );
  return edited(answer, [{ path: ["result", "resultType"], json: undefined }]);
}

function forModern(
  answer: Incoming,
  result: JsonObject,
  method: string,
  from: Era,
  identity: JsonObject | undefined,
): Incoming {
  const edits: JsonEdit[] = [];
  const add = (key: string, json: string) => edits.push({ path: ["result", key], json });
  if (from === "legacy") {
    if (!Object.hasOwn(result, "resultType")) add("resultType", '"complete"');
    if (identity !== undefined && !Object.hasOwn(result, "_meta"))
      add("_meta", JSON.stringify({ [SERVER_KEY]: identity }));
  }
  if (CACHEABLE.has(method) && result["resultType"] !== "input_required") {
    if (!Object.hasOwn(result, "ttlMs")) add("ttlMs", "0");
    /* Who may read this was decided for one principal: no cache may hand it to another. */
    if (result["cacheScope"] !== "private") add("cacheScope", '"private"');
  }
  return edited(answer, edits);
}

const edited = (answer: Incoming, edits: readonly JsonEdit[]): Incoming =>
  edits.length === 0 ? answer : { ...answer, bytes: splice(answer.bytes, edits) };

/* The eras disagree on a few codes (2026-07-28, basic, "Error Codes"); message and data stay as they are. */
function translateError(answer: Incoming, method: string, to: Era): Incoming {
  const error = answer.value["error"];
  const code = isObject(error) ? error["code"] : undefined;
  let changed: number | undefined;
  if (to === "modern" && code === codes.resourceNotFound) changed = codes.invalidParams;
  else if (to === "modern" && code === -32042)
    throw new GatewayError(
      "unsupported",
      "This call needs the user to open a URL, which cannot cross from this server's protocol version to the client's.",
    );
  else if (to === "legacy" && code === -32021)
    throw new GatewayError(
      "unsupported",
      "This call needs to ask the client for input, which cannot cross from this server's protocol version to the client's.",
    );
  else if (to === "legacy" && method === "resources/read" && code === codes.invalidParams)
    changed = codes.resourceNotFound;
  /* A legacy client reads any HTTP error as a broken transport. */
  const status = to === "legacy" ? 200 : answer.status;
  return {
    ...edited(answer, changed === undefined ? [] : [{ path: ["error", "code"], json: String(changed) }]),
    status,
  };
}
