import { createHash } from "node:crypto";
import { setBounded } from "../../../core/bounded-map.ts";
import type { Clock } from "../../../core/clock.ts";
import { tenantOf } from "../../../core/tenant.ts";
import type { Classify, Scores } from "./classifier.ts";

/* A classifier may be trained anew meanwhile. */
const KNOWN_MS = 600_000;
const MOST_KNOWN = 1_024;
/* As many as a configuration may name; what has more is not worth its room. */
const MOST_LABELS = 64;

/** The same, and asks no more of a text that was asked of lately: an equal call, which the cache may answer, costs no classifier. */
export function rememberClasses(classify: Classify, clock: Clock): Classify {
  const known = new Map<string, { readonly scores: Scores; readonly untilMs: number }>();
  return async (text, call) => {
    /* By tenant: how fast an answer comes must not tell that somebody else has asked. */
    const key = createHash("sha256")
      .update(JSON.stringify([tenantOf(call.exchange), text]))
      .digest("base64url");
    const found = known.get(key);
    if (found !== undefined && found.untilMs > clock.monotonic()) return found.scores;
    const scores = await classify(text, call);
    if (scores.size <= MOST_LABELS)
      setBounded(known, key, { scores, untilMs: clock.monotonic() + KNOWN_MS }, MOST_KNOWN);
    return scores;
  };
}
