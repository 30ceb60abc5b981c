import { GatewayError } from "../../core/errors.ts";
import { noteRefusal } from "./candidate-failure.ts";
import { isFields, type Fields } from "../dialects/fields.ts";
import { kindOf } from "./provider-refusal.ts";

const LONGEST_MESSAGE = 1_000;

/* The types of errors that mean something other than that the provider is in trouble. */
const statuses: readonly (readonly [pattern: RegExp, status: number])[] = [
  [/rate_limit/, 429],
  [/overloaded/, 529],
  [/invalid_request|context_length|BadRequest/, 400],
];

/** The error of a stream that begins with one. Nothing has been shown of it: it is as if the provider had refused with a status. */
export function toStreamRefusal(data: string, value: unknown, secrets: readonly string[]): GatewayError {
  const error = isFields(value) && isFields(value["error"]) ? value["error"] : {};
  const said = error["message"];
  const status = statusOf(error);
  const message =
    typeof said === "string" && !secrets.some((secret) => data.includes(secret))
      ? said.slice(0, LONGEST_MESSAGE)
      : "The provider reported an error in its stream.";
  return noteRefusal(
    new GatewayError(kindOf(status), message, { cause: new Error(data.slice(0, LONGEST_MESSAGE)) }),
    status,
    data,
  );
}

function statusOf({ type, code }: Fields): number {
  /* vLLM puts the status there. */
  if (typeof code === "number" && code >= 400 && code < 600) return code;
  const words = `${String(type)} ${String(code)}`;
  return statuses.find(([pattern]) => pattern.test(words))?.[1] ?? 500;
}
