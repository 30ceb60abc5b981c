import type { JsonEdit } from "../core/json-edit.ts";
import type { Price } from "../core/operation.ts";
import type { OperationContext } from "../core/step.ts";
import { perOutputToken, toReserve } from "./amounts.ts";
import type { Line } from "./budget.ts";
import type { Standing } from "./ledger/counting.ts";
import type { Reckoned } from "./reservation.ts";
import { SLICE_TOKENS } from "./reservation.ts";
import type { TokenCounter } from "./token-count.ts";

/* The bound put into a whole call that has none, where the budget has room for it. */
export const USUAL_BOUND_TOKENS = 8_192;
/* A shorter answer would help nobody. */
const SHORTEST_BOUND_TOKENS = 16;
/* Roles, names and what else stands between the texts. */
const FRAME_TOKENS = 64;
/* Vocabularies differ: others make up to a third more tokens of the same text. */
const OTHER_VOCABULARY = 1.35;

const bounded = new Set(["tokens", "output tokens", "money"]);
const bytesMatter = new Set(["tokens", "input tokens", "money"]);

const nothing: Reckoned = { inputTokens: 0, outputTokens: 0, mostOutputTokens: 0, edit: undefined, isOurs: false };

/** What the caller asked for, before anything is known of what fits. Whoever sets no bound and streams is reserved slice by slice. */
export function reckon({ operation: { demand, mode } }: OperationContext): Reckoned {
  if (demand === undefined) return nothing;
  const most = demand.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const isStream = mode === "stream";
  return {
    inputTokens: demand.inputBytes,
    outputTokens: isStream ? Math.min(most, SLICE_TOKENS) : most,
    mostOutputTokens: most,
    edit: undefined,
    isOurs: isStream || demand.maxOutputTokens === undefined,
  };
}

export const amountsOf = (
  lines: readonly Line[],
  price: Price | undefined,
  { inputTokens, outputTokens }: Reckoned,
): readonly number[] => lines.map(({ limit }) => toReserve(limit.thing, price, inputTokens, outputTokens));

/** What a call can do with at least: where the answer's length is the gateway's to choose, the shortest that is of use. */
export const shortest = (reckoned: Reckoned): Reckoned =>
  reckoned.isOurs ? { ...reckoned, outputTokens: Math.min(reckoned.outputTokens, SHORTEST_BOUND_TOKENS) } : reckoned;

/** Whether a whole call has no bound and some line needs one. */
export const needsBound = (lines: readonly Line[], { outputTokens }: Reckoned): boolean =>
  outputTokens === Number.POSITIVE_INFINITY && lines.some(({ limit }) => bounded.has(limit.thing));

/** The call with a bound of so many tokens put into it; each of its choices gets its part. */
export async function withBound(context: OperationContext, reckoned: Reckoned, tokens: number): Promise<Reckoned> {
  const choices = await choicesOf(context);
  const each = Math.floor(tokens / choices);
  if (each < 1) return reckoned;
  return {
    ...reckoned,
    outputTokens: each * choices,
    mostOutputTokens: each * choices,
    edit: boundEdit(context, each),
  };
}

/* OpenAI's newer models know only the longer name, and servers that speak its dialect often only the shorter. */
function boundEdit({ operation, candidate }: OperationContext, tokens: number): JsonEdit {
  const llm = candidate?.variables?.llm ?? operation.variables.llm;
  const long = operation.method === "chat.completions" && llm?.provider === "openai";
  return { path: [long ? "max_completion_tokens" : "max_tokens"], json: String(tokens) };
}

async function choicesOf({ exchange, operation }: OperationContext): Promise<number> {
  if (operation.own !== undefined) return 1;
  const { value } = await exchange.body();
  const n = typeof value === "object" && value !== null && "n" in value ? value.n : undefined;
  return typeof n === "number" && Number.isSafeInteger(n) && n > 1 ? n : 1;
}

/**
 * Whether counting the input exactly could help: it is reckoned by bytes, and a line that has no room counts it. Not where there is no
 * room for an answer without any input either: a budget that is used up says so at once.
 */
export const mayCount = (
  lines: readonly Line[],
  price: Price | undefined,
  { used }: Standing,
  reckoned: Reckoned,
): boolean => {
  const isShort = ({ limit, term }: Line, at: number, inputTokens: number, outputTokens: number): boolean =>
    toReserve(limit.thing, price, inputTokens, outputTokens) > term.limit - used[at]!;
  return (
    reckoned.inputTokens > FRAME_TOKENS &&
    lines.some(
      (line, at) => bytesMatter.has(line.limit.thing) && isShort(line, at, reckoned.inputTokens, reckoned.outputTokens),
    ) &&
    !lines.some((line, at) => isShort(line, at, 0, shortest(reckoned).outputTokens))
  );
};

/** The input counted; never more than the bound by bytes. Images are reckoned by the bound alone. */
export async function counted(context: OperationContext, reckoned: Reckoned, counter: TokenCounter): Promise<Reckoned> {
  /* What the caller sent says nothing of a call of the gateway's own. */
  if (context.operation.own !== undefined) return reckoned;
  const { bytes } = await context.exchange.body();
  const text = bytes.toString("utf8");
  if (/"(?:data:|image_url|base64)/.test(text)) return reckoned;
  const tokens = await counter.count(text);
  if (tokens === undefined) return reckoned;
  const llm = context.candidate?.variables?.llm ?? context.operation.variables.llm;
  const known = llm?.provider === "openai" ? tokens : Math.ceil(tokens * OTHER_VOCABULARY);
  return { ...reckoned, inputTokens: Math.min(reckoned.inputTokens, known + FRAME_TOKENS) };
}

/** How many output tokens all lines have room for beside this input; undefined when it is too few for an answer. */
export function roomForOutput(
  lines: readonly Line[],
  price: Price | undefined,
  { used }: Standing,
  { inputTokens }: Reckoned,
): number | undefined {
  let room = Number.POSITIVE_INFINITY;
  for (const [at, { limit, term }] of lines.entries()) {
    const left = term.limit - used[at]! - toReserve(limit.thing, price, inputTokens, 0);
    if (left < 0) return undefined;
    const each = perOutputToken(limit.thing, price);
    if (each > 0) room = Math.min(room, Math.floor(left / each));
  }
  return room >= SHORTEST_BOUND_TOKENS ? room : undefined;
}
