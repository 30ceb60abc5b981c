import { isAsked } from "./carry.ts";
import { isFields } from "./fields.ts";
import type { Fields } from "./fields.ts";

/** The members of an object that a reader takes along: `true` for one whose value is taken as it is. A list is looked through. */
export interface Known {
  readonly [member: string]: true | Known;
}

/** Names of what a request asks for and a reader does not know, each once: `seed`, `messages.name`. */
export function leftOut(body: Fields, known: Known): Set<string> {
  const names = new Set<string>();
  collect(body, known, "", names);
  return names;
}

function collect(value: unknown, known: Known, path: string, names: Set<string>): void {
  if (Array.isArray(value)) for (const each of value as readonly unknown[]) collect(each, known, path, names);
  if (!isFields(value)) return;
  for (const [name, member] of Object.entries(value)) {
    const place = path === "" ? name : `${path}.${name}`;
    const inner = Object.hasOwn(known, name) ? known[name] : undefined;
    if (inner === undefined) {
      if (isAsked(member)) names.add(place);
    } else if (inner !== true) collect(member, inner, place, names);
  }
}
