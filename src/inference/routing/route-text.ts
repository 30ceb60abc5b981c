import { GatewayError } from "../../core/errors.ts";
import type { OperationContext } from "../../core/step.ts";
import type { Choice } from "./choice.ts";
import type { ModelLock } from "./model-lock.ts";

/* What is told of a choice: which rule and how complex, never what was asked. */

const reasons: Readonly<Record<ModelLock["reason"], string>> = {
  tool_loop: "it asked for the tools whose results these are",
  provider_state: "it keeps what this request refers to",
};

/** Why a call stays with a model, for the journal. */
export const toStayText = (virtual: string, model: string, { reason }: ModelLock): string =>
  `${virtual} stays with ${model}: ${reasons[reason]}`;

/** Why a model was chosen, for the journal. */
export function toWhy({ rule }: Choice, complexity: number | undefined): string {
  const why = rule === undefined ? "no rule held" : `rule ${rule}`;
  return complexity === undefined ? why : `${why}, complexity ${complexity.toFixed(3)}`;
}

/** The same for the caller: a dictionary of structured fields (RFC 9651, section 3.2). */
export function toRouteHeader({ rule }: Choice, complexity: number | undefined): string {
  const why = rule === undefined ? "otherwise" : `rule=${rule}`;
  return complexity === undefined ? why : `${why}, complexity=${complexity.toFixed(3)}`;
}

export function addNote(context: OperationContext, text: string): void {
  context.notes = [...(context.notes ?? []), text];
}

export function noEmbeddings(name: string): GatewayError {
  return new GatewayError(
    "invalid_request",
    `The model \`${name}\` is a choice between models, and the vectors of one mean nothing beside those of another. Ask for one of them by its name.`,
    { param: "model" },
  );
}
