import { isObject } from "../message.ts";
import { locate, splice } from "../json-ranges.ts";
import type { Edit } from "../json-ranges.ts";
import type { Incoming, Outbound } from "./link.ts";

/** A request under an id of our own, and the way back for what answers it. */
export interface Renumbered {
  readonly bytes: Buffer;
  restore(message: Incoming): Incoming;
}

/** Gives a request the id and progress token `id`: where callers share a conversation, their own ids and tokens collide. */
export function renumber(outbound: Outbound, id: number): Renumbered {
  const { bytes } = outbound;
  const edits: Edit[] = [];
  const own = locate(bytes, "id");
  if (own !== undefined) edits.push({ start: own.start, end: own.end, text: String(id) });
  const token = locate(bytes, "params", "_meta", "progressToken");
  const tokenText = token === undefined ? undefined : bytes.toString("utf8", token.start, token.end);
  if (token !== undefined) edits.push({ start: token.start, end: token.end, text: String(id) });
  return {
    bytes: splice(bytes, edits),
    restore(message) {
      if (message.value["method"] === undefined) return withText(message, ["id"], outbound.idText);
      const params = message.value["params"];
      if (tokenText === undefined || !isObject(params) || params["progressToken"] !== id) return message;
      return withText(message, ["params", "progressToken"], tokenText);
    },
  };
}

/** The message with the value at `path` spelled as `text`. The parsed value is left as it was: nobody reads ids from it. */
export function withText(message: Incoming, path: readonly string[], text: string): Incoming {
  const found = locate(message.bytes, ...path);
  return found === undefined ? message : { ...message, bytes: splice(message.bytes, [{ start: found.start, end: found.end, text }]) };
}
