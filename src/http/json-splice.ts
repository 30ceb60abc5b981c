import { GatewayError } from "../core/errors.ts";
import type { JsonEdit, JsonPath } from "../core/json-edit.ts";
import { COMMA, enter, type Place, type Range, skipSpace, skipValue } from "./json-locate.ts";

/** One edit as a replacement of bytes. */
interface Patch extends Range {
  readonly text: Buffer;
  /** It moves commas, so that it may depend on its neighbours. */
  readonly structural: boolean;
  /** It adds a member behind others, with a comma of its own: the next such one fits behind it. */
  readonly appends?: boolean;
}

const nothing = Buffer.alloc(0);

const cannot = (path: JsonPath) =>
  new GatewayError(
    "invalid_request",
    `The body has no place for ${path.map(String).join(".")}: what should hold it is not an object.`,
  );

/** The text of a member or element that is not there yet, with the objects between. */
function nested(path: JsonPath, from: number, json: string | Buffer): Buffer {
  const parts: (string | Buffer)[] = [];
  let closing = "";
  for (const step of path.slice(from)) {
    if (typeof step === "number") throw cannot(path);
    parts.push(`{${JSON.stringify(step)}:`);
    closing += "}";
  }
  return Buffer.concat([...parts, json, closing].map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
}

function removal(bytes: Buffer, place: Place, found: NonNullable<Place["found"]>): Patch {
  const after = skipSpace(bytes, found.value.end);
  if (bytes[after] === COMMA)
    return { start: found.start, end: skipSpace(bytes, after + 1), text: nothing, structural: true };
  let start = found.start;
  if (found.index > 0) {
    // Back over the comma in front: between it and here there is only white space.
    do start--;
    while (start > place.inside && bytes[start] !== COMMA);
    while (start > place.inside && (bytes[start - 1] ?? 0) <= 0x20) start--;
  }
  return { start, end: found.value.end, text: nothing, structural: true };
}

/** Places that edits before this one have found on the same way: each would else walk past the same large values. */
type Known = Map<string, Place | undefined>;

function enterKnown(bytes: Buffer, at: number, step: string | number, known: Known): Place | undefined {
  const key = `${at} ${typeof step} ${step}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const place = enter(bytes, at, step);
  known.set(key, place);
  return place;
}

function plan(bytes: Buffer, { path, json }: JsonEdit, known?: Known): Patch | undefined {
  let at = skipSpace(bytes, 0);
  for (let depth = 0; depth < path.length; depth++) {
    const step = path[depth] ?? "";
    const shared = known !== undefined && depth < path.length - 1;
    const place = shared ? enterKnown(bytes, at, step, known) : enter(bytes, at, step);
    if (place === undefined) {
      if (json === undefined) return undefined;
      throw cannot(path);
    }
    if (place.found !== undefined) {
      at = place.found.value.start;
      if (depth < path.length - 1) continue;
      if (json === undefined) return removal(bytes, place, place.found);
      return { ...place.found.value, text: Buffer.from(json), structural: false };
    }
    if (json === undefined) return undefined;
    if (typeof step === "number" && step !== place.count) throw cannot(path);
    const lead = (place.count > 0 ? "," : "") + (typeof step === "string" ? `${JSON.stringify(step)}:` : "");
    const text = Buffer.concat([Buffer.from(lead), nested(path, depth + 1, json)]);
    const appends = place.count > 0 && depth === path.length - 1;
    return { start: place.tail, end: place.tail, text, structural: true, appends };
  }
  if (json === undefined) throw cannot(path);
  return { start: at, end: skipValue(bytes, at), text: Buffer.from(json), structural: false };
}

function patchAll(bytes: Buffer, patches: readonly Patch[]): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (const patch of patches) {
    parts.push(bytes.subarray(from, patch.start), patch.text);
    from = patch.end;
  }
  parts.push(bytes.subarray(from));
  return Buffer.concat(parts);
}

/**
 * The same document with these edits; every other byte stays: unknown fields, the spelling of numbers, order, white space.
 * Paths are those of the original; no path may lead through another edit's. Missing objects on the way are made.
 * Throws `invalid_request` when a path leads through something that is no object or array.
 */
export function splice(bytes: Buffer, edits: readonly JsonEdit[]): Buffer {
  const planned: { readonly edit: JsonEdit; readonly patch: Patch }[] = [];
  const known: Known | undefined = edits.length > 1 ? new Map() : undefined;
  for (const edit of edits) {
    const patch = plan(bytes, edit, known);
    if (patch !== undefined) planned.push({ edit, patch });
  }
  if (planned.length === 0) return bytes;
  planned.sort((a, b) => a.patch.start - b.patch.start);
  const touching = planned.some(({ patch }, index) => {
    const before = planned[index - 1]?.patch;
    if (before === undefined || (patch.appends === true && before.appends === true)) return false;
    return (patch.structural || before.structural) && patch.start <= before.end;
  });
  if (!touching)
    return patchAll(
      bytes,
      planned.map(({ patch }) => patch),
    );
  // Neighbours share commas: from the back, one after the other, so that the positions and indexes in front still hold.
  let result = bytes;
  const groups = new Map<number, JsonEdit[]>();
  for (const { edit, patch } of planned) groups.set(patch.start, [...(groups.get(patch.start) ?? []), edit]);
  for (const start of [...groups.keys()].sort((a, b) => b - a)) {
    for (const edit of groups.get(start) ?? []) {
      const patch = plan(result, edit);
      if (patch !== undefined) result = patchAll(result, [patch]);
    }
  }
  return result;
}
