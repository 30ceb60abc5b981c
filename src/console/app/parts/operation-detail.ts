import { type ComponentChildren, h } from "preact";
import type { OperationRecord } from "../../api/chains.ts";
import type { ExplainedOperation, ExplainedStep } from "../../api/policies.ts";
import type { Models } from "../../api/models.ts";
import { endpointNames } from "../endpoint-names.ts";
import { compact, count, dateAndTime, duration, money, percent } from "../format.ts";
import { place } from "../place.ts";
import { principalName } from "../principal.ts";
import { useResource } from "../resource.ts";
import { addressOf } from "../router.ts";
import { amountText } from "./budget-list.ts";
import { WhoUsedIt } from "./counter-use.ts";
import { endOf, nameOfOperation } from "./flow.ts";
import { Icon, type IconName } from "./icon.ts";
import { inWords } from "./in-words.ts";
import { Chip, Outcome, Protocol } from "./marks.ts";
import { PickScores } from "./pick-scores.ts";
import { RuleText } from "./rule-text.ts";
import { Loaded } from "./states.ts";

interface OperationDetailProps {
  readonly id: string;
  /** Its chain, by which it is found however old it is; undefined where nobody knows. */
  readonly chain: string | undefined;
  readonly onClose?: () => void;
}

/** One recorded call: what happened and why, what to change, each step of its way, and the figures. */
export function OperationDetail({ id, chain, onClose }: OperationDetailProps): ComponentChildren {
  const operation = useResource<ExplainedOperation>(
    `/api/operations/${encodeURIComponent(id)}${chain === undefined ? "" : `?chain=${encodeURIComponent(chain)}`}`,
  );
  return h(
    "section",
    { class: "card detail", "aria-label": "Detail of the call" },
    h(Loaded<ExplainedOperation>, { from: operation, children: (data) => h(Explained, { of: data, onClose }) }),
  );
}

const tones: Readonly<Record<string, string>> = { ok: "good", denied: "warn", limited: "warn", failed: "bad" };

function Explained({
  of,
  onClose,
}: {
  readonly of: ExplainedOperation;
  readonly onClose: (() => void) | undefined;
}): ComponentChildren {
  const { record, advice } = of;
  const end = endOf(record);
  const denied = record.decision?.allow === false;
  const refusal = record.kind === "budget_exhausted" ? record.refusals?.at(-1) : undefined;
  const names = useNames(record);
  return h(
    "div",
    null,
    h(
      "div",
      { class: "card-head" },
      h(
        "div",
        null,
        h("h2", null, nameOfOperation(record)),
        h("p", null, h(Protocol, { of: record.protocol }), " ", record.method),
      ),
      h(
        "div",
        { class: "row" },
        h(Outcome, { of: end }),
        onClose !== undefined &&
          h(
            "button",
            { class: "button bare", type: "button", "aria-label": "Close the detail", onClick: onClose },
            h(Icon, { name: "bad", size: 14 }),
          ),
      ),
    ),
    h(
      "div",
      { class: "card-body parts" },
      h(
        "div",
        { class: `why ${tones[end] ?? ""}` },
        h("strong", null, end === "ok" ? "What happened" : "Why"),
        h("p", null, inWords(of.summary, names)),
      ),
      refusal !== undefined && h(WhoUsedIt, { use: of.usedBy, refusal }),
      denied && h(Rule, { of }),
      advice.length > 0 &&
        h(
          "div",
          null,
          h("h3", null, "What to change"),
          h(
            "ul",
            { class: "advice" },
            advice.map((line) => h("li", { key: line }, inWords(line, names))),
          ),
        ),
      !denied && h(Rule, { of }),
      h(
        "div",
        null,
        h("h3", null, "Its way through the gateway"),
        h(
          "ol",
          { class: "steps" },
          of.steps.map((step, at) => h(Step, { key: at, step, names })),
        ),
      ),
      h(Charges, { record }),
      record.picks !== undefined &&
        record.picks.length > 0 &&
        h(
          "div",
          null,
          h("h3", null, "Why this endpoint"),
          record.picks.map((pick, at) => h(PickScores, { key: at, pick, names })),
        ),
      h("div", null, h("h3", null, "Figures"), h(Figures, { record })),
      place.get()?.id !== record.chainId &&
        h(
          "p",
          null,
          h(
            "a",
            { href: addressOf({ page: "chains", id: record.chainId, query: { op: record.operationId } }) },
            "The whole chain it belongs to",
          ),
        ),
    ),
  );
}

/** The caller and the endpoints as a person knows them, by what the gateway's sentences call them. */
function useNames({ principal, picks = [] }: OperationRecord): ReadonlyMap<string, string> {
  const models = useResource<Models>(picks.length === 0 ? undefined : "/api/models");
  const caller = [principal.id, principalName(principal.id)] as const;
  return new Map([caller, ...picks.flatMap(({ pool }) => [...endpointNames(models.data?.pools ?? [], pool)])]);
}

/** The rule that decided, as it stands now. */
function Rule({ of: { rule, sameRules, record } }: { readonly of: ExplainedOperation }): ComponentChildren {
  if (rule === undefined)
    return sameRules ? null : h("p", { class: "hint" }, "The rules have changed since this call.");
  return h(
    "div",
    null,
    h("h3", null, record.decision?.allow === true ? "The rule that let it pass" : "The rule that decided"),
    h(RuleText, { rule }),
    !sameRules && h("p", { class: "hint" }, "The rules have changed since: this is how it stands now."),
  );
}

const verdicts: Readonly<Record<ExplainedStep["verdict"], readonly [icon: IconName, tone: string, word: string]>> = {
  ok: ["good", "good", "passed"],
  refused: ["stop", "warn", "refused"],
  failed: ["bad", "bad", "failed"],
  info: ["right", "calm", ""],
};

interface StepProps {
  readonly step: ExplainedStep;
  readonly names: ReadonlyMap<string, string>;
}

function Step({ step: { step, verdict, text }, names }: StepProps): ComponentChildren {
  const [icon, tone, word] = verdicts[verdict];
  return h(
    "li",
    null,
    h("span", { class: tone }, h(Icon, { name: icon, size: 14 })),
    h(
      "span",
      null,
      h("small", null, step, word !== "" && h("span", { class: "unseen" }, `, ${word}`)),
      inWords(text, names),
    ),
  );
}

function Charges({ record: { charges = [] } }: { readonly record: OperationRecord }): ComponentChildren {
  if (charges.length === 0) return null;
  return h(
    "div",
    null,
    h("h3", null, "Charged in"),
    h(
      "ul",
      { class: "top-list" },
      charges.map(({ budget, limit, key, unit, booked, reserved }) =>
        h(
          "li",
          { key: `${budget} ${limit} ${key}` },
          h("span", { class: "name" }, budget, " ", h("small", { class: "calm" }, limit)),
          h(
            "span",
            { class: "value" },
            amountText(booked, unit),
            reserved !== booked && h("small", null, `held ${amountText(reserved, unit)}`),
          ),
        ),
      ),
    ),
  );
}

function Figures({ record }: { readonly record: OperationRecord }): ComponentChildren {
  const { usage, principal, target, failed = [] } = record;
  const tokens =
    usage === undefined
      ? undefined
      : `${compact(usage.inputTokens ?? 0)} in, ${compact(usage.outputTokens ?? 0)} out${usage.cachedInputTokens === undefined ? "" : `, ${percent(usage.cachedInputTokens / (usage.inputTokens ?? 1))} of the input cached`}`;
  const pairs: readonly (readonly [string, ComponentChildren])[] = [
    ["When", dateAndTime(record.timeMs)],
    [
      "Took",
      `${duration(record.durationMs)}${record.firstByteMs === undefined ? "" : `, first byte after ${duration(record.firstByteMs)}`}`,
    ],
    ["Cost", record.costNanos === undefined ? undefined : money(record.costNanos)],
    ["Tokens", tokens],
    ["Caller", principal.id],
    ["Client", principal.client],
    ["Tenant", principal.tenant],
    ["Counted for", record.tenant === undefined ? undefined : `tenant ${record.tenant}`],
    ["Groups", principal.groups?.join(", ")],
    ["Acts for", principal.actors.map(({ subject }) => subject).join(", ")],
    ["Through", record.path?.join(" → ")],
    ["Route", record.route],
    ["Server", target.server === target.name ? undefined : target.server],
    ["Answered by", record.candidate],
    ["Tried before", failed.map(({ name, reason }) => `${name}: ${reason}`).join("; ")],
    ["Upstream said", record.upstreamStatus === undefined ? undefined : count(record.upstreamStatus)],
    ["Error", record.kind],
    ["In shadow", record.decision?.shadow?.map(({ rule, would }) => `${rule} would ${would}`).join("; ")],
    ["Request", h("span", { class: "mono" }, record.requestId)],
    ["Operation", h("span", { class: "mono" }, record.operationId)],
  ];
  return h(
    "dl",
    { class: "pairs" },
    pairs.flatMap(([name, value]) =>
      value === undefined || value === ""
        ? []
        : [h("dt", { key: name }, name), h("dd", { key: `${name} value` }, value)],
    ),
    record.notes?.map((note) => [
      h("dt", { key: note }, "Note"),
      h("dd", { key: `${note} value` }, h(Chip, null, note)),
    ]),
  );
}
