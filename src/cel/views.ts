import { EvaluationError } from "@marcbachmann/cel-js";
import type { CanonicalRequest, Route } from "../core/exchange.ts";
import type { Meaning } from "../core/operation.ts";
import { fieldsOf, isShape, type Field, type ShapeName, shapes } from "./variables.ts";

/** Thrown when an expression reads, while listing, what only a call has. One frozen object: a stack per item would cost 5 µs. */
export const CALL_ONLY: Error = Object.freeze(new Error("only a call has this"));

/** What views tell the evaluation that reads them. */
export interface Reading {
  /** Whether an item of a list is judged, not a call. */
  readonly listing: boolean;
  /** Set when something only a call has was asked for. */
  callOnly: boolean;
}

export type View = object;
export type ViewClass = new (source: unknown, reading: Reading) => View;

type Source = Readonly<Record<string, unknown>>;

const none: Readonly<Record<string, never>> = Object.freeze(Object.create(null));

/** A field's value as CEL wants it: BigInt for int (a JS number is a double there), Date for a timestamp, views for shapes. */
function converter({ type }: Field): (value: unknown, reading: Reading) => unknown {
  const element = /^list<(.+)>$/.exec(type)?.[1];
  if (element !== undefined && isShape(element)) {
    return (value, reading) => (value as readonly unknown[]).map((item) => new views[element](item, reading));
  }
  if (isShape(type)) return (value, reading) => new views[type](value, reading);
  if (type.startsWith("map<")) return (value) => value ?? none;
  if (type === "int") return (value) => (typeof value === "number" ? BigInt(value) : value);
  if (type === "google.protobuf.Timestamp") return (value) => new Date(value as number);
  return (value) => value;
}

/** A class whose prototype has a getter for each field: made once, so that a view costs one small object and no closure. */
function defineView(shape: ShapeName): ViewClass {
  class ShapeView {
    readonly #source: Source;
    readonly #reading: Reading;
    constructor(source: unknown, reading: Reading) {
      this.#source = source as Source;
      this.#reading = reading;
    }
    static {
      for (const [name, field] of Object.entries(fieldsOf(shape))) {
        const [key = name, inner] = (field.from ?? name).split(".");
        const convert = converter(field);
        const { callOnly, absent } = field;
        Object.defineProperty(this.prototype, name, {
          get(this: ShapeView) {
            const reading = this.#reading;
            if (callOnly === "always" && reading.listing) {
              reading.callOnly = true;
              throw CALL_ONLY;
            }
            const outer = this.#source[key];
            const value = inner === undefined ? outer : (outer as Source | undefined)?.[inner];
            if (callOnly === "when empty" && reading.listing && (value === "" || value === undefined)) {
              reading.callOnly = true;
              throw CALL_ONLY;
            }
            if (absent !== undefined && value === undefined) throw new EvaluationError(absent);
            return convert(value, reading);
          },
        });
      }
    }
  }
  return ShapeView;
}

/** Which share of a budget is left, 0 to 1; undefined: there is no such budget. */
export type Remaining = (name: string) => number | undefined;

/** `budget`: what it tells is asked for by name. */
export class BudgetView {
  readonly #remaining: Remaining;
  constructor(source: unknown) {
    this.#remaining = (source as Remaining | undefined) ?? (() => 1);
  }

  remaining(name: string): number {
    const share = this.#remaining(name);
    if (share === undefined) throw new EvaluationError(`there is no budget ${JSON.stringify(name)}`);
    return share;
  }
}

/* Of what could not be found out in time, or was not asked for. */
const unsaid = (what: string) => new EvaluationError(`nobody could say ${what}`);

/** `llm`, with what was found out beforehand. */
export class LlmView extends defineView("llm") {
  readonly #meaning: Meaning | undefined;
  constructor(source: unknown, reading: Reading) {
    super(source, reading);
    this.#meaning = (source as { readonly meaning?: Meaning } | undefined)?.meaning;
  }

  similarity(label: string): number {
    const value = this.#meaning?.similarity(label);
    if (value === undefined) throw unsaid(`how near the call is to the examples of ${label}`);
    return value;
  }

  classOf(classifier: string): string {
    const value = this.#meaning?.classOf(classifier);
    if (value === undefined) throw unsaid(`what the classifier ${classifier} takes the call for`);
    return value;
  }

  scoreOf(classifier: string, label: string): number {
    const value = this.#meaning?.scoreOf(classifier, label);
    if (value === undefined) throw unsaid(`how sure the classifier ${classifier} is of ${label}`);
    return value;
  }
}

/** What expressions may read of a route. */
export type TakenRoute = Pick<Route, "path" | "ruleName" | "tags">;

/** `request`, with the route that it takes and the tenant that it is for. */
export class RequestView extends defineView("request") {
  readonly #request: Pick<CanonicalRequest, "host" | "listener"> | undefined;
  readonly #route: TakenRoute | undefined;
  readonly #tenant: string;
  constructor(source: unknown, reading: Reading, route?: TakenRoute, tenant = "") {
    super(source, reading);
    this.#request = source as CanonicalRequest | undefined;
    this.#route = route;
    this.#tenant = tenant;
  }

  get tenant(): string {
    return this.#tenant;
  }

  get route(): string {
    return this.#route?.path ?? "";
  }

  get listener(): string {
    return this.#request?.listener?.name ?? "main";
  }

  get rule(): string {
    return this.#route?.ruleName ?? "";
  }

  /* Many expressions may ask for them. */
  #tags: readonly string[] | undefined;
  get tags(): readonly string[] {
    const listener = this.listener;
    return (this.#tags ??= (this.#route?.tags ?? []).flatMap(({ tag, listeners }) =>
      listeners?.includes(listener) === false ? [] : [tag],
    ));
  }

  get host(): string {
    return this.#request?.host.replace(/:\d+$/, "") ?? "";
  }
}

const own: Readonly<Partial<Record<ShapeName, ViewClass>>> = { budget: BudgetView, llm: LlmView, request: RequestView };

/** One class for each shape. */
export const views = Object.fromEntries(
  (Object.keys(shapes) as ShapeName[]).map((shape) => [shape, own[shape] ?? defineView(shape)]),
) as Readonly<Record<ShapeName, ViewClass>>;
