const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** The windows a limit may have by name. They are fixed and lie on the calendar in UTC; a week begins on Monday. */
export const windows = ["none", "second", "minute", "hour", "day", "week", "month"] as const;
export type NamedWindow = (typeof windows)[number];

/** By name, or of so many milliseconds, a second at least: such windows follow each other from the beginning of 1970 on. */
export type Window = NamedWindow | number;

/** What a script knows a window by: the place of its name, or its milliseconds, which are more than there are names. */
export const toWindowCode = (window: Window): number => (typeof window === "number" ? window : windows.indexOf(window));

export const toWindow = (code: number): Window => windows[code] ?? code;

const fixedMs: Partial<Record<NamedWindow, number>> = {
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
  const length = typeof window === "number" ? window : fixedMs[window];
  if (length !== undefined) return nowMs - (nowMs % length);
  if (window === "week") return nowMs - ((nowMs + MONDAY_SHIFT_MS) % (7 * DAY_MS));
  const day = new Date(nowMs);
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), 1);
}

/** When the window that began then ends; 0 for a limit without one. */
export function windowEnd(window: Window, startMs: number): number {
  if (window === "none") return 0;
  const length = typeof window === "number" ? window : fixedMs[window];
  if (length !== undefined) return startMs + length;
  if (window === "week") return startMs + 7 * DAY_MS;
  const day = new Date(startMs);
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 1);
}
