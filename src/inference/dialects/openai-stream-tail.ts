import type { AnswerEvent } from "../../core/step.ts";
import type { StreamTail } from "./dialect.ts";
import { isFields } from "./fields.ts";

const DONE: AnswerEvent = { value: undefined, bytes: Buffer.from("[DONE]"), last: true };

/** Ends a stream of chunks before its time: every choice that is still open has reached its length. */
export function createOpenaiStreamTail(): StreamTail {
  const open = new Set<unknown>();
  let head: Readonly<Record<string, unknown>> = {};
  let isText = false;
  return {
    follow(value) {
      if (!isFields(value) || !Array.isArray(value["choices"])) return;
      const { id, object, created, model } = value;
      head = { id, object, created, model };
      for (const choice of value["choices"] as readonly unknown[]) {
        if (!isFields(choice)) continue;
        isText = "text" in choice;
        if (typeof choice["finish_reason"] === "string") open.delete(choice["index"]);
        else open.add(choice["index"]);
      }
    },
    end() {
      const said = isText ? { text: "" } : { delta: {} };
      const choices = [...open].map((index) => ({ index, ...said, logprobs: null, finish_reason: "length" }));
      const value = { ...head, choices };
      return [{ value, bytes: Buffer.from(JSON.stringify(value)), last: false }, DONE];
    },
  };
}
