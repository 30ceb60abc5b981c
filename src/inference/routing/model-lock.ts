import { isJsonObject, type JsonFields } from "../../core/json-texts.ts";

/** Why a request must go to the model that answered before. */
export interface ModelLock {
  /**
   * `tool_loop`: a model asked for tools and has not answered since; another would continue a thought it never had, and providers refuse
   * signed thoughts of others. `provider_state`: the request refers to what one provider keeps.
   */
  readonly reason: "tool_loop" | "provider_state";
  /** Ids of calls that the earlier answer had and this request repeats, by which the model that gave it can be found; at most `MOST_KEYS`. */
  readonly keys: readonly string[];
  /** The id of what the provider keeps, with `provider_state`. */
  readonly kept?: string;
}

const MOST_KEYS = 16;
const MOST_KEY_CHARS = 256;

/* The last message of a Responses request may be one of these; a chat's are roles. */
const callItems = new Set([
  "function_call",
  "custom_tool_call",
  "computer_call",
  "local_shell_call",
  "mcp_approval_request",
]);

/**
 * Whether the model may not be changed for this request, which is a parsed body of OpenAI (chat completions or responses) or Anthropic
 * (messages). Looks at what follows the last plain answer, and at no text; an answer that
 * comes last is the beginning of the one that is asked for. A caller's own words after a tool's result do not end a loop:
 * frameworks send the pictures a tool gave in a message of the user, and the model still has to answer to its call.
 */
export function findModelLock(body: unknown): ModelLock | undefined {
  if (!isJsonObject(body)) return undefined;
  const messages = Array.isArray(body["messages"]) ? body["messages"] : body["input"];
  const loop = Array.isArray(messages) ? findToolLoop(messages as readonly unknown[]) : undefined;
  const state = readProviderState(body);
  return state === undefined ? loop : { reason: "provider_state", keys: loop?.keys ?? [], kept: state };
}

/* `previous_response_id` and `conversation` of OpenAI's responses, `container` of Anthropic's code execution: an id or an object with one. */
function readProviderState(body: JsonFields): string | undefined {
  for (const name of ["previous_response_id", "conversation", "container"]) {
    const value = body[name];
    const id = isJsonObject(value) ? value["id"] : value;
    if (typeof id === "string" && id !== "" && id.length <= MOST_KEY_CHARS) return id;
  }
  return undefined;
}

function findToolLoop(messages: readonly unknown[]): ModelLock | undefined {
  const keys = new Set<string>();
  /* First: a model may ask for more tools at once than there are keys, and it is its first call that is remembered. */
  const calls = new Set<string>();
  let open = false;
  for (let index = messages.length - 1; index >= 0; index--) {
    const message = messages[index];
    if (!isJsonObject(message)) continue;
    const { role, type } = message;
    if (role === "assistant") {
      const calling = addCalls(message, calls);
      if (!calling && index === messages.length - 1) continue;
      open = calling || open;
      break;
    }
    if (role === "tool" || role === "function" || isResult(type)) {
      open = true;
      addKey(keys, message["tool_call_id"] ?? message["call_id"]);
    } else if (typeof type === "string" && callItems.has(type)) {
      open = true;
      addKey(keys, message["call_id"] ?? message["id"]);
    } else if (addResults(message["content"], keys)) open = true;
  }
  return open ? { reason: "tool_loop", keys: [...new Set([...calls, ...keys])].slice(0, MOST_KEYS) } : undefined;
}

/**
 * How many of these messages there were when the loop began that is under way, so that a choice by them comes out as it did then; all of
 * them where none is. The first call since the last plain answer counts, whatever the caller has put in between.
 */
export function countBeforeLoop(messages: readonly unknown[]): number {
  let before = messages.length;
  for (let index = messages.length - 1; index >= 0; index--) {
    const message = messages[index];
    if (!isJsonObject(message) || message["role"] !== "assistant") continue;
    if (addCalls(message, new Set())) before = index;
    else if (index < messages.length - 1) break;
  }
  return before;
}

/* `function_call_output` and its like; Anthropic's `tool_result` is a block, not a message. */
const isResult = (type: unknown): boolean => typeof type === "string" && type.endsWith("_call_output");

/** The blocks of a user's message that answer calls. */
function addResults(content: unknown, keys: Set<string>): boolean {
  let found = false;
  for (const block of blocksOf(content))
    if (block["type"] === "tool_result") {
      found = true;
      addKey(keys, block["tool_use_id"]);
    }
  return found;
}

/** Whether an assistant's message asks for something that this message does not hold itself. */
function addCalls(message: JsonFields, keys: Set<string>): boolean {
  let found = isJsonObject(message["function_call"]);
  for (const call of blocksOf(message["tool_calls"])) {
    found = true;
    addKey(keys, call["id"]);
  }
  // Tools that the provider runs have their results in the same message, but for one that paused (`pause_turn`).
  const blocks = blocksOf(message["content"]);
  const answered = new Set(blocks.map((block) => block["tool_use_id"]));
  for (const { type, id } of blocks)
    if (typeof type === "string" && type.endsWith("tool_use") && !answered.has(id)) {
      found = true;
      addKey(keys, id);
    }
  return found;
}

const blocksOf = (content: unknown): readonly JsonFields[] =>
  Array.isArray(content) ? (content as readonly unknown[]).filter(isJsonObject) : [];

function addKey(keys: Set<string>, id: unknown): void {
  if (keys.size < MOST_KEYS && typeof id === "string" && id !== "" && id.length <= MOST_KEY_CHARS) keys.add(id);
}
