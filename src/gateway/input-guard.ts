import { GatewayError } from "../core/errors.ts";
import type { OperationContext } from "../core/step.ts";
import { createGuardrails } from "../guardrails/guardrails.ts";
import type { GuardrailsConfig } from "../guardrails/config.ts";
import { textsOf } from "./texts-of.ts";

/** Enforces what the guards say of what a caller sends. */
export interface InputGuard {
  /** Throws `denied` with the guard's message. */
  check(context: OperationContext): void;
}

export function createInputGuard(config: GuardrailsConfig): InputGuard {
  const guardrails = createGuardrails({ config });
  return {
    check(context) {
      if (!context.operation.judged || !guardrails.guards(context.operation.protocol)) return;
      const verdict = guardrails.input(context, textsOf(context.operation));
      if (verdict.pass) return;
      context.decision = { allow: false, rule: `guard ${verdict.guard}`, reason: verdict.message };
      throw new GatewayError("denied", verdict.message);
    },
  };
}
