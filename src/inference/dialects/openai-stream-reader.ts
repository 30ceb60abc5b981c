import { GatewayError } from "../../core/errors.ts";
import { randomHex } from "../../core/ids.ts";
import type { Usage } from "../../core/operation.ts";
import type { IrEvent, IrOpening } from "../ir.ts";
import type { StreamReader } from "./dialect.ts";
import { isFields } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { toOpenaiEnd } from "./openai-answer.ts";

/** Reads the chunks of a chat completion; of their first choice, for a caller of another dialect can ask for no more. */
export class OpenaiStreamReader implements StreamReader {
  #started = false;
  #parts = 0;
  #open: IrOpening | undefined;
  /* The provider's own numbers of the tools' calls that have begun; the last is the one that may be open. */
  readonly #calls: number[] = [];
  #refuses = false;
  #ended: Fields = {};
  #events: IrEvent[] = [];

  read(value: Fields): readonly IrEvent[] {
    this.#events = [];
    const choice = Array.isArray(value["choices"]) ? (value["choices"][0] as unknown) : undefined;
    // What comes without a choice says nothing of the answer, and often not its id either.
    if (!isFields(choice)) return this.#events;
    if (!this.#started) this.#start(value);
    const delta = isFields(choice["delta"]) ? choice["delta"] : {};
    this.#write("thinking", delta["reasoning_content"] ?? delta["reasoning"]);
    this.#write("text", delta["content"]);
    if (this.#write("text", delta["refusal"])) this.#refuses = true;
    if (Array.isArray(delta["tool_calls"]))
      for (const call of delta["tool_calls"] as readonly unknown[]) this.#call(call);
    if (typeof choice["finish_reason"] === "string") this.#ended = choice;
    return this.#events;
  }

  finish(usage: Usage | undefined): readonly IrEvent[] {
    this.#events = [];
    this.#close();
    const end = toOpenaiEnd(this.#ended, this.#calls.length > 0, this.#refuses);
    this.#events.push({ type: "end", end, usage });
    return this.#events;
  }

  #start({ id, model }: Fields): void {
    this.#started = true;
    this.#events.push({
      type: "start",
      id: typeof id === "string" ? id : "",
      model: typeof model === "string" ? model : "",
      usage: undefined,
    });
  }

  #write(kind: "text" | "thinking", text: unknown): boolean {
    if (typeof text !== "string" || text === "") return false;
    if (this.#open?.kind !== kind) this.#begin({ kind });
    this.#delta(kind, text);
    return true;
  }

  #call(value: unknown): void {
    const call = isFields(value) ? value : {};
    const called = isFields(call["function"]) ? call["function"] : {};
    if (this.#isNew(call, called)) {
      const { name } = called;
      if (typeof name !== "string" || name === "")
        throw new GatewayError("upstream_invalid", "The provider began a tool call without the tool's name.");
      const id = typeof call["id"] === "string" && call["id"] !== "" ? call["id"] : `call_${randomHex(12)}`;
      this.#calls.push(typeof call["index"] === "number" ? call["index"] : this.#calls.length);
      this.#begin({ kind: "call", id, name });
    }
    if (typeof called["arguments"] === "string" && called["arguments"] !== "") this.#delta("args", called["arguments"]);
  }

  /* Some servers give every call the number 0, or none: then another id with a name is another call. */
  #isNew(call: Fields, called: Fields): boolean {
    const open = this.#open?.kind === "call" ? this.#open : undefined;
    const { id, index } = call;
    const named = typeof called["name"] === "string" && called["name"] !== "";
    if (open !== undefined && (typeof index !== "number" || index === this.#calls.at(-1)))
      return named && typeof id === "string" && id !== "" && id !== open.id;
    // Parts follow one another: what is closed cannot be gone on with.
    if (typeof index === "number" && this.#calls.includes(index) && !named)
      throw new GatewayError("upstream_invalid", "The provider sent the arguments of several tool calls in turns.");
    return true;
  }

  #begin(part: IrOpening): void {
    this.#close();
    this.#open = part;
    this.#events.push({ type: "open", index: this.#parts, part });
  }

  #delta(of: "text" | "thinking" | "args", text: string): void {
    this.#events.push({ type: "delta", index: this.#parts, of, text });
  }

  #close(): void {
    if (this.#open === undefined) return;
    this.#open = undefined;
    this.#events.push({ type: "close", index: this.#parts++ });
  }
}
