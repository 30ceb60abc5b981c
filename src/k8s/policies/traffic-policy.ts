import { configSchema } from "../../config/schema.ts";
import type { ConfigPath } from "../../core/config-problem.ts";
import { conditionsOf } from "../condition.ts";
import {
  type GuardRegexSpec,
  type GuardWebhookSpec,
  trafficPolicy,
  type TrafficPolicySpec,
} from "../kinds/traffic-policy.ts";
import { definePolicy, type PolicyContext } from "./define-policy.ts";
import { type Part, partsOf, reachOf, tagParts } from "./parts.ts";
import { ancestorsOf } from "./ancestors.ts";
import { claimsOf } from "./close-claims.ts";
import { gateway } from "../kinds/gateway.ts";
import { findOrdinaryRoutes, type OrdinaryRoutes } from "./ordinary-routes.ts";
import { isPlatform } from "../options.ts";
import { tlsFaultAt } from "../backends/tls-policies.ts";
import { reachFault } from "../reach-fault.ts";
import { refsOf } from "./refs.ts";

type Context = PolicyContext<TrafficPolicySpec>;

/** An entry of `guardrails`, and the places of what it was made of. */
interface GuardPiece {
  readonly value: Readonly<Record<string, unknown>>;
  /** Where the option that may be wrong stands in the policy, by its path in the entry. */
  readonly locate: (path: ConfigPath) => ConfigPath;
}

const AT = ["spec", "ai", "promptGuard"];
const personal = { SSN: "ssn", CREDIT_CARD: "card", PHONE_NUMBER: "phone", EMAIL: "email" } as const;

export const trafficPolicyPolicy = definePolicy<TrafficPolicySpec>({
  kind: trafficPolicy,
  targets: ({ spec }) => refsOf(spec.targetRefs),
  ai: ({ spec }) => spec.ai !== undefined,
  apply(policies) {
    const sound = policies.filter((policy) => isSound(policy));
    const parts = partsOf(sound);
    for (const policy of sound.toSorted((a, b) => nearnessOf(a) - nearnessOf(b))) {
      const ordinary = findOrdinaryRoutes(policy);
      const reached = reachOf(policy, parts);
      const guards = guardsOf(policy);
      if (reached.length > 0 && guards.length > 0) {
        const { namespace, name } = policy.object;
        const where = tagParts(`TrafficPolicy ${namespace}/${name}`, reached, parts, policy.tag);
        for (const { value, locate } of guards) policy.config.push(["guardrails"], { ...value, where }, locate);
      }
      tell(policy, attachedAs(policy, reached, ordinary));
    }
  },
  refused({ manifest, namespace, because, reason, options, status }) {
    const condition = conditionsOf(manifest.metadata.generation);
    const conditions = [
      condition("Accepted", "False", because, reason),
      condition("Attached", "False", "Pending", "The policy is not valid."),
    ];
    status({
      ancestors: claimsOf(manifest).map((claim) => ({
        ancestorRef: { group: "gateway.networking.k8s.io", ...claim, namespace },
        controllerName: options.controllerName,
        conditions,
      })),
    });
  },
});

/*
 * All of them hold, those of the Gateway first. kgateway merges by field, and `ai` is one: there whoever may write a policy for a route
 * lifts the guards of the Gateway with any other word below `ai`.
 */
const nearnessOf = ({ targets }: Context): number =>
  Math.min(
    ...targets.map(({ object, ref }) => (object.kind === gateway ? 0 : 2) + (ref.sectionName === undefined ? 0 : 1)),
  );

function isSound(policy: Context): boolean {
  const { refuse, warn } = policy;
  const guards = guardsOf(policy);
  const faults = [...guards.flatMap(faultsIn), ...guards.flatMap((guard) => reachFaults(guard, policy))];
  for (const fault of faults) refuse(fault);
  if (faults.length > 0) {
    const message = faults.map((fault) => fault.message).join("; ");
    tell(policy, ["False", "Pending", "The policy is not valid."], message);
    return false;
  }
  if (guards.length === 0) warn({ path: ["spec"], message: "says nothing in `ai.promptGuard`: it has no effect" });
  return true;
}

function faultsIn({ value, locate }: GuardPiece) {
  const read = configSchema.shape.guardrails.safeParse([value]);
  if (read.success) return [];
  return read.error.issues.map(({ path, message }) => ({
    path: locate(path.slice(1).map((part) => (typeof part === "number" ? part : String(part)))),
    message,
  }));
}

/* Where the policy's namespace may not send the gateway. */
function reachFaults({ value, locate }: GuardPiece, { object, objects, options }: Context) {
  if (value["type"] !== "webhook") return [];
  const { group, kind } = object.kind;
  const from = { group, kind, namespace: object.namespace };
  const url = String(value["url"]);
  const known = { objects, options };
  const message = reachFault(url, from, known)?.message ?? tlsFaultAt(known, url);
  return message === undefined ? [] : [{ path: locate([]), message }];
}

/* In the order in which kgateway asks them: webhook, then patterns. */
function guardsOf({ object, options }: Pick<Context, "object" | "options">): readonly GuardPiece[] {
  const { request, response } = object.spec.ai?.promptGuard ?? {};
  const reach = isPlatform(options, object.namespace) ? {} : { reach: "network" };
  const pieces: GuardPiece[] = [];
  if (request !== undefined) {
    const { customResponse, regex, webhook } = request;
    if (webhook !== undefined) pieces.push(toWebhook(webhook, "input", reach));
    if (regex?.action === "REJECT")
      pieces.push(
        ...toGuards(regex, "request", { message: customResponse.message, status: customResponse.statusCode }),
      );
    else if (regex !== undefined) pieces.push(...toGuards(regex, "request"));
  }
  if (response?.webhook !== undefined) pieces.push(toWebhook(response.webhook, "output", reach));
  if (response?.regex !== undefined) pieces.push(...toGuards(response.regex, "response"));
  return pieces;
}

function toWebhook({ endpoint }: GuardWebhookSpec, direction: "input" | "output", reach: object): GuardPiece {
  const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
  return {
    value: { type: "webhook", url: `http://${host}:${endpoint.port}`, direction, on: ["llm"], ...reach },
    locate: () => [...AT, direction === "input" ? "request" : "response", "webhook", "endpoint"],
  };
}

interface Rejection {
  readonly message: string;
  readonly status: number;
}

function toGuards(
  { matches = [], builtins = [] }: GuardRegexSpec,
  side: "request" | "response",
  rejection?: Rejection,
) {
  const pieces: GuardPiece[] = [];
  const at = [...AT, side, "regex"];
  if (matches.length > 0)
    pieces.push({
      value: {
        type: "pattern",
        on: ["llm"],
        direction: side === "request" ? "input" : "output",
        ...(rejection === undefined
          ? { mask: matches.map(({ pattern }) => toPattern(pattern, true)) }
          : { reject: matches.map(({ pattern }) => toPattern(pattern, false)), ...rejection }),
      },
      locate: ([option, index]) =>
        (option === "reject" || option === "mask") && typeof index === "number"
          ? [...at, "matches", index, "pattern"]
          : rejection === undefined
            ? at
            : [...AT, "request", "customResponse"],
    });
  if (builtins.length > 0)
    pieces.push({
      value: {
        type: "pii",
        on: ["llm"],
        mask: [...new Set(builtins.map((name) => personal[name]))],
        ...(side === "response"
          ? { input: "pass", output: "mask" }
          : rejection === undefined
            ? { input: "mask" }
            : { input: "reject", ...rejection }),
      },
      locate: () => [...at, "builtins"],
    });
  return pieces;
}

/* Theirs tell upper case from lower unless `(?i)` stands before them. What masks may be of any length: its answers are held back whole. */
function toPattern(pattern: string, buffer: boolean) {
  const insensitive = pattern.startsWith("(?i)");
  return { regex: insensitive ? pattern.slice(4) : pattern, caseSensitive: !insensitive, ...(buffer && { buffer }) };
}

type Attached = readonly [status: "True" | "False", reason: string, message: string];

function attachedAs(
  { targets, missing }: Context,
  reached: readonly Part[],
  ordinary: OrdinaryRoutes | undefined,
): Attached {
  if (targets.length === 0) return ["False", "TargetNotFound", "None of the targets is there."];
  if (reached.length === 0) return ["False", "Pending", "No route of the targets is served yet."];
  if (ordinary?.all === true)
    return ["False", "Pending", `No route of the targets serves models; not for ${ordinary.text}.`];
  const there = missing.length === 0 ? "all targets" : "the targets that are there";
  const which = ordinary === undefined ? there : `calls of models by ${there}, not for ${ordinary.text}`;
  return ["True", "Attached", `Attached to ${which}.`];
}

function tell(policy: Context, [status, reason, message]: Attached, invalid?: string): void {
  const condition = conditionsOf(policy.object.metadata.generation);
  policy.status({
    ancestors: ancestorsOf(policy, [
      invalid === undefined
        ? condition("Accepted", "True", "Valid", "The policy is accepted.")
        : condition("Accepted", "False", "Invalid", invalid),
      condition("Attached", status, reason, message),
    ]),
  });
}
