import { type ComponentChildren, h } from "preact";
import { dateAndTime } from "../format.ts";

const instant = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/;
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/**
 * A sentence of the gateway as people read it: what stands between backticks is code, instants are in the reader's time zone, and ids that `names`
 * knows are names with the id as their title.
 */
export function inWords(text: string, names: ReadonlyMap<string, string> = new Map()): ComponentChildren {
  /* A longer id may begin with a shorter one. */
  const ids = [...names.keys()].toSorted((one, other) => other.length - one.length);
  const known = new RegExp(`(${[instant.source, ...ids.map(escaped)].join("|")})`);
  return text.split("`").map((part, at) => {
    if (at % 2 === 1) return h("code", { key: at }, part);
    return part.split(known).map((piece, index) => {
      const name = names.get(piece);
      if (name !== undefined) return h("span", { key: `${at} ${index}`, title: piece }, name);
      return index % 2 === 1
        ? h("time", { key: `${at} ${index}`, dateTime: piece }, dateAndTime(Date.parse(piece)))
        : piece;
    });
  });
}
