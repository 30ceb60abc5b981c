import { GatewayError } from "../../core/errors.ts";
import type { JsonEdit } from "../../core/json-edit.ts";
import type { AnswerEvent } from "../../core/step.ts";
import { toEdit } from "../../core/text.ts";
import type { OpenGuardRequest } from "../../guardrails/guardrails.ts";
import type { GatewayContext } from "../compose.ts";
import { GuardedAnswer } from "../guarded-answer.ts";
import type { StepDefinition } from "../step-definition.ts";

const none: readonly never[] = [];

/** What the caller says is inspected before it leaves, and what comes back before the caller sees it. */
export const guard: StepDefinition = {
  name: "guard",
  per: "operation",
  create({ guardrails }, protocol) {
    const answers = guardrails.guardsAnswers(protocol);
    const open = (context: GatewayContext): OpenGuardRequest | undefined => {
      const { exchange, operation, signal } = context;
      const { principal, chain, request, route } = exchange;
      const opened: OpenGuardRequest = { operation, principal, chain, request, route, signal, slots: none };
      const slots = guardrails.holdFor(opened) ? context.work.texts?.() : undefined;
      if (slots === undefined) return undefined;
      opened.slots = slots;
      return opened;
    };

    const enter = (context: GatewayContext): void | Promise<void> => {
      const request = open(context);
      if (request !== undefined) return check(context, request);
    };

    async function check(context: GatewayContext, request: OpenGuardRequest): Promise<void> {
      const given = request.slots;
      const verdict = await guardrails.input(request);
      if (!verdict.pass) {
        context.decision = { allow: false, rule: `guard ${verdict.guard}`, reason: verdict.message };
        throw new GatewayError("denied", verdict.message, { httpStatus: verdict.status });
      }
      if (verdict.texts !== undefined) {
        const edits: JsonEdit[] = [];
        for (const [index, text] of verdict.texts) {
          const slot = given[index];
          if (slot !== undefined) edits.push(toEdit(slot, text));
        }
        context.edits = [...context.edits, ...edits];
      }
      if (answers) context.guarded = GuardedAnswer.of(guardrails, request, context.work);
    }

    async function watch(context: GatewayContext, event: AnswerEvent): Promise<readonly AnswerEvent[]> {
      if (context.guarded === undefined) return [event];
      try {
        return await context.guarded.pass(event, context.candidate);
      } catch (thrown) {
        const { kind, message: reason } = GatewayError.from(thrown);
        if (kind === "denied") context.decision = { allow: false, rule: "guard of the answer", reason };
        throw thrown;
      }
    }

    return {
      name: "guard",
      ...((answers || guardrails.guardsRequests(protocol)) && { enter }),
      ...(answers && {
        answers: (context) => context.guarded !== undefined,
        answer: (context, event) => watch(context, event),
      }),
    };
  },
};
