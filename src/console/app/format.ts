/* English throughout, as the pages are: "1,234" beside "requests" and never "1.234". */
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const oneDigit = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minutes = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });

const NANOS = 1_000_000_000;
const UNKNOWN = "–";

/** `1,234`. */
export const count = (value: number): string => whole.format(value);

/** `12.3K`, for places where the exact number does not fit. */
export const compact = (value: number): string =>
  Math.abs(value) < 10_000 ? oneDigit.format(value) : short.format(value);

/** Money from nano-dollars, with as many digits as tell it from nothing: `$0.0032`, `$12.40`, `$1,204`. */
export function money(nanos: number | undefined): string {
  if (nanos === undefined) return UNKNOWN;
  if (nanos === 0) return "$0";
  const dollars = Math.abs(nanos) / NANOS;
  const sign = nanos < 0 ? "−" : "";
  if (dollars >= 1_000) return `${sign}$${whole.format(dollars)}`;
  if (dollars >= 0.1) return `${sign}$${dollars.toFixed(2)}`;
  if (dollars < 0.000_001) return `${sign}<$0.000001`;
  // Two digits that count, wherever they stand.
  return `${sign}$${dollars.toFixed(Math.min(6, 1 - Math.floor(Math.log10(dollars)))).replace(/0+$/, "")}`;
}

/** A length of time from milliseconds: `0.4 ms`, `76 ms`, `1.2 s`, `2 min 5 s`, `3 h 10 min`, `2 d 4 h`. */
export function duration(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return UNKNOWN;
  if (ms < 10) return `${oneDigit.format(ms)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${oneDigit.format(ms / 1_000)} s`;
  const [large, small, unit, lesser] =
    ms < 3_600_000
      ? ([60_000, 1_000, "min", "s"] as const)
      : ms < 86_400_000
        ? ([3_600_000, 60_000, "h", "min"] as const)
        : ([86_400_000, 3_600_000, "d", "h"] as const);
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${unit}${rest === 0 ? "" : ` ${rest} ${lesser}`}`;
}

/** `each minute`, `each 15 s`. */
export const eachText = (ms: number): string => `each ${ms === 60_000 ? "minute" : duration(ms)}`;

/** `3 s ago`; the future reads `in 3 s`. */
export function ago(ms: number, now: number): string {
  const past = now - ms;
  if (Math.abs(past) < 1_500) return "now";
  const rounded = Math.abs(past) < 60_000 ? Math.round(Math.abs(past) / 1_000) * 1_000 : Math.abs(past);
  return past > 0 ? `${duration(coarse(rounded))} ago` : `in ${duration(coarse(rounded))}`;
}

const coarse = (ms: number): number => {
  const unit = [86_400_000, 3_600_000, 60_000].find((size) => ms >= size);
  return unit === undefined ? ms : Math.floor(ms / unit) * unit;
};

/** `14:03:22`, in the reader's time zone. */
export const timeOfDay = (ms: number): string => clock.format(ms);
/** `14:03`. */
export const hourAndMinute = (ms: number): string => minutes.format(ms);
/** `Nov 23, 14:03:22`. */
export const dateAndTime = (ms: number): string => `${day.format(ms)}, ${clock.format(ms)}`;

/** `Nov 23, 14:03`. */
export const dateAndMinute = (ms: number): string => `${day.format(ms)}, ${minutes.format(ms)}`;

/** `14:03:22` of today, `Nov 22, 14:03` of another day: a moment in a list. */
export const momentText = (ms: number, now: number): string =>
  midnightOf(ms) === midnightOf(now) ? timeOfDay(ms) : dateAndMinute(ms);

/** `today at 14:03`, `tomorrow (Nov 24) at 00:00`, `on Nov 27 at 08:00`: a moment in a sentence, in the reader's time zone. */
export function onDayAt(ms: number, now: number): string {
  const days = Math.round((midnightOf(ms) - midnightOf(now)) / 86_400_000);
  const when =
    days === 0
      ? "today"
      : days === 1
        ? `tomorrow (${day.format(ms)})`
        : days === -1
          ? `yesterday (${day.format(ms)})`
          : `on ${day.format(ms)}`;
  return `${when} at ${minutes.format(ms)}`;
}

/* Days of 23 and 25 hours are days too: hence the rounding above. */
const midnightOf = (ms: number): number => new Date(ms).setHours(0, 0, 0, 0);

/** `12%`, `0.4%`; what is not nothing never reads 0%. */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return "<0.1%";
  return value < 10 ? `${oneDigit.format(value)}%` : `${whole.format(value)}%`;
}

/** `3 calls`, `1 call`. */
export const plural = (number: number, one: string, many = `${one}s`): string =>
  `${count(number)} ${number === 1 ? one : many}`;

/** An id by its first letters, for a reader who only tells it from its neighbours. */
export const shortId = (id: string): string => (id.length > 12 ? id.slice(0, 8) : id);
