import type { JsonPath } from "../../core/json-edit.ts";
import { locate, locateElements, type Range } from "../../http/json-locate.ts";
import { type Fields, isFields } from "../dialects/fields.ts";

/* Which member of a part, by its type, holds what is no text. */
const holders: ReadonlyMap<unknown, string> = new Map([
  ["image_url", "image_url"],
  ["audio_url", "audio_url"],
  ["video_url", "video_url"],
  ["input_audio", "input_audio"],
  ["file", "file"],
  ["image", "source"],
  ["document", "source"],
]);
const binary = ["url", "data", "file_data"] as const;

/**
 * Where pictures, audio and files of more than `moreThan` bytes lie within content, in order: the strings that hold them, in base64 for what
 * long strings are. `content` is the value of `bytes`, of one message or of several. Cost where there are none: a look at each part, and
 * none at the bytes.
 */
export function locateMedia(bytes: Buffer, content: unknown, moreThan: number): readonly Range[] {
  const found: Range[] = [];
  if (bytes.length <= moreThan || !holdsMedia(content, moreThan)) return found;
  addMedia(bytes, 0, content, moreThan, found);
  // A part that has several of them may have written them in any order.
  return found.sort((a, b) => a.start - b.start);
}

function holdsMedia(content: unknown, moreThan: number): boolean {
  if (!Array.isArray(content)) return false;
  for (const part of content as readonly unknown[]) if (isFields(part) && isOrHoldsMedia(part, moreThan)) return true;
  return false;
}

function isOrHoldsMedia(part: Fields, moreThan: number): boolean {
  const type = part["type"];
  // Most are: texts, and messages, which have no type.
  if (type === "text") return false;
  if (holdsMedia(part["content"], moreThan)) return true;
  return type !== undefined && (mediaPath(part, moreThan) !== undefined || holdsMedia(contentOfSource(part), moreThan));
}

/* Messages have content as results of tools have, so that one descent does for both. `offset`: where `bytes` begin in those that were given. */
function addMedia(bytes: Buffer, offset: number, content: unknown, moreThan: number, found: Range[]): void {
  if (!Array.isArray(content)) return;
  const ranges = locateElements(bytes);
  for (const [index, part] of (content as readonly unknown[]).entries()) {
    const range = ranges[index];
    if (!isFields(part) || range === undefined) continue;
    const own = bytes.subarray(range.start, range.end);
    const at = offset + range.start;
    const path = mediaPath(part, moreThan);
    const media = path && locate(own, path);
    if (media !== undefined) found.push({ start: at + media.start, end: at + media.end });
    for (const [within, inner] of [
      [["content"], part["content"]],
      [["source", "content"], contentOfSource(part)],
    ] as const) {
      const place = holdsMedia(inner, moreThan) ? locate(own, within) : undefined;
      if (place !== undefined) addMedia(own.subarray(place.start, place.end), at + place.start, inner, moreThan, found);
    }
  }
}

/* Of a document that is made of blocks. */
function contentOfSource({ source }: Fields): unknown {
  return isFields(source) ? source["content"] : undefined;
}

function mediaPath(part: Fields, moreThan: number): JsonPath | undefined {
  const name = holders.get(part["type"]);
  if (name === undefined) return undefined;
  const holder = part[name];
  if (typeof holder === "string") return holder.length > moreThan ? [name] : undefined;
  // The data of a document that is text are its text.
  if (!isFields(holder) || holder["type"] === "text") return undefined;
  for (const member of binary) {
    const value = holder[member];
    if (typeof value === "string" && value.length > moreThan) return [name, member];
  }
  return undefined;
}
