import type { Usage } from "../core/operation.ts";

/*
 * What the dialects have in common: a request, an answer, a streamed answer. Each dialect reads its own form into this and writes it from
 * this, so that one more dialect is one more reader and writer, not one more for every other.
 */

/** JSON as `parseExact` gives it: only passed on. */
export type Json = unknown;

/** A piece of a message. `cache` is a mark that says where a provider may cache up to. */
export type IrPart =
  | { readonly kind: "text"; readonly text: string; readonly cache?: Json }
  | { readonly kind: "image"; readonly source: IrSource; readonly detail?: Json; readonly cache?: Json }
  | { readonly kind: "document"; readonly source: IrSource; readonly name?: string; readonly cache?: Json }
  /** `signature` is empty where the provider gives none. */
  | { readonly kind: "thinking"; readonly text: string; readonly signature: string }
  | { readonly kind: "redacted"; readonly data: string }
  | IrCall
  | IrResult;

export type IrSource = { readonly mediaType: string; readonly base64: string } | { readonly url: string };

/** A model's call of a tool. `args` is JSON text. */
export interface IrCall {
  readonly kind: "call";
  readonly id: string;
  readonly name: string;
  readonly args: string;
  readonly cache?: Json;
}

/** What a tool gave: texts, images and documents. */
export interface IrResult {
  readonly kind: "result";
  readonly id: string;
  readonly parts: readonly IrPart[];
  readonly failed: boolean;
  readonly cache?: Json;
}

export interface IrMessage {
  readonly role: "system" | "user" | "assistant";
  readonly parts: readonly IrPart[];
}

export interface IrTool {
  readonly name: string;
  readonly description?: Json;
  /** Undefined: the tool takes nothing. */
  readonly schema?: Json;
  readonly strict?: boolean;
  readonly cache?: Json;
}

/** `any`: some tool must be called. */
export type IrToolChoice =
  | { readonly kind: "auto" | "any" | "none" }
  | { readonly kind: "tool"; readonly name: string };

export interface IrRequest {
  readonly messages: readonly IrMessage[];
  readonly tools: readonly IrTool[];
  readonly toolChoice?: IrToolChoice;
  /** Whether several tools may be called at once; undefined: not said. */
  readonly parallel?: boolean;
  /** The JSON Schema the answer must fit. */
  readonly format?: { readonly schema: Json; readonly name?: Json };
  readonly maxTokens?: Json;
  readonly stop?: readonly Json[];
  readonly temperature?: Json;
  readonly topP?: Json;
  /** `low`, `medium`, `high` and what else providers name. */
  readonly effort?: string;
  /** Anthropic's own `thinking`. */
  readonly thinking?: Json;
  readonly user?: Json;
  readonly stream: boolean;
  /** Names of what was asked for and has no place here: hints, without which the answer is still what was asked for. */
  readonly dropped: ReadonlySet<string>;
}

/** Why an answer ended. `pause`: the provider wants the conversation sent again to go on. */
export type IrEndReason = "stop" | "sequence" | "length" | "calls" | "refusal" | "pause";

export interface IrEnd {
  readonly reason: IrEndReason;
  /** Which stop sequence it was. */
  readonly sequence?: string;
}

export interface IrAnswer {
  readonly id: string;
  readonly model: string;
  readonly parts: readonly IrPart[];
  readonly end: IrEnd;
  readonly usage: Usage | undefined;
}

/** What a part of a streamed answer begins with. */
export type IrOpening =
  | { readonly kind: "text" | "thinking" }
  | { readonly kind: "redacted"; readonly data: string }
  | { readonly kind: "call"; readonly id: string; readonly name: string };

/** One event of a streamed answer: `start`, then for one part after the other `open`, `delta`s and `close`, then `end`. */
export type IrEvent =
  | { readonly type: "start"; readonly id: string; readonly model: string; readonly usage: Usage | undefined }
  | { readonly type: "open"; readonly index: number; readonly part: IrOpening }
  | {
      readonly type: "delta";
      readonly index: number;
      readonly of: "text" | "thinking" | "signature" | "args";
      readonly text: string;
    }
  | { readonly type: "close"; readonly index: number }
  | { readonly type: "end"; readonly end: IrEnd; readonly usage: Usage | undefined };
