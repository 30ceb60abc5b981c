import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TextSlot } from "../../../src/core/text.ts";
import { AnswerMask } from "../../../src/guardrails/pii/answer-mask.ts";
import { createDetect } from "../../../src/guardrails/pii/detect.ts";
import { piiKinds } from "../../../src/guardrails/pii/detector.ts";
import { Restorer } from "../../../src/guardrails/pii/restorer.ts";
import { deriveTokenKey } from "../../../src/guardrails/pii/token.ts";
import { Vault } from "../../../src/guardrails/pii/vault.ts";
import { fixtures, phoneFixtures } from "./fixtures.ts";
import { readMarked } from "./marked.ts";

const key = deriveTokenKey(Buffer.alloc(32, 7), "acme");
const slot = (text: string, json?: true, channel = "choice 0"): TextSlot => ({
  path: ["delta", "content"],
  role: "assistant",
  text,
  channel,
  ...(json && { json }),
});

/** What comes out when these pieces go in. */
function run(guard: Restorer | AnswerMask, pieces: readonly string[], json?: true): string {
  const shown = pieces.map((piece) => guard.push(slot(piece, json)));
  return shown.join("") + guard.end("choice 0");
}

/** A vault with some values, and their tokens without brackets. */
function fill(...values: readonly string[]): { vault: Vault; tokens: string[]; cores: string[] } {
  const vault = new Vault(key);
  const tokens = values.map((value) => vault.tokenOf({ label: "EMAIL", value, normalised: value.toLowerCase() }));
  return { vault, tokens, cores: tokens.map((token) => token.slice(1, -1)) };
}

const restore = (vault: Vault, text: string, json?: true) => run(new Restorer(vault), [text], json);

test("what waits for the end of a token is never half a character", () => {
  const { vault } = fill("alice@example.com");
  const restorer = new Restorer(vault);
  for (const piece of ["😀[", "EMAIL 😀", "\ud83d", "\ude00 ["]) {
    const shown = restorer.push(slot(piece));
    expect(shown.isWellFormed()).toBe(true);
  }
});

describe("a token", () => {
  const { vault, tokens, cores } = fill("alice@example.com", "bob@example.com");
  const [core = ""] = cores;
  const code = core.slice("EMAIL_".length);

  test("is a kind and a code of digits between letters", () => {
    for (const token of tokens) expect(token).toMatch(/^\[EMAIL_(?:\d[A-HJKMNP-TV-Z]){5}\]$/);
  });

  test.each([
    ["as it is", `[${core}]`, "alice@example.com"],
    ["in small letters", `[${core.toLowerCase()}]`, "alice@example.com"],
    ["with spaces inside", `[ ${core} ]`, "alice@example.com"],
    ["without brackets", core, "alice@example.com"],
    ["escaped for Markdown", `\\[EMAIL\\_${code}\\]`, "alice@example.com"],
    ["with another joint", `[EMAIL-${code}], Email ${code}`, "alice@example.com, alice@example.com"],
    ["in a list of two", `[${cores.join(", ")}]`, "[alice@example.com, bob@example.com]"],
    ["in brackets of the text", `[[${core}]]([${core}])`, "[alice@example.com](alice@example.com)"],
    ["after a backslash of the text", `C:\\[${core}]\\x`, "C:\\alice@example.com\\x"],
    [
      "in emphasis",
      `**[${core}]** _${core}_ "${core}" ${core}'s`,
      '**alice@example.com** _alice@example.com_ "alice@example.com" alice@example.com\'s',
    ],
    [
      "one after another",
      `[${core}][${core}]${core} ${core}`,
      "alice@example.comalice@example.comalice@example.com alice@example.com",
    ],
    ["before another token begins", `[[EMAIL_[EMAIL_7[${core}]`, "[[EMAIL_[EMAIL_7alice@example.com"],
  ])("comes back %s", (_name, answer, expected) => {
    expect(restore(vault, answer)).toBe(expected);
  });

  test.each([
    ["with one character wrong", `[EMAIL_${code.slice(0, -1)}${code.endsWith("A") ? "B" : "A"}]`],
    ["cut short", `[EMAIL_${code.slice(0, -2)}] EMAIL_${code.slice(0, 4)}`],
    ["made longer", `EMAIL_${code}7K [EMAIL_${code}7]`],
    ["inside a word", `x${core} ${core}s é${core}`],
    ["of another kind", `[PHONE_${code}] [KEY_${code}]`],
    ["of a request that is not this one", `[${fill("carol@example.com").cores[0]}]`],
    ["without its kind", `[${code}] ${code}`],
  ])("is left alone %s", (_name, answer) => {
    expect(restore(vault, answer)).toBe(answer);
  });

  test("with any one character changed is never another's", () => {
    const many = fill(...Array.from({ length: 300 }, (_, index) => `person${index}@example.com`));
    const known = new Set(many.cores);
    const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const others = many.cores.flatMap((each) =>
      Array.from(each, (own, index) =>
        Array.from(alphabet, (char) => (char === own ? "" : each.slice(0, index) + char + each.slice(index + 1))),
      ).flat(),
    );
    expect(others.filter((other) => known.has(other))).toEqual([]);
  });

  test("is the same for the same value, another for another, and another for another tenant", () => {
    const values = Array.from({ length: 2_000 }, (_, index) => `person${index}@example.com`);
    const once = fill(...values);
    expect(new Set(once.tokens).size).toBe(values.length);
    expect(fill(...values.toReversed()).tokens.toReversed()).toEqual(once.tokens);
    const other = new Vault(deriveTokenKey(Buffer.alloc(32, 7), "globex"));
    const [value = ""] = values;
    expect(other.tokenOf({ label: "EMAIL", value, normalised: value })).not.toBe(once.tokens[0]);
  });

  test("of another spelling begins alike and comes back as that spelling", () => {
    const spelled = fill("alice@example.com", "Alice@Example.COM");
    const [plain = "", capital = ""] = spelled.tokens;
    expect(capital).not.toBe(plain);
    expect(capital.slice(0, 13)).toBe(plain.slice(0, 13));
    expect(restore(spelled.vault, `${plain} ${capital}`)).toBe("alice@example.com Alice@Example.COM");
  });

  test("is lengthened where two values would share it", () => {
    /* A key that gives every value one digest cannot be had, so this looks for two values that collide in fewer pairs. */
    const vaultOf = new Vault(key);
    const seen = new Set<string>();
    for (let index = 0; index < 9_000; index++) {
      const value = `v${index}@example.com`;
      const token = vaultOf.tokenOf({ label: "EMAIL", value: value.toUpperCase(), normalised: "the same@example.com" });
      expect(seen.has(token)).toBe(false);
      seen.add(token);
    }
    const lengths = new Set([...seen].map((token) => token.length));
    expect(lengths.size).toBeGreaterThan(1);
  });
});

/* Values that need escapes in JSON, and characters of two code units. */
const awkward = ['say "hi"\\@example.com', "line\nbreak@example.com", "alice@example.com", "𝒳😀@example.com"];
const awkwardVault = fill(...awkward);
const [quoted = "", broken = "", plain = "", wide = ""] = awkwardVault.tokens;

const answers: readonly string[] = [
  "",
  "No token here, but [brackets], \\escapes\\ and the words Email, phone_, card-1A and SSN.",
  `Dear ${plain}, your colleague ${plain.toLowerCase()} wrote to ${wide}.`,
  `${plain}${broken}${quoted}${wide}`,
  `😀${plain}😀 \\[${plain.slice(1, -1).replace("_", "\\_")}\\] [ ${plain.slice(1)} ${plain.slice(1, -1)}`,
  `[[[${plain}]]] [EMAIL_${plain} EMAIL_1A ${plain.slice(0, -1)}, ${plain.slice(0, -2)}] EMAIL`,
  `ends in a token ${plain.slice(1, -1)}`,
  `ends in a beginning ${plain.slice(0, 9)}`,
];
const jsonAnswers: readonly string[] = [
  `{"to":"${plain}","body":"Dear ${quoted},\\n${broken.slice(1, -1)}\\n\\u005bEMAIL\\u005f${wide.slice(7, -1)}\\u005d \\\\[${plain.slice(1, -1)}\\\\] \\"${plain}\\""}`,
  `{"list":["${plain}","${plain}"],"path":"C:\\\\${plain}\\\\x","emoji":"\\ud83d\\ude00${wide}😀"}`,
  `{"cut":"${plain}\\`,
];

/** Every way to cut a text in two, and in three when it is short. */
function* splits(text: string): Generator<string[]> {
  for (let first = 0; first <= text.length; first++) {
    yield [text.slice(0, first), text.slice(first)];
    if (text.length > 90) continue;
    for (let second = first; second <= text.length; second++)
      yield [text.slice(0, first), text.slice(first, second), text.slice(second)];
  }
  yield text.split("");
}

describe("an answer in pieces", () => {
  test.each(answers)("is restored at every split point as in one piece: %j", (answer) => {
    const whole = restore(awkwardVault.vault, answer);
    for (const pieces of splits(answer)) expect(run(new Restorer(awkwardVault.vault), pieces)).toBe(whole);
  });

  test.each(jsonAnswers)("is restored inside JSON at every split point, escaped: %j", (answer) => {
    const whole = restore(awkwardVault.vault, answer, true);
    for (const pieces of splits(answer)) expect(run(new Restorer(awkwardVault.vault), pieces, true)).toBe(whole);
  });

  test("gives tool arguments that parse to what the values are", () => {
    const [first = "", second = ""] = jsonAnswers.map((answer) => restore(awkwardVault.vault, answer, true));
    expect(JSON.parse(first)).toEqual({
      to: awkward[2],
      body: `Dear ${awkward[0]},\n${awkward[1]}\n${awkward[3]} ${awkward[2]} "${awkward[2]}"`,
    });
    expect(JSON.parse(second)).toEqual({
      list: [awkward[2], awkward[2]],
      path: `C:\\${awkward[2]}\\x`,
      emoji: `😀${awkward[3]}😀`,
    });
  });

  test("holds back no more than a token is long, and nothing of what cannot be one", () => {
    const restorer = new Restorer(awkwardVault.vault);
    expect(restorer.push(slot("Plain words go out at once."))).toBe("Plain words go out at once.");
    let [given, shown] = [0, 0];
    for (const piece of `a [EMAIL_7 EMAIL_1A2B3C4D5E6F7G8H9J0K1M ${"[EMAIL_".repeat(50)}${plain} `.repeat(5)) {
      given += piece.length;
      shown += restorer.push(slot(piece)).length;
      expect(given - shown).toBeLessThan(50);
    }
  });

  test("keeps channels apart", () => {
    const restorer = new Restorer(awkwardVault.vault);
    const half = 9;
    const shown = { a: "", b: "" };
    shown.a += restorer.push(slot(`x ${plain.slice(0, half)}`, undefined, "a"));
    shown.b += restorer.push(slot(`{"q":"${quoted.slice(0, half)}`, true, "b"));
    shown.a += restorer.push(slot(plain.slice(half), undefined, "a"));
    shown.b += restorer.push(slot(`${quoted.slice(half)}"}`, true, "b"));
    shown.a += restorer.end("a");
    shown.b += restorer.end("b");
    expect(shown).toEqual({ a: "x alice@example.com", b: `{"q":${JSON.stringify(awkward[0])}}` });
    expect(restorer.end("a")).toBe("");
  });

  test("comes out the same however often it is cut, whatever surrounds the tokens", () => {
    const part = fc.oneof(
      fc.constantFrom(
        ...awkwardVault.tokens,
        ...awkwardVault.cores,
        ...awkwardVault.tokens.map((token) => token.toLowerCase()),
      ),
      fc.constantFrom(
        "[",
        "]",
        "\\",
        "_",
        " ",
        '"',
        "EMAIL",
        "EMAIL_",
        "[EMAIL_7",
        "\\[",
        "\\]",
        "\\n",
        "\\u005b",
        "😀",
      ),
      fc.string({ unit: "grapheme", maxLength: 6 }),
    );
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        fc.boolean(),
        (parts, cuts, json) => {
          const text = parts.join("");
          const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].toSorted((a, b) => a - b);
          const pieces = [0, ...at].map((cut, index) => text.slice(cut, at[index]));
          const flag = json ? true : undefined;
          expect(run(new Restorer(awkwardVault.vault), pieces, flag)).toBe(restore(awkwardVault.vault, text, flag));
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

describe("values of an answer that the caller did not send", () => {
  const detect = createDetect(piiKinds);
  const none = new Vault(key);
  const texts = [...fixtures, ...phoneFixtures].map((source) => readMarked(source).text);

  test("are replaced by their kind, and those that the caller sent are not", () => {
    const { vault } = fill("alice@example.com");
    const answer = "Alice@example.com knows bob@example.com and +1 415 555 0123.";
    expect(run(new AnswerMask(detect, vault), [answer])).toBe("Alice@example.com knows [EMAIL] and [PHONE].");
    expect(run(new AnswerMask(detect, none), [answer])).toBe("[EMAIL] knows [EMAIL] and [PHONE].");
  });

  test("leave tool arguments valid, numbers too", () => {
    const answer = '{"a":"x\\nbob@example.com","card":4111111111111111,"b":"\\"4111111111111111"}';
    expect(JSON.parse(run(new AnswerMask(detect, none), [answer], true))).toEqual({
      a: "x\n[EMAIL]",
      card: "[CARD]",
      b: '"[CARD]',
    });
  });

  test.each(texts)("are replaced at every split point as in one piece: %j", (text) => {
    for (const json of [undefined, true] as const) {
      const whole = run(new AnswerMask(detect, none), [text], json);
      for (let cut = 0; cut <= text.length; cut++)
        expect(run(new AnswerMask(detect, none), [text.slice(0, cut), text.slice(cut)], json)).toBe(whole);
      expect(run(new AnswerMask(detect, none), text.split(""), json)).toBe(whole);
    }
  });

  test("are replaced in any text cut anywhere as in one piece", () => {
    const part = fc.oneof(
      fc.constantFrom(...texts.flatMap((text) => text.split(/(?=[ ,"])/))),
      fc.constantFrom(
        "a@b.co",
        "1",
        " ",
        "-",
        "+",
        "(",
        ")",
        ".",
        "4111 1111",
        "1111 1111",
        "DE89",
        "phone ",
        "sk-",
        "\\n",
        "_",
        "-----BEGIN PRIVATE KEY-----",
      ),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 14 }), fc.array(fc.nat(), { maxLength: 8 }), (parts, cuts) => {
        const text = parts.join("");
        const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].toSorted((a, b) => a - b);
        const pieces = [0, ...at].map((cut, index) => text.slice(cut, at[index]));
        expect(run(new AnswerMask(detect, none), pieces)).toBe(run(new AnswerMask(detect, none), [text]));
      }),
      { numRuns: 3_000 },
    );
  });

  test("go through at once but for the last word", () => {
    const mask = new AnswerMask(detect, none);
    expect(mask.push(slot("Plain words go out at once, or near"))).toBe("Plain words go out at once, or ");
    expect(mask.push(slot("ly, "))).toBe("nearly, ");
  });

  test("cost no more than a few times the text, however small the events and however much is held back", () => {
    const cpuMs = (text: string): number => {
      const begun = process.cpuUsage();
      run(new AnswerMask(detect, none), text.split(""));
      const { user, system } = process.cpuUsage(begun);
      return (user + system) / 1_000;
    };
    cpuMs("x".repeat(2_000));
    for (const pump of ["eyJ".padEnd(64, "a"), "-----BEGIN PRIVATE KEY-----\n", "1 ", "a"]) {
      const [half, full] = [16_384, 32_768].map((length) => cpuMs(pump.repeat(Math.ceil(length / pump.length))));
      expect((full ?? 0) / Math.max(20, half ?? 0), pump).toBeLessThan(6);
    }
  });
});
