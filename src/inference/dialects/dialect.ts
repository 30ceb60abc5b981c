import type { GatewayError } from "../../core/errors.ts";
import type { Usage } from "../../core/operation.ts";
import type { JsonEdit } from "../../core/json-edit.ts";
import type { AnswerEvent, RenderedError } from "../../core/step.ts";
import type { IrAnswer, IrEvent, IrRequest } from "../ir.ts";
import type { CallKind, DialectName, Endpoint } from "../model-call.ts";
import type { Provider } from "../providers/provider.ts";
import type { EventMeaning } from "./event-meaning.ts";
import type { Fields } from "./fields.ts";

/** Where a translated request goes. */
export interface WriteRequestOptions {
  /** The provider's name for the model. */
  readonly model: string;
  readonly server: Provider;
}

/** A translated request, and what it leaves out: names of hints, without which the answer is still what was asked for. */
export interface WrittenRequest {
  readonly body: object;
  readonly dropped: ReadonlySet<string>;
}

/** Reads one provider's stream, event by event. */
export interface StreamReader {
  read(value: Fields): readonly IrEvent[];
  /** After the end mark. `usage` is that of the whole stream. */
  finish(usage: Usage | undefined): readonly IrEvent[];
}

/** What a stream in the caller's dialect needs to know beforehand. */
export interface StreamWriterForm {
  readonly createdS: number;
  readonly wantsUsage: boolean;
  /** An estimate, for a dialect that says at the start what is known only at the end. */
  readonly inputTokens: number;
}

/** Writes one stream to a caller. The end mark is the event that is `last`. */
export type StreamScribe = (event: IrEvent) => readonly AnswerEvent[];

/** Follows a stream in the caller's dialect, so that it can be ended well before its time. */
export interface StreamTail {
  follow(value: unknown): void;
  /** The events with which an answer ends that has reached its bound. `outputTokens`: how many it had, by the gateway's count. */
  end(outputTokens: number): readonly AnswerEvent[];
}

/** The types that an error has in each dialect. */
export type ErrorSpec = Pick<GatewayError["spec"], DialectName>;

/** A wire format of model APIs: as callers speak it to the gateway, and as providers speak it. */
export interface Dialect {
  readonly name: DialectName;
  /** Its calls of a model, by the gateway's path. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Where a provider takes each kind of call: appended to its base address. A kind that is not here it does not take. */
  readonly paths: Readonly<Partial<Record<CallKind, string>>>;
  /** Headers of the caller that mean something to a provider of the dialect, joined with those the provider's own entry has. */
  passHeaders(caller: Readonly<Record<string, string>>, own: Readonly<Record<string, string>>): Record<string, string>;
  /** What a caller gives back of other providers' answers, and none of this dialect takes. */
  withoutForeign(body: unknown): readonly JsonEdit[];
  /** `requestId`: the gateway's own. */
  renderError(error: GatewayError, requestId: string): RenderedError;
  /** The body of an error in a provider's own words. */
  writeError(spec: ErrorSpec, message: string, requestId: string): string;
  /** The error as an event that ends a stream. */
  toErrorEvent(error: GatewayError, requestId: string): string;
  /** An event for a silence, which SDKs pass over. */
  readonly keepAlive: string;
  /** Reads the payload of one event. `parse` asks for the value even where the relay itself does not need it. */
  readEvent(data: string, parse: boolean): EventMeaning;
  /** What the `event` field of an event with this value says; undefined where the dialect has no names. */
  nameEvent(value: unknown): string | undefined;
  readUsage(usage: unknown): Usage | undefined;
  /** A caller's request of the kind `chat`. Throws `invalid_request` for what no other dialect could take along. */
  readRequest(body: Fields): IrRequest;
  writeRequest(request: IrRequest, options: WriteRequestOptions): WrittenRequest;
  /** A provider's whole answer. Throws `upstream_invalid`. */
  readAnswer(value: Fields): IrAnswer;
  writeAnswer(answer: IrAnswer, createdS: number): object;
  createStreamReader(): StreamReader;
  createStreamScribe(form: StreamWriterForm): StreamScribe;
  createStreamTail(): StreamTail;
}
