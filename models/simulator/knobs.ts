/**
 * What one request asks of the simulator: how long it takes, how much it says, how it fails. Written as `ttft=200,itl=5,tokens=40`
 * in the `x-simulate` header, or after an `@` in the model's name where a gateway drops headers it does not know.
 */
export interface Knobs {
  /** Milliseconds before the first token, in place of the prefill model. */
  readonly ttftMs: number | undefined;
  /** Milliseconds between tokens, in place of the decode model. */
  readonly itlMs: number | undefined;
  /** Tokens of the answer, in place of what the answer needs. */
  readonly tokens: number | undefined;
  readonly fault: Fault | undefined;
}

/** `die`: the socket breaks after `afterTokens`. `no-done`, `no-finish`: a clean end without `[DONE]`, or without either. */
export type Fault =
  | { readonly kind: "status"; readonly status: number }
  | {
      readonly kind:
        | "hang"
        | "html"
        | "plain-error"
        | "reset"
        | "json-for-stream"
        | "garbage"
        | "error-event"
        | "no-done"
        | "no-finish"
        | "huge-event";
    }
  | { readonly kind: "die"; readonly afterTokens: number };

const plainFaults = [
  "hang",
  "html",
  "plain-error",
  "reset",
  "json-for-stream",
  "garbage",
  "error-event",
  "no-done",
  "no-finish",
  "huge-event",
] as const;

/** Splits `name@knobs`. */
export function splitModel(model: string): { readonly name: string; readonly knobs: string } {
  const at = model.indexOf("@");
  return at === -1 ? { name: model, knobs: "" } : { name: model.slice(0, at), knobs: model.slice(at + 1) };
}

/** Unknown words throw a plain Error whose message names them. Faults are only honoured where the server was started with them. */
export function parseKnobs(text: string, faultsAllowed: boolean): Knobs {
  let ttftMs: number | undefined;
  let itlMs: number | undefined;
  let tokens: number | undefined;
  let fault: Fault | undefined;
  for (const part of text
    .split(",")
    .map((piece) => piece.trim())
    .filter(Boolean)) {
    const [key = "", value = ""] = part.split("=");
    if (key === "ttft") ttftMs = toNumber(part, value);
    else if (key === "itl") itlMs = toNumber(part, value);
    else if (key === "tokens") tokens = toNumber(part, value);
    else {
      fault = parseFault(part, key, value);
      if (!faultsAllowed) throw new Error(`the fault ${key} is off; start the simulator with --faults`);
    }
  }
  return { ttftMs, itlMs, tokens, fault };
}

function parseFault(part: string, key: string, value: string): Fault {
  if (key === "status") return { kind: "status", status: toNumber(part, value) };
  if (key === "die") return { kind: "die", afterTokens: toNumber(part, value) };
  const kind = plainFaults.find((name) => name === key);
  if (kind === undefined)
    throw new Error(`unknown knob ${part}; known: ttft, itl, tokens, status, die, ${plainFaults.join(", ")}`);
  return { kind };
}

function toNumber(part: string, value: string): number {
  const number = Number(value);
  if (value === "" || !Number.isFinite(number) || number < 0)
    throw new Error(`the knob ${part} needs a number that is not negative`);
  return number;
}
