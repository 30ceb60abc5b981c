import { type AnnotationMeaning, defineAnnotations } from "../annotation-group.ts";
import type { Migration } from "../migration.ts";

const HERE =
  "one count over all replicas, answered 429, where nginx counted in each of them and answered 503; behind proxies listen.trustedProxies says whose address it is";

const limit = (text: string): AnnotationMeaning => ({ outcome: "approximated", text: `a Budget: ${text}; ${HERE}` });

const goesWith = (what: string): AnnotationMeaning => ({
  outcome: "not translated",
  text: `it belongs to ${what}`,
  todo: `see ${what}`,
});

/* A burst of five times the rate is let in at once (nginx.ingress.kubernetes.io, limit-burst-multiplier). */
const BURST = 5;
const rates = { "limit-rps": "s", "limit-rpm": "min" } as const;

/** How much may come in. */
export const limits = defineAnnotations({
  title: "Rate limits",
  annotations: {
    "limit-rps": limit("as many requests of one address in a time as nginx lets in at once, and no more on average"),
    "limit-rpm": limit("as many requests of one address in a time as nginx lets in at once, and no more on average"),
    "limit-connections": limit("so many requests of one address at a time"),
    "limit-burst-multiplier": {
      outcome: "translated",
      text: "the length of the time in which requests are counted for limit-rps and limit-rpm",
    },
    "limit-whitelist": goesWith("limit-rps, limit-rpm and limit-connections"),
    "limit-allowlist": goesWith("limit-rps, limit-rpm and limit-connections"),
    "limit-rate": {
      outcome: "not translated",
      text: "bytes a second of an answer: neither a standard kind nor this gateway slows answers",
      todo: "slow them in the service, or in front of the gateway",
    },
    "limit-rate-after": goesWith("limit-rate"),
  },
  apply(migration) {
    const burst = wholeNumber(migration.get("limit-burst-multiplier")) ?? BURST;
    for (const [name, unit] of Object.entries(rates))
      add(migration, name, (count) => `${count * burst} requests/${burst}${unit}`);
    add(migration, "limit-connections", (count) => `${count} concurrent calls`);
  },
});

function add(migration: Migration, name: string, toLimit: (count: number) => string): void {
  const value = migration.get(name);
  if (value === undefined) return;
  const count = wholeNumber(value);
  if (count === undefined) {
    migration.translated(name, "no number above 0, which nginx takes for no limit: nothing to do");
    return;
  }
  const exempt = ["limit-allowlist", "limit-whitelist"].find((each) => (migration.get(each) ?? "").trim() !== "");
  if (exempt !== undefined) {
    const because = `${exempt} lets ranges of addresses pass it, which no expression here can look at`;
    migration.notTranslated(
      name,
      because,
      "limit in front of the gateway, or by who a caller is: a Budget with `where`",
    );
    return;
  }
  const text = toLimit(count);
  migration.limits.push(text);
  migration.approximated(name, `a Budget of ${text} for each address: ${HERE}`);
}

const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^0*[1-9]\d{0,5}$/.test(text.trim()) ? Number(text) : undefined;
