import type { ExplainedEndpoint, PickExplanation } from "../picker/explanation.ts";
import type { Pool } from "./pool.ts";

/* Proxies refuse answers whose headers are much longer than 8 kB together. */
const HEADER_LIMIT = 4_000;

const round = (value: number) => Math.round(value * 1_000) / 1_000;

const byTotal = ({ endpoints }: PickExplanation) => endpoints.toSorted((a, b) => b.total - a.total);

/** A pick for its caller: JSON, best endpoints first, by names that say nothing of where they are. `more`: so many did not fit. */
export function toPickHeader(pool: Pool, explanation: PickExplanation): string {
  const nameOf = (url: string) => pool.memberAt(url)?.name ?? "gone";
  const all = byTotal(explanation).map(({ address, filteredBy, scores, total, cachedTokens, requests }) => ({
    name: nameOf(address),
    ...(filteredBy === undefined
      ? {
          total: round(total),
          scores: Object.fromEntries(Object.entries(scores).map(([by, { score }]) => [by, round(score)])),
        }
      : { filteredBy }),
    cachedTokens,
    requests,
  }));
  const write = (count: number) =>
    JSON.stringify({
      pool: pool.name,
      picked: nameOf(explanation.picked),
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

/** A pick for the journal: every endpoint with every score, by host. */
export function toPickNote(pool: Pool, explanation: PickExplanation): string {
  const hostOf = (url: string) => pool.memberAt(url)?.host ?? "gone";
  const each = byTotal(explanation).map((endpoint) => `${hostOf(endpoint.address)} ${scoresOf(endpoint)}`);
  return `pool ${pool.name} picked ${hostOf(explanation.picked)}: ${each.join("; ")}`;
}

function scoresOf({ filteredBy, scores, total, cachedTokens, requests }: ExplainedEndpoint): string {
  const load = `cached ${cachedTokens}, under way ${requests}`;
  if (filteredBy !== undefined) return `left out by ${filteredBy}, ${load}`;
  const each = Object.entries(scores).map(([by, { score, weight }]) => `${by} ${round(score)} x ${weight}`);
  return `${round(total)} (${each.join(", ")}), ${load}`;
}
