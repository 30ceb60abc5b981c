import type { JsonPath } from "./json-edit.ts";
import type { TextRole, TextSlot } from "./text.ts";

export type JsonFields = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonFields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The elements of what may be an array, each with its path. */
export function elements(value: unknown, path: JsonPath): readonly (readonly [unknown, JsonPath])[] {
  return Array.isArray(value) ? value.map((element: unknown, index) => [element, [...path, index]] as const) : [];
}

interface Place {
  readonly value: unknown;
  readonly step: string | number;
  readonly parent: Place | undefined;
}

/** Gathers the texts of one message: each is a whole text, a channel of its own, named after its path. */
export class TextGatherer {
  readonly slots: TextSlot[] = [];
  readonly #prefix: string;

  /** `prefix`: makes the channels of this message differ from those of others in one answer. */
  constructor(prefix = "") {
    this.#prefix = prefix;
  }

  /** The text at `path`, where there is one. */
  add(value: unknown, path: JsonPath, role: TextRole): void {
    if (typeof value === "string" && value !== "") this.#push(value, path, role);
  }

  /** The text at `path` that is itself a piece of JSON. */
  addJson(value: unknown, path: JsonPath, role: TextRole): void {
    if (typeof value === "string" && value !== "")
      this.slots.push({ path, role, text: value, channel: this.#channel(path), json: true });
  }

  /** The structure at `path`, as it is spelled there. */
  addLiteral(json: string, path: JsonPath, role: TextRole): void {
    this.slots.push({ path, role, text: json, channel: this.#channel(path), json: true, literal: true });
  }

  /**
   * Every string of a structure, in order, where `wanted` says so of the member it stands in; all by default. A whole number of seven
   * digits or more is read as a text too: those of cards and telephones are often written so.
   */
  addAll(value: unknown, path: JsonPath, role: TextRole, wanted?: (key: string | number) => boolean): void {
    // A stack of its own, so that deep input cannot exhaust the engine's.
    const stack: Place[] = [{ value, step: "", parent: undefined }];
    for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
      const { value: at, step } = place;
      if (typeof at === "string") {
        if (at !== "" && (wanted === undefined || wanted(step))) this.#push(at, [...path, ...stepsTo(place)], role);
      } else if (typeof at === "number" && at >= 1e6 && Number.isSafeInteger(at) && wanted === undefined) {
        const steps = [...path, ...stepsTo(place)];
        this.slots.push({ path: steps, role, text: String(at), channel: this.#channel(steps), number: true });
      } else if (Array.isArray(at)) {
        for (let index = at.length - 1; index >= 0; index--)
          stack.push({ value: at[index], step: index, parent: place });
      } else if (isJsonObject(at)) {
        const keys = Object.keys(at);
        for (let index = keys.length - 1; index >= 0; index--) {
          const key = keys[index] as string;
          stack.push({ value: at[key], step: key, parent: place });
        }
      }
    }
  }

  #push(text: string, path: JsonPath, role: TextRole): void {
    this.slots.push({ path, role, text, channel: this.#channel(path) });
  }

  #channel(path: JsonPath): string {
    return this.#prefix + path.join(".");
  }
}

function stepsTo(place: Place): (string | number)[] {
  const steps: (string | number)[] = [];
  for (let at = place; at.parent !== undefined; at = at.parent) steps.push(at.step);
  return steps.reverse();
}
