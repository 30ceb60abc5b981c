import type { GatewayError } from "../../core/errors.ts";
import type { Usage } from "../../core/operation.ts";
import type { RenderedError } from "../../core/step.ts";
import type { CallKind, DialectName, Endpoint } from "../model-call.ts";
import type { EventMeaning } from "./event-meaning.ts";

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
}
