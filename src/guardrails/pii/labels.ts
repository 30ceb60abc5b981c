import type { PiiKind } from "./detector.ts";
import { CODE_MAX_PAIRS, CODE_MIN_PAIRS } from "./token.ts";

/** The word in the token of each kind. None is the beginning of another. */
export const labels: Readonly<Record<PiiKind, string>> = {
  email: "EMAIL",
  phone: "PHONE",
  card: "CARD",
  iban: "IBAN",
  ssn: "SSN",
  "api-key": "KEY",
};

/** The label of a caller's own text that looks like a token: it is masked as a value is, so that it comes back as it was. */
export const LITERAL = "TEXT";

export const allLabels: readonly string[] = [...Object.values(labels), LITERAL];

/** Every text that could be read as a token of ours, and more: whatever its code, wherever its brackets. */
export const tokenLike = new RegExp(
  `(?<![A-Za-z0-9])(?:${allLabels.join("|")})(?:\\\\?_|[- ])(?:[0-9][A-HJKMNP-TV-Z]){${CODE_MIN_PAIRS},${CODE_MAX_PAIRS}}`,
  "gi",
);
