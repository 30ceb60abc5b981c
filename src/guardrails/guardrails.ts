import { createVariant } from "../core/extension.ts";
import { type Protocol, protocols } from "../core/operation.ts";
import { createAnswerWatch, type AnswerWatch } from "./answer-watch.ts";
import type { GuardrailsConfig } from "./config.ts";
import { type Guard, type GuardDeps, type GuardRequest, pass, type Verdict } from "./guard.ts";
import { guards } from "./registry.ts";

/** A request under inspection: its texts change as guards rewrite them. */
export type OpenGuardRequest = GuardRequest & { slots: GuardRequest["slots"] };

/** The guards of one config epoch. */
export interface Guardrails {
  /** Whether any guard looks at what callers of this protocol send: without one, texts need not be gathered. */
  guardsRequests(protocol: Protocol): boolean;
  /** Whether any guard looks at this protocol's answers: without one, they need not be read. */
  guardsAnswers(protocol: Protocol): boolean;
  /**
   * Asks each guard in turn, each seeing the texts as the one before left them; the first rejection decides. The verdict's texts are
   * those that differ in the end. A guard that throws ends the operation as any failed check does.
   */
  input(request: OpenGuardRequest): Promise<Verdict>;
  /** Begins to watch the answer to a request that has passed; undefined where no guard has anything to do for it. */
  output(request: GuardRequest): AnswerWatch | undefined;
}

export function createGuardrails(config: GuardrailsConfig, deps: GuardDeps): Guardrails {
  return combineGuards(
    config.map((entry) => ({ on: entry.on, guard: createVariant<GuardDeps, Guard>(guards, entry, deps) })),
  );
}

/** Several guards as one, each on the protocols it is for. */
export function combineGuards(
  built: readonly { readonly on: readonly Protocol[]; readonly guard: Guard }[],
): Guardrails {
  const byProtocol = new Map(
    protocols.map((protocol) => [protocol, built.filter(({ on }) => on.includes(protocol)).map(({ guard }) => guard)]),
  );
  const guarding = (protocol: Protocol) => byProtocol.get(protocol) ?? [];
  return {
    guardsRequests: (protocol) => guarding(protocol).some((guard) => guard.input !== undefined),
    guardsAnswers: (protocol) => guarding(protocol).some((guard) => guard.output !== undefined),
    input: (request) => judge(guarding(request.operation.protocol), request),
    output(request) {
      const watching = guarding(request.operation.protocol).map((guard) => guard.output?.(request));
      return createAnswerWatch(watching.filter((guard) => guard !== undefined));
    },
  };
}

async function judge(guarding: readonly Guard[], request: OpenGuardRequest): Promise<Verdict> {
  const given = request.slots;
  for (const guard of guarding) {
    const verdict = await guard.input?.(request);
    if (verdict === undefined) continue;
    if (!verdict.pass) return verdict;
    const { texts } = verdict;
    if (texts === undefined || texts.size === 0) continue;
    request.slots = request.slots.map((slot, index) => ({ ...slot, text: texts.get(index) ?? slot.text }));
  }
  if (request.slots === given) return pass;
  const texts = new Map<number, string>();
  for (const [index, { text }] of request.slots.entries()) if (text !== given[index]?.text) texts.set(index, text);
  return texts.size === 0 ? pass : { pass: true, texts };
}
