import { GatewayError } from "../core/errors.ts";
import type { Operation } from "../core/operation.ts";
import type { Operate } from "../core/step.ts";
import { isObject } from "./message.ts";
import type { Message } from "./message.ts";
import { nobody, plainOperation, promptOperation, resourceOperation, toolOperation } from "./operations.ts";
import type { Call } from "./relay.ts";

/** What does not exist can have a name of any length; records and spans hold this much of it. */
const NAME_LIMIT = 256;

/**
 * Takes a call that aims at nothing through the steps, so that it is admitted, counted and recorded like one that policy denies: guessing
 * names must not be free. Rejects with `refusal`, or with what the steps refuse every call for.
 */
export async function refuseMiss(operate: Operate, call: Call, refusal: GatewayError): Promise<never> {
  const work = {
    plan: (): never => {
      throw refusal;
    },
    relay: (): Promise<never> => Promise.reject(refusal),
  };
  try {
    return await operate(call.exchange, operationOf(call.message), work, call.signal);
  } catch (thrown) {
    const error = GatewayError.from(thrown);
    /* A denial of what exists but is hidden says that it does not exist, so this one must not say anything else. */
    throw error.kind === "denied" ? refusal : error;
  }
}

function operationOf({ method, params }: Message): Operation {
  const ref = isObject(params["ref"]) ? params["ref"] : params;
  const name = text(ref["name"]);
  if (method === "tools/call") return toolOperation(nobody, name, params["arguments"], {});
  if (method === "prompts/get") return promptOperation(nobody, name, params["arguments"]);
  if (method !== "completion/complete") return resourceOperation(nobody, text(ref["uri"]), method);
  if (ref["type"] === "ref/prompt") return promptOperation(nobody, name, {}, method);
  return ref["type"] === "ref/resource"
    ? resourceOperation(nobody, text(ref["uri"]), method)
    : plainOperation(method, "call");
}

const text = (value: unknown): string => (typeof value === "string" ? value.slice(0, NAME_LIMIT) : "");
