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
  return z.string().transform((text, context) => {
    const value = measure(text, units);
    if (value !== undefined) return value;
    context.addIssue({
      code: "custom",
      message: `${what} such as ${example}; units: ${Object.keys(units).join(", ")}`,
    });
    return z.NEVER;
  });
}

/** `30s`, `5m`, `250ms` → milliseconds. */
export const durationMs = () => unitSchema(durationUnits, "a duration", "30s");

/** `4MiB`, `64kB` → bytes. */
export const sizeBytes = () => unitSchema(sizeUnits, "a size", "4MiB");

/** A string that is never printed: errors, `check` and the log show `[secret]`. */
export const secret = () => z.string().min(1).meta({ "x-secret": true });
