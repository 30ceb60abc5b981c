import { z } from "zod";

/* Human units in configuration. Each schema takes what a person writes and gives a plain number in the unit its name says. */

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const sizeUnits = {
  B: 1,
  kB: 1_000,
  KiB: 1_024,
  MB: 1_000_000,
  MiB: 1_048_576,
  GB: 1_000_000_000,
  GiB: 1_073_741_824,
} as const;

function measure(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim());
  const factor = match?.[2] === undefined || !Object.hasOwn(units, match[2]) ? undefined : units[match[2]];
  return match?.[1] === undefined || factor === undefined ? undefined : Math.round(Number(match[1]) * factor);
}

function unitSchema(units: Readonly<Record<string, number>>, what: string, example: string) {
  const expected = `${what} such as ${example}; units: ${Object.keys(units).join(", ")}`;
  return z.string({ error: ({ input }) => (input == null ? undefined : expected) }).transform((text, context) => {
    const value = measure(text, units);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: expected });
    return z.NEVER;
  });
}

/** `30s`, `5m`, `250ms` → milliseconds. */
export const durationMs = () => unitSchema(durationUnits, "a duration", "30s");

/** `4MiB`, `64kB` → bytes. */
export const sizeBytes = () => unitSchema(sizeUnits, "a size", "4MiB");

/** So many of something in a time, as in `500k tokens/min`. */
export interface Rate {
  readonly amount: number;
  /** In the singular: `token`, `request`. */
  readonly of: string;
  readonly perMs: number;
}

const rateTimes = { s: 1_000, sec: 1_000, min: 60_000, hour: 3_600_000, h: 3_600_000, day: 86_400_000 } as const;
const multiples = { "": 1, k: 1_000, M: 1_000_000 } as const;
const ratePattern = /^(\d+(?:\.\d+)?)(k|M|) ([a-z]+)\/([a-z]+)$/;

/** `600 requests/min`, `500k tokens/min` → a Rate of one of the given things, each named in the singular. */
export const rate = (...things: readonly string[]) =>
  z.string().transform((text, context): Rate => {
    const [, digits, multiple = "", plural = "", time = ""] = ratePattern.exec(text.trim()) ?? [];
    const of = things.find((thing) => plural === thing || plural === `${thing}s`);
    const amount = Math.round(Number(digits) * multiples[multiple as keyof typeof multiples]);
    if (of !== undefined && amount >= 1 && Object.hasOwn(rateTimes, time)) {
      return { amount, of, perMs: rateTimes[time as keyof typeof rateTimes] };
    }
    const units = `${things.map((thing) => `${thing}s`).join(" or ")} per ${Object.keys(rateTimes).join(", ")}`;
    context.addIssue({ code: "custom", message: `a rate such as 500k ${things[0]}s/min; ${units}` });
    return z.NEVER;
  });

/** A string that is never printed: errors, `check` and the log show `[secret]`. */
export const secret = () => z.string().min(1).meta({ "x-secret": true });
