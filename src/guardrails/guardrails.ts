import { createVariant } from "../core/extension.ts";
import { type Operation, type Protocol, protocols } from "../core/operation.ts";
import { createAnswerWatch, type AnswerWatch } from "./answer-watch.ts";
import type { GuardrailsConfig } from "./config.ts";
import { type Guard, type GuardDeps, type GuardRequest, type GuardScope, pass, type Verdict } from "./guard.ts";
import { guards } from "./registry.ts";
import { compileWhere } from "./where.ts";
import { withStatus } from "./with-status.ts";

/** A request under inspection: its texts change as guards rewrite them. */
export type OpenGuardRequest = GuardRequest & { slots: GuardRequest["slots"] };

/** The guards of one config epoch. */
export interface Guardrails {
  /** Whether any guard looks at what callers of this protocol send: without one, texts need not be gathered. */
  guardsRequests(protocol: Protocol): boolean;
  /** Whether any guard looks at this protocol's answers: without one, they need not be read. */
  guardsAnswers(protocol: Protocol): boolean;
  /** Whether any guard is for this operation: for others no text need be gathered. Throws where that cannot be told. */
  holdFor(scope: GuardScope): boolean;
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
    config.map((entry) => {
      const { on, where, status } = entry;
      const guard = createVariant<GuardDeps, Guard>(guards, entry, deps);
      return {
        on,
        guard: status === undefined ? guard : withStatus(guard, status),
        ...(where !== undefined && { holds: compileWhere(where) }),
      };
    }),
  );
}

/** A guard, and what it is for. */
export interface BuiltGuard {
  readonly on: readonly Protocol[];
  readonly guard: Guard;
  /** Absent: it holds for everything. */
  readonly holds?: (scope: GuardScope) => boolean;
}

/** Several guards as one, each on the protocols it is for. */
export function combineGuards(built: readonly BuiltGuard[]): Guardrails {
  const lines = new Map(
    protocols.map((protocol) => [protocol, toLine(built.filter(({ on }) => on.includes(protocol)))]),
  );
  const lineOf = (protocol: Protocol) => lines.get(protocol)!;
  return {
    guardsRequests: (protocol) => lineOf(protocol).all.some((guard) => guard.input !== undefined),
    guardsAnswers: (protocol) => lineOf(protocol).all.some((guard) => guard.output !== undefined),
    holdFor: (scope) => lineOf(scope.operation.protocol).of(scope).length > 0,
    input: (request) => judge(lineOf(request.operation.protocol).of(request), request),
    output(request) {
      const watching = lineOf(request.operation.protocol)
        .of(request)
        .map((guard) => guard.output?.(request));
      return createAnswerWatch(watching.filter((guard) => guard !== undefined));
    },
  };
}

/** The guards of one protocol. */
interface Line {
  readonly all: readonly Guard[];
  /** Those that hold for one operation: found out once, and the same for its answer as for its request. */
  of(scope: GuardScope): readonly Guard[];
}

function toLine(built: readonly BuiltGuard[]): Line {
  const all = built.map(({ guard }) => guard);
  if (built.every(({ holds }) => holds === undefined)) return { all, of: () => all };
  const known = new WeakMap<Operation, readonly Guard[]>();
  return {
    all,
    of(scope) {
      let holding = known.get(scope.operation);
      if (holding === undefined) {
        holding = built.filter(({ holds }) => holds?.(scope) ?? true).map(({ guard }) => guard);
        known.set(scope.operation, holding);
      }
      return holding;
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
