import { type ComponentChildren, h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ChainSort } from "../../api/chains.ts";
import { isByCounter, narrowings, type Query, sorts, timeChoices } from "../chain-query.ts";
import { setQuery } from "../place.ts";
import { Icon } from "./icon.ts";

const outcomes = ["denied", "limited", "failed", "aborted", "ok"] as const;
const outcomeWords = { denied: "Denied", limited: "Limited", failed: "Failed", aborted: "Aborted", ok: "OK" } as const;

/* A search goes out when the reader pauses. */
const PAUSE_MS = 250;

interface ChainFiltersProps {
  readonly query: Query;
  readonly sort: ChainSort;
}

/** What is looked for, in which order; all of it is in the address. */
export function ChainFilters({ query, sort }: ChainFiltersProps): ComponentChildren {
  const { q = "", outcome = "", from = "", to = "" } = query;
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  useEffect(() => {
    if (text === q) return;
    const timer = setTimeout(() => setQuery({ q: text }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return h(
    "form",
    { class: "filters", role: "search", onSubmit: (event: Event) => event.preventDefault() },
    h(
      "label",
      { class: "field grow" },
      "Search",
      h("input", {
        type: "search",
        "data-search": true,
        placeholder: "Names, ids, tenants, rules, budgets",
        value: text,
        onInput: (event: Event) => setText((event.currentTarget as HTMLInputElement).value),
      }),
    ),
    h(Choice, {
      label: "Ended",
      value: outcome,
      options: [["", "In any way"], ...outcomes.map((name) => [name, outcomeWords[name]] as const)],
      onChange: (value) => setQuery({ outcome: value }),
    }),
    h(Choice, {
      label: "When",
      wide: true,
      value: `${from}~${to}`,
      options: timeChoices(query, Date.now()),
      onChange: (value) => {
        const [begin = "", end = ""] = value.split("~");
        setQuery({ from: begin, to: end });
      },
    }),
    h(Choice, {
      label: "Order",
      value: sort,
      options: sorts.filter(([name]) => name !== "used" || isByCounter(query)),
      onChange: (value) => setQuery({ sort: value === "newest" ? "" : value }),
    }),
    h(
      "label",
      { class: "check" },
      h("input", {
        type: "checkbox",
        checked: query["idle"] !== undefined,
        onChange: (event: Event) =>
          setQuery({ idle: (event.currentTarget as HTMLInputElement).checked ? "shown" : "" }),
      }),
      "Handshakes and lists",
    ),
    h(Narrowings, { query }),
  );
}

/** What a link asked for beside the fields. */
function Narrowings({ query }: { readonly query: Query }): ComponentChildren {
  const all = narrowings(query);
  if (all.length === 0) return null;
  return h(
    "ul",
    { class: "narrowings", "aria-label": "Narrowed to" },
    all.map(({ text, without }) =>
      h(
        "li",
        { key: text, class: "chip" },
        text,
        h(
          "button",
          { class: "link", type: "button", "aria-label": `No longer: ${text}`, onClick: () => setQuery(without) },
          h(Icon, { name: "bad", size: 12 }),
        ),
      ),
    ),
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, word: string])[];
  readonly onChange: (value: string) => void;
  readonly wide?: boolean;
}

const Choice = ({ label, value, options, onChange, wide = false }: ChoiceProps): ComponentChildren =>
  h(
    "label",
    { class: wide ? "field wide" : "field" },
    label,
    h(
      "select",
      { value, onChange: (event: Event) => onChange((event.currentTarget as HTMLSelectElement).value) },
      options.map(([option, word]) => h("option", { key: option, value: option }, word)),
    ),
  );
