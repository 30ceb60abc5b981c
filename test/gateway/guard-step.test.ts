import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { GatewayError } from "../../src/core/errors.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { silentLog } from "../../src/core/log.ts";
import type { AnswerEvent, OperationContext, Work } from "../../src/core/step.ts";
import { composeJourney, type GatewayStep } from "../../src/gateway/compose.ts";
import { createFailover } from "../../src/gateway/failover.ts";
import type { Parts } from "../../src/gateway/parts.ts";
import type { StepDefinition } from "../../src/gateway/step-definition.ts";
import { guard } from "../../src/gateway/steps/guard.ts";
import { plan } from "../../src/gateway/steps/plan.ts";
import { relay } from "../../src/gateway/steps/relay.ts";
import type { Guard, OutputGuard } from "../../src/guardrails/guard.ts";
import { combineGuards } from "../../src/guardrails/guardrails.ts";
import { createAnthropicForm } from "../../src/inference/dialects/anthropic-answer-form.ts";
import { createOpenaiForm } from "../../src/inference/dialects/openai-answer-form.ts";
import { chatTexts } from "../../src/inference/dialects/openai-texts.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { requestOf } from "../guardrails/guard-scene.ts";

const failover = createFailover({ clock: systemClock, meter: createMetrics().meter });

function build(definition: StepDefinition, parts: Partial<Parts> = {}): GatewayStep {
  if (definition.per === "exchange") throw new Error("not a step of an operation");
  return definition.create(parts as Parts, "llm");
}

/* What the journal is told of the last one. */
let decided: OperationContext["decision"];

/** Carries one chat out under these guards. */
function operate(guards: readonly Guard[], work: Omit<Work<string>, "plan" | "texts">, models = ["m"]) {
  const guardrails = combineGuards(guards.map((each) => ({ on: ["llm"], guard: each })));
  const look: GatewayStep = { name: "look", end: ({ decision }) => void (decided = decision) };
  const journey = {
    operation: [look, build(plan), build(guard, { guardrails })],
    candidate: [build(relay)],
  };
  const { principal, chain, operation, signal } = requestOf("llm");
  const reply = { started: false, setHeader() {}, send() {}, open() {}, write() {}, end() {}, destroy() {} };
  const exchange = { reply, log: silentLog, signal, principal, chain } as unknown as Exchange;
  const body = { messages: [{ role: "user", content: "hello" }] };
  return composeJourney(journey, systemClock, failover)(exchange, operation, {
    plan: () => models.map((name) => ({ name })),
    texts: () => chatTexts(body),
    answers: () => createOpenaiForm(),
    ...work,
  });
}

const eventOf = (content: string, finish: string | null = null, last = false): AnswerEvent => {
  const value = { id: "c", choices: [{ index: 0, delta: { content }, finish_reason: finish }] };
  return { value, bytes: Buffer.from(JSON.stringify(value)), last };
};

/** Says these pieces and gives what goes out. */
async function say(context: OperationContext, pieces: readonly string[], end = true): Promise<string> {
  let shown = "";
  const pass = async (event: AnswerEvent) => {
    for (const { bytes } of (await context.answer?.(event)) ?? [event]) {
      const { choices } = JSON.parse(bytes.toString()) as { choices: { delta: { content: string } }[] };
      shown += choices[0]?.delta.content;
    }
  };
  for (const piece of pieces) await pass(eventOf(piece));
  if (end) await pass(eventOf("", "stop", true));
  return shown;
}

const broken = (): never => {
  throw new TypeError("a bug");
};

test("a guard that throws is a denial: of a request, and nobody is asked", async () => {
  for (const input of [broken, () => Promise.reject(new TypeError("a bug"))])
    await expect(operate([{ input }], { relay: () => Promise.resolve("reached") })).rejects.toMatchObject({
      kind: "denied",
    });
});

test("a guard that throws is a denial: of an answer, however far it has come", async () => {
  const fine: OutputGuard = { push: ({ text }) => text, end: () => "" };
  const guards: OutputGuard[] = [
    { ...fine, push: broken },
    { ...fine, end: broken },
  ];
  for (const watching of guards) {
    const answered = operate([{ output: () => watching }], { relay: (context) => say(context, ["hello"]) });
    await expect(answered).rejects.toMatchObject({ kind: "denied" });
  }
  await expect(operate([{ output: broken }], { relay: () => Promise.resolve("reached") })).rejects.toMatchObject({
    kind: "denied",
  });
});

test("who refused, and why, is what the journal is told", async () => {
  const input: Guard["input"] = () => ({ pass: false, guard: "pattern", message: "Not this." });
  await expect(operate([{ input }], { relay: async () => "reached" })).rejects.toThrow("Not this.");
  expect(decided).toEqual({ allow: false, rule: "guard pattern", reason: "Not this." });
  const push = () => Promise.reject(new GatewayError("denied", "Nor that."));
  const answered = operate([{ output: () => ({ push, end: () => "" }) }], { relay: (context) => say(context, ["a"]) });
  await expect(answered).rejects.toThrow("Nor that.");
  expect(decided).toEqual({ allow: false, rule: "guard of the answer", reason: "Nor that." });
});

test("a form that cannot read an answer is a denial too", async () => {
  const watching: OutputGuard = { push: ({ text }) => text, end: () => "" };
  const relayed = async (context: OperationContext) => {
    const value = { choices: Array.from({ length: 1_001 }, (_, index) => ({ index, delta: { content: "x" } })) };
    await context.answer?.({ value, bytes: Buffer.from(JSON.stringify(value)), last: false });
    return "shown";
  };
  await expect(operate([{ output: () => watching }], { relay: relayed })).rejects.toMatchObject({ kind: "denied" });
});

test("guards see what those before them left, and the relay makes their edits", async () => {
  const append = (letter: string): Guard => ({
    input: ({ slots }) => ({ pass: true, texts: new Map(slots.map(({ text }, index) => [index, text + letter])) }),
  });
  const edits = await operate([append("1"), append("2")], {
    relay: (context) => Promise.resolve(JSON.stringify(context.edits)),
  });
  expect(JSON.parse(edits)).toEqual([{ path: ["messages", 0, "content"], json: '"hello12"' }]);
});

test("an answer that no guard has anything to do with is not read", async () => {
  const guards: Guard[] = [{ input: () => ({ pass: true }), output: () => undefined }];
  expect(await operate(guards, { relay: (context) => Promise.resolve(String(context.answer)) })).toBe("undefined");
});

/** Holds everything back to the end. */
function holding(mark: string, restores?: true): Guard {
  return {
    output() {
      let held = "";
      return {
        ...(restores && { restores }),
        push: ({ text }) => ((held += text), ""),
        end: () => held + mark,
      };
    },
  };
}

test("what is held back goes out before the end, through the guards that follow; those that restore come last", async () => {
  const relayed = { relay: (context: OperationContext) => say(context, ["a", "b"]) };
  expect(await operate([holding("1"), holding("2")], relayed)).toBe("ab12");
  expect(await operate([holding("restored", true), holding("masked")], relayed)).toBe("abmaskedrestored");
});

test("what says a text once more is taken out where the text is changed, and nowhere else", async () => {
  const shout: OutputGuard = { push: ({ text }) => (text === "loud" ? "LOUD" : text), end: () => "" };
  const shown: unknown[] = [];
  const relayed = async (context: OperationContext) => {
    for (const content of ["soft", "loud"]) {
      const value = { choices: [{ index: 0, delta: { content }, logprobs: { content: [{ token: content }] } }] };
      const bytes = Buffer.from(JSON.stringify(value));
      for (const event of (await context.answer?.({ value, bytes, last: false })) ?? []) shown.push(event.value);
    }
    return "shown";
  };
  await operate([{ output: () => shout }], { relay: relayed });
  expect(shown).toEqual([
    { choices: [{ index: 0, delta: { content: "soft" }, logprobs: { content: [{ token: "soft" }] } }] },
    { choices: [{ index: 0, delta: { content: "LOUD" }, logprobs: null }] },
  ]);
});

test("a guard that makes no JSON of JSON breaks its own answer, and is a denial", async () => {
  const breaking: OutputGuard = { push: ({ text }) => text.slice(1), end: () => "" };
  const relayed = async (context: OperationContext) => {
    const value = { type: "message", content: [{ type: "tool_use", id: "t", name: "f", input: { a: 1 } }] };
    await context.answer?.({ value, bytes: Buffer.from(JSON.stringify(value)), last: true });
    return "shown";
  };
  const answered = operate([{ output: () => breaking }], { relay: relayed, answers: createAnthropicForm });
  await expect(answered).rejects.toMatchObject({ kind: "denied" });
});

test("what a model that failed had begun to say is no part of what the next one says", async () => {
  const relayed: Pick<Work<string>, "relay" | "failure"> = {
    async relay(context, candidate) {
      const shown = await say(context, [`I am ${candidate.name}`], candidate.name === "second");
      if (candidate.name === "first") throw new GatewayError("upstream_unavailable", "It went away.");
      return shown;
    },
    failure: () => ({ reason: "unreachable", health: "sick", load: false }),
  };
  expect(await operate([holding(".")], relayed, ["first", "second"])).toBe("I am second.");
});
