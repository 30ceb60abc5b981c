import { describe, expect, test } from "vitest";
import { lexical } from "../../../src/inference/cache/embedders/lexical.ts";
import { lexicalGuards, sameGuards } from "../../../src/inference/cache/guards/registry.ts";
import { mayAnswer } from "../../../src/inference/cache/may-answer.ts";
import { readQuestion } from "../../../src/inference/cache/question/question.ts";

/* Each guard by itself: what it must tell apart, and what it must let pass. */
const cases: Readonly<
  Record<string, { readonly apart: readonly [string, string][]; readonly alike: readonly [string, string][] }>
> = {
  numbers: {
    apart: [
      ["add 3 spoons", "add 4 spoons"],
      ["order twenty-one chairs", "order twenty-two chairs"],
      ["item 12345678901234567890", "item 12345678901234567891"],
      ["take 8 from 9", "take 9 from 8"],
      ["at -4 degrees", "at 4 degrees"],
      ["part II of the saga", "part III of the saga"],
    ],
    alike: [
      ["add three spoons", "add 3 spoons"],
      ["pay 1,000.50", "pay 1000.5"],
      ["two hundred and five seats", "205 seats"],
      ["the 3rd planet", "the third planet"],
    ],
  },
  units: {
    apart: [
      ["run 3 miles", "run 3 km"],
      ["a 5 Mb link", "a 5 MB link"],
      ["€40 tickets", "$40 tickets"],
      ["an hourly rate", "a daily rate"],
    ],
    alike: [
      ["run 3 km", "run 3 kilometres"],
      ["$40 tickets", "40 dollar tickets"],
      ["in what year", "when"],
    ],
  },
  dates: {
    apart: [
      ["due on Friday", "due on Thursday"],
      ["on 02/03/2024", "on 03/02/2024"],
      ["rain in May", "rain in March"],
      ["at 7 am", "at 7 pm"],
    ],
    alike: [
      ["due on Fridays", "due on Friday"],
      ["may I march in?", "can I walk in?"],
      ["in Sept", "in September"],
    ],
  },
  negation: {
    apart: [
      ["plants that need light", "plants that do not need light"],
      ["tea with milk", "tea without milk"],
      ["a valid form", "an invalid form"],
    ],
    alike: [
      ["it isn't ready", "it is not ready"],
      ["I can't sleep", "I am unable to sleep"],
    ],
  },
  person: {
    apart: [
      ["do I pay?", "do you pay?"],
      ["is he well?", "is she well?"],
    ],
    alike: [["my key", "your key"]],
  },
  scope: {
    apart: [
      ["all rooms", "some rooms"],
      ["a cave under the hill", "a cave behind the hill"],
      ["must I go?", "may I go?"],
    ],
    alike: [["each room", "every room"]],
  },
  tense: { apart: [["is it full?", "was it full?"]], alike: [["was it full?", "was it quite full?"]] },
  names: {
    apart: [
      ["the river in Vienna", "the river in Prague"],
      ["food in peru", "food in chile"],
      ['say "yes" in Thai', 'say "no" in Thai'],
    ],
    alike: [
      ["the river in Vienna", "Vienna's river"],
      ["the WiFi key", "the Wi-Fi key"],
    ],
  },
  versions: {
    apart: [
      ["tool 3.1", "tool 3.10"],
      ["the v3 format", "the v4 format"],
      ["a beta build", "a stable build"],
    ],
    alike: [
      ["GPT-4 limits", "GPT4 limits"],
      ["tool v3.1", "tool 3.1"],
    ],
  },
  direction: {
    apart: [
      ["from Oslo to Bergen", "from Bergen to Oslo"],
      ["tea better than coffee", "coffee better than tea"],
      ["foxes hunt hares", "hares hunt foxes"],
      ["open the gate", "close the gate"],
    ],
    alike: [
      ["between tea and coffee", "between coffee and tea"],
      ["from Oslo to Bergen", "to Bergen from Oslo"],
    ],
  },
  code: {
    apart: [
      ["run `rm -r`", "run `rm -f`"],
      ["a <= b", "a >= b"],
      ["call f(1, 2)", "call f(2, 1)"],
      ["see /var/log", "see /var/lib"],
      ["use --all", "use --any"],
    ],
    alike: [
      ["the `ls` command?", "command `ls`"],
      ["this and/or that", "that and/or this"],
    ],
  },
  asking: {
    apart: [
      ["where is the key?", "when is the key?"],
      ["why fast?", "how can I fast?"],
    ],
    alike: [["key delivery", "when is the key delivered?"]],
  },
  topic: { apart: [["wash the shirt", "wash the curtain"]], alike: [["washing shirts", "wash a shirt"]] },
};

describe.each(lexicalGuards)("the guard $name", (guard) => {
  const { apart = [], alike = [] } = cases[guard.name] ?? {};
  const differs = (left: string, right: string) =>
    guard.differs(readQuestion(left), readQuestion(right), 1) !== undefined;

  test.each(apart)("tells apart: %s / %s", (left, right) => {
    expect([differs(left, right), differs(right, left)]).toEqual([true, true]);
  });

  test.each(alike)("lets pass: %s / %s", (left, right) => {
    expect([differs(left, right), differs(right, left)]).toEqual([false, false]);
  });

  test("has cases", () => {
    expect(apart.length).toBeGreaterThan(0);
  });
});

describe("mayAnswer", () => {
  test("says which guard refused and repeats no word of a question", () => {
    const { same, because } = mayAnswer("Is 30 mg of zinc enough?", "Is 40 mg of zinc enough?", sameGuards);
    expect({ same, because }).toEqual({ same: false, because: "numbers: they say different numbers" });
  });

  test("takes texts too long to compare as different unless they are equal", () => {
    const long = "word ".repeat(2_000);
    expect(mayAnswer(long, long).same).toBe(true);
    expect(mayAnswer(long, `${long}!`).same).toBe(false);
  });
});

describe("the lexical embedder", () => {
  const length = (vector: Float32Array) => Math.hypot(...vector);

  test("gives vectors of unit length, and zeros for a text that says nothing", () => {
    expect(length(lexical.embed("How do magnets work?"))).toBeCloseTo(1, 5);
    expect(length(lexical.embed("如何重置密码"))).toBeCloseTo(1, 5);
    expect(length(lexical.embed("what is it?"))).toBe(0);
  });

  test("gives the same vector for the same words in other order and frames", () => {
    expect(lexical.embed("What is the password reset process?")).toEqual(lexical.embed("How do I reset my password?"));
  });
});
