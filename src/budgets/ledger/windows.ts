const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** The windows a limit may have. They are fixed and lie on the calendar in UTC; a week begins on Monday. */
export const windows = ["none", "second", "minute", "hour", "day", "week", "month"] as const;
export type Window = (typeof windows)[number];

const fixedMs: Partial<Record<Window, number>> = {
  second: SECOND_MS,
  minute: 60_000,
  hour: 3_600_000,
  day: DAY_MS,
};

/* 1970-01-01 was a Thursday: the Monday before lies three days earlier. */
const MONDAY_SHIFT_MS = 3 * DAY_MS;

/** When the window that holds this instant began; 0 for a limit without one. */
export function windowStart(window: Window, nowMs: number): number {
  if (window === "none") return 0;
  const length = fixedMs[window];
  if (length !== undefined) return nowMs - (nowMs % length);
  if (window === "week") return nowMs - ((nowMs + MONDAY_SHIFT_MS) % (7 * DAY_MS));
  const day = new Date(nowMs);
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), 1);
}

/** When the window that began then ends; 0 for a limit without one. */
export function windowEnd(window: Window, startMs: number): number {
  if (window === "none") return 0;
  const length = fixedMs[window];
  if (length !== undefined) return startMs + length;
  if (window === "week") return startMs + 7 * DAY_MS;
  const day = new Date(startMs);
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 1);
}
