import { setTimeout as rest } from "node:timers/promises";
import type { Journal } from "../observability/journal.ts";
import type { JournalRecord } from "../observability/journal-record.ts";
import type { RuleTrial, TrialCase } from "./api/policies.ts";
import { newestRecords } from "./find-operation.ts";

/** What a rule that is not in force would have done to one recorded operation; undefined: it does not judge such operations. */
export type Trial = (record: JournalRecord) => TrialVerdict | undefined;

export interface TrialVerdict {
  /** Whether its expression is true; undefined: nobody can tell. */
  readonly matches: boolean | undefined;
  readonly would: "allow" | "deny" | "nothing" | "unknown";
  /** What it asks for and no record has. */
  readonly missing?: string;
  /** Why its expression fails. */
  readonly failed?: string;
}

export interface TrialOptions {
  /** How many of the newest records. */
  readonly most: number;
  readonly clock: { monotonic(): number };
  /** Whoever asked has gone. */
  readonly signal: AbortSignal;
}

const MOST_CASES = 200;
const MOST_FAILURES = 5;
/* The thread that tries also serves calls: it works so long at a time, then rests as long as it has worked. */
const SLICE_MS = 5;
const MOST_WORK_MS = 2_000;

/** What a rule would have made of the newest calls on record: of all of them, or of those for which two seconds of work suffice. */
export async function tryRule(
  trial: Trial,
  journal: Pick<Journal, "query">,
  { most, clock, signal }: TrialOptions,
): Promise<RuleTrial> {
  const { records } = await newestRecords(journal, most);
  const sum = createSum();
  let tried = 0;
  let workedMs = 0;
  let beganMs = clock.monotonic();
  for (const record of records) {
    const verdict = trial(record);
    tried += 1;
    if (verdict !== undefined) sum.add(record, verdict);
    const sliceMs = clock.monotonic() - beganMs;
    if (sliceMs < SLICE_MS) continue;
    workedMs += sliceMs;
    if (workedMs >= MOST_WORK_MS || signal.aborted) break;
    await rest(sliceMs);
    beganMs = clock.monotonic();
  }
  return { of: records.length, tried, ...sum.result(), coversSinceMs: records[tried - 1]?.timeMs ?? null };
}

function createSum() {
  const cases: TrialCase[] = [];
  const reasons = new Map<string, number>();
  const counts = { looked: 0, matches: 0, failed: 0, newlyAllowed: 0, newlyDenied: 0, unchanged: 0, undecidable: 0 };
  return {
    add(record: JournalRecord, { matches, would, missing, failed }: TrialVerdict): void {
      counts.looked += 1;
      if (matches === true) counts.matches += 1;
      if (failed !== undefined) {
        counts.failed += 1;
        reasons.set(failed, (reasons.get(failed) ?? 0) + 1);
      }
      if (would === "nothing") {
        counts.unchanged += 1;
        return;
      }
      counts[would === "unknown" ? "undecidable" : would === "allow" ? "newlyAllowed" : "newlyDenied"] += 1;
      if (cases.length === MOST_CASES) return;
      const { operationId, chainId, timeMs, principal, protocol, method, target, outcome } = record;
      cases.push({
        operationId,
        chainId,
        timeMs,
        principal: principal.id,
        protocol,
        method,
        target: target.name,
        outcome,
        would,
        ...(missing !== undefined && { missing }),
        ...(failed !== undefined && { failed }),
      });
    },
    result() {
      const failures = [...reasons]
        .map(([reason, calls]) => ({ reason, calls }))
        .toSorted((one, other) => other.calls - one.calls)
        .slice(0, MOST_FAILURES);
      return { ...counts, failures, cases };
    },
  };
}
