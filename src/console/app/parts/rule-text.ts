import { type ComponentChildren, h } from "preact";
import type { PolicyRule } from "../../api/policies.ts";
import { Chip } from "./marks.ts";

const effects = { allow: "good", deny: "bad", require: "warn" } as const;

export const Effect = ({
  of,
  shadow,
}: {
  readonly of: PolicyRule["effect"];
  readonly shadow: boolean;
}): ComponentChildren =>
  h("span", { class: "effects" }, h(Chip, { tone: effects[of] }, of), shadow && h(Chip, null, "shadow"));

/** A rule as its author wrote it, and where. */
export const RuleText = ({ rule }: { readonly rule: PolicyRule }): ComponentChildren =>
  h(
    "div",
    { class: "stack close" },
    h("p", null, h(Effect, { of: rule.effect, shadow: rule.shadow }), " ", h("b", null, rule.name)),
    h("pre", { class: "expression" }, rule.expression),
    h(
      "p",
      { class: "hint" },
      rule.source,
      rule.message !== undefined && [h("br", null), `Callers read: ${rule.message}`],
    ),
  );
