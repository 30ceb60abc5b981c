import { GatewayError } from "../../core/errors.ts";
import type { Usage } from "../../core/operation.ts";
import type { Dialect } from "../dialects/dialect.ts";
import { isFields } from "../dialects/fields.ts";
import type { Fields } from "../dialects/fields.ts";
import { preludes } from "../dialects/prelude.ts";
import { toStreamRefusal } from "./stream-refusal.ts";

/** What the relay does with one event. */
export interface Verdict {
  readonly keep: boolean;
  /** The stream ends here, badly; what came before is still good. */
  readonly failure?: GatewayError;
  readonly value?: unknown;
}

export interface StreamJudgeOptions {
  /** The provider's wire format. */
  readonly dialect: Dialect;
  /** False: the usage was asked for by the gateway alone, and its chunk is taken out. */
  readonly wantsUsage: boolean;
  /** Whether every event is parsed, for steps that look at answers. */
  readonly parse: boolean;
  /** An error of the provider is not shown as it came, but is a failure in its words: the caller speaks another dialect. */
  readonly translated: boolean;
  /** Must not appear in what a provider says went wrong. */
  readonly secrets: readonly string[];
  /** Told once, at the first event that is part of the answer. */
  readonly began: () => void;
}

const KEEP: Verdict = { keep: true };
const DROP: Verdict = { keep: false };

/** Follows one stream, event by event, and knows whether it ended well: with its end mark, after some answer had its reason for ending. */
export class StreamJudge {
  /** An end mark that could be believed has come: `[DONE]`, `message_stop`. */
  done = false;
  /** Something of the answer has come, and not only what opens the stream. */
  begun = false;
  /** Events of the answer so far: a token each, about. */
  events = 0;
  /** The provider's own error event was let through; a second one would say less. */
  errorShown = false;
  #usage: Fields | undefined;
  #concluded = false;
  readonly #options: StreamJudgeOptions;

  constructor(options: StreamJudgeOptions) {
    this.#options = options;
  }

  get usage(): Usage | undefined {
    return this.#options.dialect.readUsage(this.#usage);
  }

  judge(data: string): Verdict {
    // What follows the end mark or an error belongs to no answer.
    if (this.done || this.errorShown) return DROP;
    const meaning = this.#options.dialect.readEvent(data, this.#options.parse);
    if (meaning.broken === true) return fail("upstream_invalid", "The provider sent an event that is not JSON.", data);
    if (meaning.done === true) {
      if (!this.#concluded) return { keep: false, failure: truncated() };
      this.done = true;
      return meaning.value === undefined ? KEEP : { keep: true, value: meaning.value };
    }
    if (meaning.usage !== undefined) this.#usage = join(this.#usage, meaning.usage);
    if (meaning.ended === true) this.#concluded = true;
    if (meaning.error === true) {
      if (!this.begun) return { keep: false, failure: toStreamRefusal(data, meaning.value, this.#options.secrets) };
      if (this.#options.secrets.some((secret) => data.includes(secret))) return { keep: false, failure: failed(data) };
      if (this.#options.translated) return { keep: false, failure: failed(data, wordsOf(meaning.value)) };
      this.errorShown = true;
    }
    if (!this.begun && meaning.error !== true && !preludes[this.#options.dialect.name](data)) this.#begin();
    if (this.begun) this.events++;
    return { keep: this.#options.wantsUsage || meaning.onlyUsage !== true, value: meaning.value };
  }

  #begin(): void {
    this.begun = true;
    this.#options.began();
  }

  /** The body has ended: what is wrong with that, if anything. */
  ending(): GatewayError | undefined {
    if (this.errorShown) return failed("see the stream");
    return this.done ? undefined : truncated();
  }
}

/* Counts add up over a stream: a later event says again what has changed, and null for the rest. */
function join(before: Fields | undefined, usage: Fields): Fields {
  if (before === undefined) return usage;
  return { ...before, ...Object.fromEntries(Object.entries(usage).filter(([, count]) => count !== null)) };
}

const failed = (data: string, message = "The provider reported an error in its stream.") =>
  new GatewayError("upstream_unavailable", message, { cause: new Error(data.slice(0, 500)) });

/* `{error: {message}}` in either dialect; some servers say no more than `{error}`. */
function wordsOf(value: unknown): string | undefined {
  const error = isFields(value) ? value["error"] : undefined;
  const message = isFields(error) ? error["message"] : error;
  return typeof message === "string" && message !== "" ? message.slice(0, 1_000) : undefined;
}

function fail(kind: "upstream_invalid", message: string, data: string): Verdict {
  return { keep: false, failure: new GatewayError(kind, message, { cause: new Error(data.slice(0, 500)) }) };
}

function truncated(): GatewayError {
  return new GatewayError("upstream_truncated", "The provider's stream broke off before the answer was complete.");
}
