import { GatewayError } from "../core/errors.ts";
import type { JsonEdit } from "../core/json-edit.ts";
import type { Candidate } from "../core/operation.ts";
import type { AnswerEvent, Work } from "../core/step.ts";
import { type AnswerForm, toEdit } from "../core/text.ts";
import type { AnswerWatch } from "../guardrails/answer-watch.ts";
import type { GuardRequest } from "../guardrails/guard.ts";
import type { Guardrails } from "../guardrails/guardrails.ts";
import { splice } from "../http/json-splice.ts";

/** One operation's answer on its way through the output guards. */
export class GuardedAnswer {
  readonly #guardrails: Guardrails;
  readonly #request: GuardRequest;
  readonly #work: Work<unknown>;
  #candidate: Candidate | undefined;
  #form: AnswerForm | undefined;
  #watch: AnswerWatch | undefined;
  /* Channels of which text may be held back. */
  #open = new Set<string>();

  /** Undefined where no guard has anything to do for this answer: it need not be read. */
  static of(guardrails: Guardrails, request: GuardRequest, work: Work<unknown>): GuardedAnswer | undefined {
    const form = work.answers?.();
    const watch = form === undefined ? undefined : guardrails.output(request);
    if (form === undefined || watch === undefined) return undefined;
    return new GuardedAnswer(guardrails, request, work, form, watch);
  }

  private constructor(
    guardrails: Guardrails,
    request: GuardRequest,
    work: Work<unknown>,
    form: AnswerForm,
    watch: AnswerWatch,
  ) {
    this.#guardrails = guardrails;
    this.#request = request;
    this.#work = work;
    this.#form = form;
    this.#watch = watch;
  }

  /** The events that go out in place of this one. A guard that throws rejects the answer. */
  async pass(event: AnswerEvent, candidate: Candidate | undefined): Promise<readonly AnswerEvent[]> {
    this.#candidate ??= candidate;
    if (candidate !== this.#candidate) this.#startAgain(candidate);
    try {
      return await this.#guard(event);
    } catch (thrown) {
      if (thrown instanceof GatewayError) throw thrown;
      throw new GatewayError("denied", "The gateway could not check this answer, and so held it back.", {
        cause: thrown,
      });
    }
  }

  /* What a candidate that failed had begun to say is no part of what the next one says. */
  #startAgain(candidate: Candidate | undefined): void {
    this.#candidate = candidate;
    this.#form = this.#work.answers?.();
    this.#watch = this.#guardrails.output(this.#request);
    this.#open = new Set();
  }

  async #guard(event: AnswerEvent): Promise<readonly AnswerEvent[]> {
    const form = this.#form;
    const watch = this.#watch;
    if (form === undefined || watch === undefined) return [event];
    const { slots, ended, repeats = [] } = form.read(event);
    const texts: string[] = [];
    for (const slot of slots) {
      this.#open.add(slot.channel);
      texts.push(await watch.push(slot));
    }
    const before: AnswerEvent[] = [];
    for (const channel of event.last ? new Set([...ended, ...this.#open]) : ended) {
      if (!this.#open.delete(channel)) continue;
      const held = await watch.end(channel);
      if (held === "") continue;
      const place = slots.findLastIndex((slot) => slot.channel === channel);
      if (place >= 0) texts[place] += held;
      else before.push(form.write(channel, held));
    }
    const edits: JsonEdit[] = [];
    for (const [index, slot] of slots.entries()) {
      const text = texts[index] ?? "";
      if (text === slot.text) continue;
      // A guard that breaks what it was given breaks no more than its own answer.
      if (slot.literal === true) JSON.parse(text);
      edits.push(toEdit(slot, text));
    }
    if (edits.length > 0) for (const path of repeats) edits.push({ path, json: "null" });
    return [...before, edits.length === 0 ? event : new EditedEvent(event, splice(event.bytes, edits))];
  }
}

/* Most who are given an event want its bytes alone. */
class EditedEvent implements AnswerEvent {
  readonly bytes: Buffer;
  readonly last: boolean;
  readonly name?: string;
  #value: { readonly parsed: unknown } | undefined;

  constructor(event: AnswerEvent, bytes: Buffer) {
    this.bytes = bytes;
    this.last = event.last;
    if (event.name !== undefined) this.name = event.name;
  }

  get value(): unknown {
    this.#value ??= { parsed: JSON.parse(this.bytes.toString()) };
    return this.#value.parsed;
  }
}
