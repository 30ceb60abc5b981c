import { type ComponentChildren, h } from "preact";
import { useId } from "preact/hooks";
import { count } from "../format.ts";
import { principalName } from "../principal.ts";
import { Icon, type IconName } from "./icon.ts";

type Tone = "good" | "warn" | "bad" | "calm";

const outcomes: Readonly<Record<string, readonly [icon: IconName, tone: Tone, word: string]>> = {
  ok: ["good", "good", "OK"],
  denied: ["stop", "warn", "Denied"],
  limited: ["clock", "warn", "Limited"],
  failed: ["bad", "bad", "Failed"],
  aborted: ["cut", "calm", "Aborted"],
  drained: ["cut", "calm", "Drained"],
};

/** How an operation ended: sign, word and colour. */
export function Outcome({
  of,
  count: number,
}: {
  readonly of: string;
  readonly count?: number | undefined;
}): ComponentChildren {
  const [icon, tone, word] = outcomes[of] ?? ["clock", "calm", of];
  return h(Sign, { icon, tone }, word, number !== undefined && [" ", h("b", { key: "count" }, count(number))]);
}

export function Sign({
  icon,
  tone,
  children,
}: {
  readonly icon: IconName;
  readonly tone: Tone;
  readonly children?: ComponentChildren;
}): ComponentChildren {
  return h(
    "span",
    { class: `sign ${tone}` },
    h(Icon, { name: icon, size: 14 }),
    h("span", { class: "word" }, children),
  );
}

const words: Readonly<Record<string, string>> = { mcp: "Tools", a2a: "Agents", llm: "Models", http: "Services" };
export const protocolWord = (protocol: string): string => words[protocol] ?? protocol;

/** A protocol by shape, word and colour; `bare` leaves the word to screen readers. */
export function Protocol({
  of,
  bare = false,
  children,
}: {
  readonly of: string;
  readonly bare?: boolean;
  readonly children?: ComponentChildren;
}): ComponentChildren {
  return h(
    "span",
    { class: `protocol ${of}` },
    h("i", { "aria-hidden": "true" }),
    h("span", bare ? { class: "unseen" } : null, protocolWord(of)),
    children,
  );
}

/** Who it is; the whole id is its title. */
export const Principal = ({ id }: { readonly id: string | null }): ComponentChildren =>
  h("span", id === null ? null : { title: id }, principalName(id));

export const Chip = ({
  tone,
  children,
}: {
  readonly tone?: Tone;
  readonly children?: ComponentChildren;
}): ComponentChildren => h("span", { class: tone === undefined ? "chip" : `chip ${tone}` }, children);

interface CardProps {
  readonly title: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly children?: ComponentChildren;
  /** For what reaches from edge to edge. */
  readonly flush?: boolean;
}

/** A part of a page with a name of its own. */
export function Card({ title, note, actions, children, flush = false }: CardProps): ComponentChildren {
  const id = useId();
  return h(
    "section",
    { class: "card", "aria-labelledby": id },
    h(
      "div",
      { class: "card-head" },
      h("div", null, h("h2", { id }, title), note !== undefined && h("p", null, note)),
      actions,
    ),
    flush ? [h("div", { class: "card-gap" }), children] : h("div", { class: "card-body" }, children),
  );
}

interface PageHeadProps {
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly actions?: ComponentChildren;
}

export const PageHead = ({ title, children, actions }: PageHeadProps): ComponentChildren =>
  h(
    "header",
    { class: "page-head" },
    h("div", null, h("h1", { id: "title", tabIndex: -1 }, title), children !== undefined && h("p", null, children)),
    actions,
  );

interface SegmentsProps<T extends string> {
  readonly label: string;
  readonly options: readonly (readonly [value: T, word: string])[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}

/** A choice of few, all of them in view. */
export const Segments = <T extends string>({ label, options, value, onChange }: SegmentsProps<T>): ComponentChildren =>
  h(
    "div",
    { class: "segments", role: "group", "aria-label": label },
    options.map(([option, word]) =>
      h(
        "button",
        { type: "button", key: option, "aria-pressed": option === value, onClick: () => onChange(option) },
        word,
      ),
    ),
  );

interface TileProps {
  readonly name: string;
  readonly figure: ComponentChildren;
  readonly note: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** A figure at the top of a page. */
export const Tile = ({ name, figure, note, children }: TileProps): ComponentChildren =>
  h(
    "div",
    { class: "tile" },
    h("dt", null, name),
    h("dd", null, h("div", { class: "figure" }, figure), h("div", { class: "note" }, note), children),
  );
