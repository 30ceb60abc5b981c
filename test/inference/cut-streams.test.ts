import { describe, expect, it, vi } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import type { AnswerEvent } from "../../src/core/step.ts";
import { toOpenai, toAnthropic } from "./golden-scenarios.ts";
import { createModelRelay, type Answer } from "./without-sockets.ts";

/* What a hard budget does to a stream in its middle, as the step that counts says it. */
const spent = (data: object = {}) =>
  new GatewayError("budget_exhausted", "Nothing is left.", { data: { endAs: "length", outputTokens: 3, ...data } });

const dialects = [
  ["openai", toOpenai, '"finish_reason":"length"', "[DONE]"],
  ["anthropic", toAnthropic, '"stop_reason":"max_tokens"', "message_stop"],
] as const;

it.each([
  ["openai", toAnthropic, "[DONE]"],
  ["anthropic", toOpenai, "message_stop\ndata:"],
] as const)(
  "a translated stream ends once for a caller of the %s dialect, whatever follows its end",
  async (caller, scenarios, mark) => {
    const relay = createModelRelay(caller, caller === "openai" ? "anthropic" : "openai");
    const stream = scenarios[0]?.stream.join("") ?? "";
    const { arrived, failure } = await relay.stream([Buffer.from(stream + stream)], undefined);
    expect(failure).toBeUndefined();
    expect(arrived.toString().split(mark)).toHaveLength(2);
  },
);

it("a stream leaves no timer behind, however it ends", async () => {
  vi.useFakeTimers();
  try {
    const relay = createModelRelay("openai", "openai");
    for (const scenario of toOpenai) await relay.stream([Buffer.from(scenario.stream.join(""))], undefined);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

describe.each(dialects)("a stream of the %s dialect that a budget cuts", (dialect, scenarios, reason, mark) => {
  const bytes = Buffer.from(scenarios[0]?.stream.join("") ?? "");
  const isText = ({ value }: AnswerEvent) => /"(?:content|text)":"[^"]/.test(JSON.stringify(value));

  /** Cuts at the second piece of text; `after` is asked about what comes then. */
  function cutting(error: GatewayError, after: Answer, holding = false): NonNullable<Answer> {
    let texts = 0;
    const held: AnswerEvent[] = [];
    return async (event) => {
      if (texts > 1) return (await after?.(event)) ?? [...held.splice(0), event];
      if (isText(event) && ++texts > 1) throw error;
      if (!holding) return [event];
      held.push(event);
      return [];
    };
  }
  const run = (answer: Answer) => createModelRelay(dialect, dialect).stream([bytes], answer);

  it("ends as an answer that has reached its bound", async () => {
    const { arrived, failure } = await run(cutting(spent(), undefined));
    expect(failure).toBeUndefined();
    expect(arrived.toString()).toContain(reason);
    expect(arrived.toString()).toContain(mark);
  });

  it("ends so too where guards have held back all of it until then", async () => {
    const { arrived, failure } = await run(cutting(spent(), undefined, true));
    expect(failure).toBeUndefined();
    expect(arrived.toString()).toMatch(
      new RegExp(`"(?:content|text)":"[^"][^]*${reason}[^]*${mark.replaceAll(/[[\]]/g, "\\$&")}`),
    );
  });

  it("is left to the next model where nothing of it was shown and the budget says so", async () => {
    const { arrived, failure } = await run(cutting(spent({ onExhausted: "fallback" }), undefined, true));
    expect(failure).toMatchObject({ kind: "budget_exhausted" });
    expect(arrived.toString()).toBe("");
  });

  it("ends with an error the caller can see where a guard refuses what it had held back", async () => {
    const refuse = () => Promise.reject(new GatewayError("denied", "Not this."));
    const { arrived, failure } = await run(cutting(spent(), refuse));
    expect(failure).toMatchObject({ kind: "denied" });
    expect(arrived.toString()).toMatch(/"error":\{[^\n]*"message":"Not this\."[^\n]*\n\n$/);
    expect(arrived.toString()).not.toContain(mark);
  });
});
