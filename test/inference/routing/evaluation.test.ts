import { describe, expect, test } from "vitest";
import { priorWeights } from "../../../src/inference/routing/complexity-weights.ts";
import { scoreSignals } from "../../../src/inference/routing/complexity.ts";
import { drawSvg } from "../../../src/inference/routing/evaluation/draw-svg.ts";
import { drawText } from "../../../src/inference/routing/evaluation/draw-text.ts";
import { evaluateRouting } from "../../../src/inference/routing/evaluation/evaluate-routing.ts";
import { fitWeights } from "../../../src/inference/routing/evaluation/fit-weights.ts";
import { type Labelled, parseLabelled, splitHalves } from "../../../src/inference/routing/evaluation/labelled-file.ts";
import { leadOf } from "../../../src/inference/routing/evaluation/lead.ts";
import { qualityAt, toCurve, toFigures } from "../../../src/inference/routing/evaluation/quality-curve.ts";
import { readSignals, signalNames } from "../../../src/inference/routing/signals.ts";

const row = (weak: number, strong: number, prompt = "p"): Labelled => ({ prompt, weak, strong });

/* Short proofs are hard and long chats are easy here, so length misleads. */
function madeUp(count: number): readonly Labelled[] {
  return Array.from({ length: count }, (_, index) =>
    index % 3 === 0
      ? row(0, 1, `Prove lemma ${index} by deriving the theorem, and explain why.`)
      : row(
          1,
          1,
          `Hello number ${index}, ${"please tell me something nice about the sea and the hills ".repeat(1 + (index % 5))}`,
        ),
  );
}

describe("a labelled file", () => {
  test("has a prompt and two qualities a line, truths or numbers; empty lines are passed over", () => {
    const text = '{"prompt":"a","weak":false,"strong":true,"more":1}\r\n\n{"prompt":"b","weak":7.5,"strong":9}\n';
    expect(parseLabelled(text)).toEqual([row(0, 1, "a"), row(7.5, 9, "b")]);
  });

  test.each([
    ["nonsense", /Line 2 .* is not JSON/],
    ["[]", /Line 2 .* must be a JSON object/],
    ['{"weak":true,"strong":true}', /Line 2 .* needs `prompt`/],
    ['{"prompt":"a","strong":true}', /Line 2 .* needs `weak`/],
    ['{"prompt":"a","weak":1,"strong":"yes"}', /Line 2 .* needs `strong`/],
  ])("with the line %j is refused, and the line named", (line, message) => {
    expect(() => parseLabelled(`{"prompt":"a","weak":0,"strong":1}\n${line}`)).toThrow(message);
  });

  test("is split into halves that do not depend on order, and keep equal prompts together", () => {
    const rows = madeUp(1000);
    const { tune, held } = splitHalves(rows);
    expect(tune.length + held.length).toBe(1000);
    expect(Math.abs(tune.length - 500)).toBeLessThan(80);
    expect(splitHalves(rows.toReversed()).tune.toReversed()).toEqual(tune);
    const spellings = splitHalves([row(0, 1, "How  do I?"), row(0, 1, "how do i? "), row(1, 1, "HOW\ndo I?")]);
    expect([spellings.tune.length, spellings.held.length]).toContain(3);
  });
});

describe("the quality-cost curve", () => {
  test("goes from the weak model to the strong one, best scores first", () => {
    const curve = toCurve([row(0, 1), row(1, 1), row(0, 0), row(1, 0)], [4, 3, 2, 1]);
    expect(curve).toEqual([
      { strongShare: 0, quality: 0.5 },
      { strongShare: 0.25, quality: 0.75 },
      { strongShare: 0.5, quality: 0.75 },
      { strongShare: 0.75, quality: 0.75 },
      { strongShare: 1, quality: 0.5 },
    ]);
    expect(qualityAt(curve, 0.125)).toBe(0.625);
    expect(qualityAt(curve, 1)).toBe(0.5);
  });

  test("equal scores are one straight piece, in whatever order the rows stand", () => {
    const rows = [row(0, 1), row(0, 0), row(0, 0), row(0, 0)];
    const chance = toCurve(rows, [0, 0, 0, 0]);
    expect(chance).toHaveLength(2);
    expect(toFigures(chance)).toEqual({ apgr: 0.5, cpt50: 0.5, cpt80: 0.8 });
    expect(toCurve(rows.toReversed(), [0, 0, 0, 0])).toEqual(chance);
  });

  test("figures are the area under it and the least shares that recover the gap", () => {
    const rows = [row(0, 1), row(0, 1), row(1, 1), row(1, 1)];
    expect(toFigures(toCurve(rows, [2, 2, 1, 1]))).toEqual({ apgr: 0.75, cpt50: 0.25, cpt80: 0.4 });
    expect(toFigures(toCurve(rows, [1, 1, 2, 2]))).toEqual({ apgr: 0.25, cpt50: 0.75, cpt80: 0.9 });
  });

  test("where the strong model is no better there is nothing to recover", () => {
    expect(toFigures(toCurve([row(1, 1), row(1, 0)], [2, 1]))).toEqual({
      apgr: Number.NaN,
      cpt50: undefined,
      cpt80: undefined,
    });
  });
});

describe("fitting", () => {
  const examples = madeUp(200).map(({ prompt, weak, strong }) => ({
    signals: readSignals({ messages: [{ role: "user", content: prompt }], tools: [] }),
    gain: strong - weak,
  }));

  test("tells requests apart, and keeps what no example shows", () => {
    const fitted = fitWeights(examples, { prior: priorWeights, strength: 1 });
    const scores = (hard: boolean) =>
      examples.filter(({ gain }) => gain > 0 === hard).map(({ signals }) => scoreSignals(signals, fitted));
    expect(Math.min(...scores(true))).toBeGreaterThan(0.5);
    expect(Math.max(...scores(false))).toBeLessThan(0.5);
    expect(fitted.signals.turns).toBeCloseTo(priorWeights.signals.turns, 9);
    expect(fitted.signals.chars).toBeLessThan(priorWeights.signals.chars);
  });

  test("finds where the slope of its aim is nothing", () => {
    const strength = 2;
    const fitted = fitWeights(examples, { prior: priorWeights, strength });
    const positive = examples.filter(({ gain }) => gain > 0).length;
    const balance = (examples.length - positive) / positive;
    for (const [index, name] of signalNames.entries()) {
      let slope = strength * (priorWeights.signals[name] - fitted.signals[name]);
      for (const { signals, gain } of examples) {
        const score = scoreSignals(signals, fitted);
        slope += signals[index]! * (gain > 0 ? balance * (1 - score) : -score);
      }
      expect(slope, name).toBeCloseTo(0, 6);
    }
  });

  test("without a gain leaves the prior as it is", () => {
    const even = examples.map(({ signals }) => ({ signals, gain: 0 }));
    expect(fitWeights(even, { prior: priorWeights, strength: 1 })).toEqual(priorWeights);
  });
});

describe("the report", () => {
  const report = evaluateRouting(madeUp(400))!;
  const apgr = (name: string) => report.routers.find((router) => router.name === name)!.figures.apgr;

  test("is about the half that was not fitted on, beside chance, length and the best there could be", () => {
    expect(report.tuneRows + report.heldRows).toBe(400);
    expect(report.strongQuality).toBe(1);
    expect(apgr("random")).toBe(0.5);
    expect(apgr("length")).toBeLessThan(0.5);
    expect(apgr("fitted")).toBeCloseTo(apgr("oracle"), 9);
    expect(apgr("bundled")).toBeGreaterThan(0.5);
  });

  test("does not know the answers of the held half", () => {
    const rows = madeUp(400);
    const held = new Set(splitHalves(rows).held);
    const upside = rows.map((one) => (held.has(one) ? { ...one, weak: one.strong, strong: one.weak } : one));
    expect(evaluateRouting(upside)!.fitted).toEqual(report.fitted);
  });

  test("is undefined where a half is empty", () => {
    expect(evaluateRouting([row(0, 1)])).toBeUndefined();
    expect(evaluateRouting([])).toBeUndefined();
  });

  test("is drawn as text with every figure, and every line fits a terminal", () => {
    const text = drawText(report);
    for (const router of report.routers)
      expect(text).toContain(`${router.name.padEnd(8)}  ${router.figures.apgr.toFixed(3).padStart(6)}`);
    expect(text).toMatch(/random +0\.500 +50\.0% +80\.0%/);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    const plot = text.split("\n").filter((line) => line.includes("|"));
    expect(plot).toHaveLength(16);
    expect(plot[0]).toMatch(/^ {4}1\.0000 \|.*[*o]$/);
  });

  test("is drawn as an SVG whose curves stay in their frame and rise", () => {
    const svg = drawSvg(report);
    expect(svg).toMatch(/^<svg xmlns=[^]*<\/svg>\n$/);
    expect(svg).not.toMatch(/NaN|undefined|href|script/);
    const curves = [...svg.matchAll(/points="([^"]+)"/g)].map(([, points]) =>
      points!.split(" ").map((point) => point.split(",").map(Number)),
    );
    expect(curves).toHaveLength(5);
    for (const curve of curves) {
      expect(curve[0]![0]).toBe(72);
      expect(curve.at(-1)![0]).toBe(552);
      expect(curve[0]![1]).toBeGreaterThan(curve.at(-1)![1]!);
      for (const [, y] of curve) expect(y! >= 24 && y! <= 376).toBe(true);
    }
  });

  test("of models that are equal is drawn too, and says so", () => {
    const even = evaluateRouting(madeUp(100).map((one) => ({ ...one, weak: 1, strong: 1 })))!;
    expect(drawText(even)).toContain("no better");
    expect(drawSvg(even)).not.toContain("NaN");
  });
});

describe("a lead", () => {
  const rows = madeUp(400);
  const right = rows.map(({ weak, strong }) => strong - weak);
  const level = rows.map(() => 0);

  test("is the difference of two figures, with an interval about it, the same in every run", () => {
    const lead = leadOf(rows, right, level)!;
    expect(lead.apgr).toBeCloseTo(toFigures(toCurve(rows, right)).apgr - 0.5, 9);
    expect(lead.low).toBeGreaterThan(0);
    expect(lead.low).toBeLessThan(lead.apgr);
    expect(lead.high).toBeGreaterThan(lead.apgr);
    expect(leadOf(rows, right, level)).toEqual(lead);
  });

  test("is none over oneself, and undefined where there is no gap", () => {
    expect(leadOf(rows, right, right)).toEqual({ apgr: 0, low: 0, high: 0 });
    expect(
      leadOf(
        rows.map((one) => ({ ...one, weak: 1, strong: 1 })),
        right,
        level,
      ),
    ).toBeUndefined();
  });

  test("of scores that say nothing has an interval around nothing", () => {
    const noise = rows.map((_, index) => (index * 7_919) % 401);
    const lead = leadOf(rows, noise, level)!;
    expect(lead.low).toBeLessThan(0);
    expect(lead.high).toBeGreaterThan(0);
  });
});
