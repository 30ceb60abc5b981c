import type { AnswerEvent } from "../../core/step.ts";

const DATA = Buffer.from("data: ");
const END = Buffer.from("\n\n");

/** One event of an answer as the bytes of a server-sent event. Its payload is JSON, which has no line breaks, or a mark. */
export function toFrame({ name, bytes }: AnswerEvent): Buffer {
  return Buffer.concat([name === undefined ? DATA : Buffer.from(`event: ${name}\ndata: `), bytes, END]);
}
