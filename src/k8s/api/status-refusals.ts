import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { JsonMap } from "../manifest.ts";
import { reasonOf } from "./api-error.ts";
import { jittered, type Pace } from "./pace.ts";

/** What the server would not let be written, so that it is not asked again and again. */
export interface StatusRefusals {
  /** Nothing of this kind for a while. */
  forbid(plural: string, error: unknown): void;
  isForbidden(plural: string): boolean;
  /** This status, for this object, not at all. */
  reject(key: string, status: JsonMap, error: unknown): void;
  isRejected(key: string, status: JsonMap): boolean;
  /** One of this kind was written. */
  written(plural: string): void;
  /** Forgets objects that are not among these. */
  keep(keys: { has(key: string): boolean }): void;
  close(): void;
}

interface RefusalsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly pace: Pace;
  /** What was forbidden may be tried again. */
  again(): void;
}

export function createStatusRefusals({ clock, log, pace, again }: RefusalsOptions): StatusRefusals {
  /** Until when. */
  const forbidden = new Map<string, number>();
  const rejected = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  return {
    forbid(plural, error) {
      if (!forbidden.has(plural))
        log.error(
          { kind: plural, reason: reasonOf(error) },
          `not allowed to write the status of ${plural}: give the service account update on ${plural}/status`,
        );
      const waitMs = jittered(pace.recheckMs);
      forbidden.set(plural, clock.monotonic() + waitMs);
      clearTimeout(timer);
      timer = setTimeout(again, waitMs + 1).unref();
    },
    isForbidden: (plural) => (forbidden.get(plural) ?? 0) > clock.monotonic(),
    reject(key, status, error) {
      rejected.set(key, JSON.stringify(status));
      log.warn({ object: key, reason: reasonOf(error) }, "the API server does not take a status");
    },
    isRejected(key, status) {
      const former = rejected.get(key);
      if (former === undefined || former === JSON.stringify(status)) return former !== undefined;
      rejected.delete(key);
      return false;
    },
    written: (plural) => void forbidden.delete(plural),
    keep(keys) {
      for (const key of rejected.keys()) if (!keys.has(key)) rejected.delete(key);
    },
    close: () => clearTimeout(timer),
  };
}
