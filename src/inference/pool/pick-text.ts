import type { PickTrace } from "../picker/pick-trace.ts";
import type { Placed } from "./pool.ts";

/* Proxies refuse answers whose headers are much longer than 8 kB together. */
const HEADER_LIMIT = 4_000;

/* Each spelling is made once: V8 takes ten times as long over a fraction. */
const THOUSANDTHS = Array.from({ length: 1_001 }, (_, thousandth) => `${thousandth / 1_000}`);
const scoreText = (score: number) => THOUSANDTHS[Math.round(score * 1_000)] ?? "null";

/** A pick for its caller: JSON, best endpoints first, by names that say nothing of where they are. `more`: so many did not fit. */
export function toPickHeader({ pool, member, picked: { explanation }, nameOf }: Placed): string {
  const named = explanation?.endpoints.toSorted((a, b) => b.total - a.total) ?? [];
  const all = named.map(({ address, filteredBy, scores, total, cachedTokens, requests }) => ({
    name: nameOf(address),
    ...(filteredBy === undefined
      ? {
          total: Math.round(total * 1_000) / 1_000,
          scores: Object.fromEntries(Object.entries(scores).map(([by, { score }]) => [by, Number(scoreText(score))])),
        }
      : { filteredBy }),
    cachedTokens,
    requests,
  }));
  const write = (count: number) =>
    JSON.stringify({
      pool,
      picked: member.name,
      endpoints: all.slice(0, count),
      ...(count < all.length && { more: all.length - count }),
    });
  let count = all.length;
  let text = write(count);
  while (text.length > HEADER_LIMIT && count > 1) {
    count = Math.max(1, Math.floor((count * HEADER_LIMIT) / text.length));
    text = write(count);
  }
  return text;
}

/**
 * A pick for the journal, as JSON: `by` names the scorers with their weights, and `of` has for each endpoint its host, its scores in that order
 * or the filter that took it out, its cached tokens and the requests under way.
 */
export function toPickJson(pool: string, picked: string, trace: PickTrace, hosts: readonly string[]): string {
  const { names, count, slots, filteredBy, scores, cached, requests } = trace;
  const width = names.scorers.length;
  let text = `{"pool":"${pool}","picked":"${picked}","by":${weightsOf(trace)},"of":[`;
  for (let at = 0; at < count; at++) {
    text += `${at === 0 ? "" : ","}["${hosts[slots[at]!]}",`;
    if (filteredBy[at] !== -1) text += `"${names.filters[filteredBy[at]!]}"`;
    else {
      /* A profile may have no scorer, as one that asks in turn. */
      text += "[";
      for (let scorer = 0; scorer < width; scorer++)
        text += `${scorer === 0 ? "" : ","}${scoreText(scores[at * width + scorer]!)}`;
      text += "]";
    }
    text += `,${cached[at]},${requests[at]}]`;
  }
  return `${text}]}`;
}

/* The same for all picks by one profile. */
const weights = new WeakMap<object, string>();
function weightsOf({ names }: PickTrace): string {
  let text = weights.get(names);
  if (text === undefined) {
    text = JSON.stringify(Object.fromEntries(names.scorers.map(({ name, weight }) => [name, weight])));
    weights.set(names, text);
  }
  return text;
}
