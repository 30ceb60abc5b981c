import { isObject } from "../message.ts";
import { rawValue } from "../../http/json-locate.ts";
import { splice } from "../../http/json-splice.ts";
import type { Incoming, Outbound } from "./link.ts";

/** A request under an id of our own, and the way back for what answers it. */
export interface Renumbered {
  readonly bytes: Buffer;
  restore(message: Incoming): Incoming;
}

const TOKEN = ["params", "_meta", "progressToken"];

/** Gives a request the id and progress token `id`: where callers share a conversation, their own ids and tokens collide. */
export function renumber(outbound: Outbound, id: number): Renumbered {
  const { bytes } = outbound;
  const json = String(id);
  const token = rawValue(bytes, TOKEN);
  return {
    bytes: splice(
      bytes,
      token === undefined
        ? [{ path: ["id"], json }]
        : [
            { path: ["id"], json },
            { path: TOKEN, json },
          ],
    ),
    restore(message) {
      if (message.value["method"] === undefined) return withJson(message, ["id"], outbound.idText);
      const params = message.value["params"];
      if (token === undefined || !isObject(params) || params["progressToken"] !== id) return message;
      return withJson(message, ["params", "progressToken"], token);
    },
  };
}

/* The parsed value is left as it was: nobody reads ids from it. */
function withJson(message: Incoming, path: readonly string[], json: string | Buffer): Incoming {
  return { ...message, bytes: splice(message.bytes, [{ path, json }]) };
}
