import { createVariant } from "../core/extension.ts";
import { type Protocol, protocols } from "../core/operation.ts";
import type { OperationContext } from "../core/step.ts";
import type { GuardrailsConfig } from "./config.ts";
import { type Guard, pass, type Verdict } from "./guard.ts";
import { guards } from "./registry.ts";

/** The guards of one config epoch. */
export interface Guardrails {
  /** Whether any guard looks at this protocol: without one, texts need not be gathered. */
  guards(protocol: Protocol): boolean;
  /** Asks each guard in turn; the first rejection decides. A guard that throws ends the operation as any failed check does. */
  input(context: Pick<OperationContext, "operation">, texts: readonly string[]): Verdict;
}

export function createGuardrails({ config }: { readonly config: GuardrailsConfig }): Guardrails {
  const built = config.map((entry) => ({
    on: entry.on,
    guard: createVariant<undefined, Guard>(guards, entry, undefined),
  }));
  const byProtocol = new Map(
    protocols.map((protocol) => [protocol, built.filter(({ on }) => on.includes(protocol)).map(({ guard }) => guard)]),
  );
  const guarding = (protocol: Protocol) => byProtocol.get(protocol) ?? [];
  return {
    guards: (protocol) => guarding(protocol).length > 0,
    input({ operation }, texts) {
      for (const guard of guarding(operation.protocol)) {
        const verdict = guard.input(operation, texts);
        if (!verdict.pass) return verdict;
      }
      return pass;
    },
  };
}
