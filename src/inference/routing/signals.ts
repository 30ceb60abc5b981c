import { isJsonObject } from "../../core/json-texts.ts";
import { scanText } from "./scan-text.ts";
import { hintKinds, type HintKind } from "./word-hints.ts";

/** The parts of a request's complexity. */
export const parts = ["length", "structure", "code", "maths", "language", "depth", "tools"] as const;

export type Part = (typeof parts)[number];

/* Every signal, and the part it belongs to; the order is that of the numbers in `Signals`. */
export const signalParts = {
  chars: "length",
  context: "length",
  lines: "structure",
  items: "structure",
  sentences: "structure",
  questions: "structure",
  commas: "structure",
  quotes: "structure",
  codeMarks: "code",
  fences: "code",
  codeWords: "code",
  numbers: "maths",
  digits: "maths",
  operators: "maths",
  mathsWords: "maths",
  quantityWords: "maths",
  wordLength: "language",
  longWords: "language",
  capitals: "language",
  foreign: "language",
  reasoningWords: "language",
  conditionWords: "language",
  lawWords: "language",
  scienceWords: "language",
  turns: "depth",
  toolResults: "tools",
  toolsOffered: "tools",
} as const satisfies Readonly<Record<string, Part>>;

export type SignalName = keyof typeof signalParts;

export const signalNames = Object.keys(signalParts) as readonly SignalName[];

/** One number from 0 to 1 for each of `signalNames`, in their order. */
export type Signals = Float64Array;

/** What of a request is looked at: `ModelCall` is one. */
export interface Asked {
  /** Messages of either dialect; what stands in `system` may be among them. */
  readonly messages: readonly unknown[];
  readonly tools: readonly unknown[];
}

/** More messages than these, counted from the last, are not looked at. */
const MOST_MESSAGES = 256;

/** Cheap signals of how hard a request is, from what was asked last and from the shape of the conversation: linear and bounded. */
export function readSignals({ messages, tools }: Asked): Signals {
  let asked: string | undefined;
  let context = 0;
  let turns = 0;
  let results = 0;
  const first = Math.max(messages.length - MOST_MESSAGES, 0);
  for (let index = messages.length - 1; index >= first; index--) {
    const message = messages[index];
    const fields = isJsonObject(message) ? message : { role: "user", content: message };
    const role = fields["role"];
    if (role === "assistant") turns++;
    if (role === "tool" || role === "function") results++;
    const text = readContent(fields["content"]);
    results += text.results;
    context += text.chars;
    if (asked === undefined && role === "user" && text.first !== "") asked = text.first;
  }
  return toSignals(asked ?? "", context, turns, results, tools.length);
}

/** What the user said last: the text that is looked at. */
export function findAsked(messages: readonly unknown[]): string {
  for (let index = messages.length - 1; index >= 0; index--) {
    const message = messages[index];
    const fields = isJsonObject(message) ? message : { role: "user", content: message };
    if (fields["role"] !== "user") continue;
    const { first } = readContent(fields["content"]);
    if (first !== "") return first;
  }
  return "";
}

interface Content {
  /** The text parts, as one text. */
  readonly first: string;
  readonly chars: number;
  readonly results: number;
}

const nothing: Content = { first: "", chars: 0, results: 0 };

function readContent(content: unknown): Content {
  if (typeof content === "string") return { first: content, chars: content.length, results: 0 };
  if (!Array.isArray(content)) return nothing;
  let text = "";
  let results = 0;
  for (const part of content as readonly unknown[]) {
    if (!isJsonObject(part)) continue;
    if (part["type"] === "tool_result") results++;
    else if (typeof part["text"] === "string") text = text === "" ? part["text"] : `${text}\n${part["text"]}`;
  }
  return { first: text, chars: text.length, results };
}

function toSignals(asked: string, context: number, turns: number, results: number, tools: number): Signals {
  const counts = scanText(asked);
  const { words, looked } = counts;
  const hint = (kind: HintKind) => counts.hints[hintKinds.indexOf(kind)]!;
  const values: Readonly<Record<SignalName, number>> = {
    chars: logarithmic(counts.chars, 32_768),
    context: logarithmic(Math.max(context - asked.length, 0), 524_288),
    lines: saturating(counts.lines - 1, 12),
    items: saturating(counts.items, 6),
    sentences: saturating(counts.sentences, 6),
    questions: saturating(counts.questions, 2),
    commas: saturating(counts.commas, 6),
    quotes: saturating(counts.quotes, 4),
    codeMarks: share(counts.codeMarks * 12, looked),
    fences: counts.fences > 0 ? 1 : 0,
    codeWords: saturating(hint("code"), 4),
    numbers: saturating(counts.numbers, 5),
    digits: share(counts.digits * 8, looked),
    operators: saturating(counts.operators, 6),
    mathsWords: saturating(hint("maths"), 3),
    quantityWords: saturating(hint("quantity"), 5),
    wordLength: share(counts.letters, words * 12),
    longWords: share(counts.longWords * 2, words),
    capitals: share(counts.capitals * 2, words),
    foreign: share(counts.foreign, counts.letters),
    reasoningWords: saturating(hint("reasoning"), 3),
    conditionWords: saturating(hint("condition"), 4),
    lawWords: saturating(hint("law"), 3),
    scienceWords: saturating(hint("science"), 3),
    turns: saturating(turns, 6),
    toolResults: saturating(results, 4),
    toolsOffered: saturating(tools, 12),
  };
  const signals = new Float64Array(signalNames.length);
  for (let index = 0; index < signals.length; index++) signals[index] = values[signalNames[index]!];
  return signals;
}

/** 0 for none, 1/2 for `half`, near 1 for many. */
const saturating = (count: number, half: number): number => count / (count + half);

/** 0 for none, 1 for `full` and more, equal steps for equal ratios. */
const logarithmic = (count: number, full: number): number => Math.min(Math.log1p(count) / Math.log1p(full), 1);

const share = (some: number, all: number): number => (all === 0 ? 0 : Math.min(some / all, 1));
