import { type Found, createDetect } from "../../../src/guardrails/pii/detect.ts";
import { type PiiKind, piiKinds } from "../../../src/guardrails/pii/detector.ts";

/** A text and the values in it. */
export interface Marked {
  readonly text: string;
  readonly values: readonly string[];
}

/** Reads a text whose values are written as `{{kind|value}}`. */
export function readMarked(source: string): Marked {
  const values: string[] = [];
  const text = source.replace(/\{\{([a-z-]+)\|(.*?)\}\}/gs, (_all, kind: string, value: string) => {
    values.push(`${kind}: ${value}`);
    return value;
  });
  return { text, values };
}

const detectAll = createDetect(piiKinds);

export const valuesIn = (text: string, kinds: readonly PiiKind[] = piiKinds): string[] =>
  (kinds === piiKinds ? detectAll : createDetect(kinds))(text, 0, true).found.map((found) => nameOf(text, found));

const nameOf = (text: string, { kind, start, end }: Found) => `${kind}: ${text.slice(start, end)}`;

/* Made here and not written out: keys in a repository are reported as leaks, rightly. */
const letters = "Ab3dE7fGh1jK9mN0pQr5StU2vWx8yZ4c";
const random = (length: number) => letters.repeat(Math.ceil(length / letters.length)).slice(0, length);

const pemLabel = ["RSA", "PRIVATE", "KEY"].join(" ");

export const keys = {
  openai: `sk-${random(40)}`,
  openaiProject: `sk-proj-${random(48)}`,
  anthropic: `sk-ant-api03-${random(60)}`,
  github: `ghp_${random(36)}`,
  githubFine: `github_pat_${random(60)}`,
  aws: `AKIA${random(16).toUpperCase()}`,
  google: `AIza${random(35)}`,
  slack: `xoxb-${random(12)}-${random(24)}`,
  stripe: `sk_live_${random(24)}`,
  jwt: `eyJ${random(20)}.eyJ${random(30)}.${random(43)}`,
  pem: `-----BEGIN ${pemLabel}-----\nMII${random(61)}\n${random(64)}\n${random(20)}==\n-----END ${pemLabel}-----`,
} as const;
