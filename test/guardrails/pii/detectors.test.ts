import { describe, expect, test } from "vitest";
import { createDetect } from "../../../src/guardrails/pii/detect.ts";
import { piiKinds } from "../../../src/guardrails/pii/detector.ts";
import { fixtures, phoneFixtures } from "./fixtures.ts";
import { keys, readMarked, valuesIn } from "./marked.ts";

describe("detectors", () => {
  test.each(fixtures)("find exactly the values of %j", (source) => {
    const { text, values } = readMarked(source);
    expect(valuesIn(text)).toEqual(values);
  });

  test.each(["\u00a0", "\u2007", "\u2009", "\u202f", "\u2010", "\u2011", "\u2013"])(
    "take a space or a dash of any kind for one: %j",
    (separator) => {
      const card = ["4111", "1111", "1111", "1111"].join(separator);
      expect(valuesIn(`Take ${card}, please.`)).toEqual([`card: ${card}`]);
    },
  );

  test("find telephone numbers with precision and recall of at least 0.95 on texts full of other numbers", () => {
    const wrong: string[] = [];
    let [hits, expected, given] = [0, 0, 0];
    for (const source of phoneFixtures) {
      const { text, values } = readMarked(source);
      const found = valuesIn(text, ["phone"]);
      const right = found.filter((value) => values.includes(value));
      hits += right.length;
      expected += values.length;
      given += found.length;
      wrong.push(...found.filter((value) => !values.includes(value)).map((value) => `not one: ${value}`));
      wrong.push(...values.filter((value) => !found.includes(value)).map((value) => `missed: ${value}`));
    }
    expect({ precise: hits / given >= 0.95, complete: hits / expected >= 0.95, wrong }).toMatchObject({
      precise: true,
      complete: true,
    });
    expect(expected).toBeGreaterThan(60);
  });

  test.each(Object.entries(keys))(
    "know a key of %s at the beginning, in the middle and at the end of a text",
    (_name, key) => {
      for (const text of [key, `${key} is it`, `it is ${key}`, `{"key":"${key}"}`])
        expect(valuesIn(text)).toEqual([`api-key: ${key}`]);
    },
  );

  test("leave nothing of two values that overlap", () => {
    const text = "4111 1111 1111 1111@example.com";
    expect(createDetect(piiKinds)(text, 0, true).found).toEqual([{ kind: "card", start: 0, end: text.length }]);
  });

  test("do not take a part of an account, a card or a security number for a telephone number, whether those are masked or not", () => {
    const text = "DE89 3704 0044 0532 0130 00, 4111 1111 1111 1111, 078-05-1120";
    expect(valuesIn(text, ["phone"])).toEqual([]);
    expect(valuesIn(text, ["phone", "card"])).toEqual(["card: 4111 1111 1111 1111"]);
  });
});

/* What makes a careless pattern stall: long runs of what a value begins with, and of what almost makes one. */
const pumps: readonly string[] = [
  "a", "a@", "a@b.", "@", ".", "a.", "%+", "1", "1 ", "1-", "4111 ", "4111-1111-", "(1", "+1", "+1 ", "0", "(0", "12.", "078-05-",
  "DE89", "DE89 ", "A1", "sk-", "sk-a1", "sk-a1 ", "eyJ", "eyJaaaaaaaa.", "eyJaaaaaaaa.eyJaaaaaaaa ", "ghp_", "-", "-----BEGIN ",
  "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN A B C D ", "\n", "\nA: ", "\\n", "\\u00e9", "_", "[", "EMAIL_",
  "EMAIL_1A", "[EMAIL_1A2B3C4D5E]", "phone ", "phone 1", "SG.aaaaaaaaaaaaaaaa.", "whsec_", "xoxb-", "é", "中", "😀",
]; // oxfmt-ignore

describe("the search", () => {
  test("takes time linear in the text, whatever it is made of", () => {
    const detect = createDetect(piiKinds);
    const timeMs = (text: string) => {
      const begun = process.cpuUsage();
      detect(text, 0, true);
      const { user, system } = process.cpuUsage(begun);
      return (user + system) / 1_000;
    };
    const slow = pumps.filter((pump) => {
      const [small, large] = [16_384, 131_072].map((length) => pump.repeat(Math.ceil(length / pump.length)));
      timeMs(small ?? "");
      /* Quadratic time would be 64 times as long; the floor keeps the clock's grain out. */
      return timeMs(large ?? "") > 24 * Math.max(4, timeMs(small ?? ""));
    });
    expect(slow).toEqual([]);
  });

  test("of a text without its end decides no more than what follows cannot change", () => {
    const detect = createDetect(piiKinds);
    for (const source of [...fixtures, ...phoneFixtures]) {
      const { text } = readMarked(source);
      const whole = detect(text, 0, true).found;
      for (let cut = 0; cut <= text.length; cut++) {
        const { found, decided } = detect(text.slice(0, cut), 0, false);
        const end = Math.min(decided, cut);
        expect(found, `${cut} of ${text}`).toEqual(whole.filter((value) => value.end <= end));
        expect(
          whole.some((value) => value.start < end && value.end > end),
          `${cut} of ${text}`,
        ).toBe(false);
      }
    }
  });
});
