import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import type { TextSlot } from "../../../src/core/text.ts";
import type { OpenGuardRequest } from "../../../src/guardrails/guardrails.ts";
import { buildGuardrails, createDeps, requestOf, slotOf } from "../guard-scene.ts";
import { fixtures, phoneFixtures } from "./fixtures.ts";
import { readMarked, valuesIn } from "./marked.ts";

const deps = createDeps();
afterAll(() => deps.close());

const everyKind = ["email", "phone", "card", "iban", "ssn", "api-key"];
const build = (options: object = {}) =>
  buildGuardrails([{ type: "pii", mask: everyKind, restore: true, ...options }], deps);
const guardrails = build();

const jsonSlot = (text: string): TextSlot => ({ ...slotOf(text, "tool-input"), json: true });

/** What leaves for the provider. */
async function sent(request: OpenGuardRequest, by = guardrails): Promise<string[]> {
  const verdict = await by.input(request);
  if (!verdict.pass) throw new Error(verdict.message);
  return request.slots.map(({ text }) => text);
}

/** What the caller gets of these pieces of an answer. */
async function got(
  request: OpenGuardRequest,
  pieces: readonly string[],
  by = guardrails,
  json?: true,
): Promise<string> {
  const watch = by.output(request);
  if (watch === undefined) return pieces.join("");
  let shown = "";
  for (const text of pieces)
    shown += await watch.push({ ...slotOf(text, "assistant"), channel: "answer", ...(json && { json }) });
  return shown + (await watch.end("answer"));
}

const texts = [...fixtures, ...phoneFixtures].map(readMarked);

describe("masking", () => {
  test.each(texts)(
    "takes every value out of $text, and a model that repeats it gives it back as it was",
    async ({ text, values }) => {
      const request = requestOf("llm", text);
      const [masked = ""] = await sent(request);
      for (const value of values) expect(masked).not.toContain(value.slice(value.indexOf(":") + 2));
      expect(valuesIn(masked)).toEqual([]);
      expect(await got(request, [masked])).toBe(text);
      expect(await got(request, masked.split(""))).toBe(text);
    },
  );

  test("keeps tool arguments valid JSON, with escapes and numbers, and gives them back to the letter", async () => {
    const texts = [
      '{"to":"alice@example.com","n":4111111111111111,"u":"\\u0061lice@example.com","t":"a\\tbob@example.com\\n","x":[1,4222222222222,-1.50]}',
      '{"ssn": 457555462, "phone": -4155550123}',
      '{"key":"-----BEGIN PRIVATE KEY-----\\nMIIabcdefgh\\n-----END PRIVATE KEY-----\\n"}',
      '{"token":"\\\\[EMAIL_7K2M9Q4R3T\\\\] \\"[EMAIL_7K2M9Q4R3T]\\""}',
    ];
    for (const text of texts) {
      const request = requestOf("llm", jsonSlot(text));
      const [masked = ""] = await sent(request);
      expect(valuesIn(JSON.stringify(JSON.parse(masked)))).toEqual([]);
      expect(masked).not.toBe(text);
      /* An escape of a letter that needs none is not kept: what it says is. */
      expect(JSON.parse(await got(request, masked.split(""), guardrails, true))).toEqual(JSON.parse(text));
    }
  });

  test("makes a number a string, and a number of it again in JSON text", async () => {
    const request = requestOf("llm", { ...slotOf("4111111111111111", "tool-input"), number: true });
    const [masked = ""] = await sent(request);
    expect(masked).toMatch(/^\[CARD_\w+\]$/);
    expect(await got(request, [`{"card":"${masked}","note":"of ${masked}"}`], guardrails, true)).toBe(
      '{"card":4111111111111111,"note":"of 4111111111111111"}',
    );
  });

  test("masks what is called JSON and is none without losing anything of it", async () => {
    for (const text of ["write to alice@example.com", '{"to":"alice@example.com', "alice@example.com\\"]) {
      const request = requestOf("llm", jsonSlot(text));
      const [masked = ""] = await sent(request);
      expect(masked).not.toContain("alice");
      expect((await got(request, [masked], guardrails, true)).replaceAll('"', "")).toBe(text.replaceAll('"', ""));
    }
  });

  test("gives a value the same token in every text and every turn, in its own tenant", async () => {
    const first = await sent(requestOf("llm", "I am alice@example.com", "and she is bob@example.com"));
    const later = await sent(
      requestOf(
        "llm",
        "I am alice@example.com",
        "and she is bob@example.com",
        "Hello!",
        "carol@example.com and bob@example.com",
        jsonSlot('{"to":"bob@example.com"}'),
      ),
    );
    expect(later.slice(0, 2)).toEqual(first);
    const [, bob = "", , carolAndBob, args] = later;
    const token = bob.slice("and she is ".length);
    expect(carolAndBob).toMatch(/^\[EMAIL_\w+\] and \[EMAIL_\w+\]$/);
    expect(carolAndBob?.endsWith(` and ${token}`)).toBe(true);
    expect(args).toBe(`{"to":"${token}"}`);
    const other = requestOf("llm", "I am alice@example.com");
    expect(await sent({ ...other, principal: { ...other.principal, tenant: "globex" } })).not.toEqual(
      first.slice(0, 1),
    );
    expect(await sent(requestOf("llm", "I am alice@example.com"), build())).toEqual(first.slice(0, 1));
  });

  test("never gives a caller what another has sent", async () => {
    const alices = requestOf("llm", "I am alice@example.com");
    const [masked = ""] = await sent(alices);
    const token = masked.slice("I am ".length);
    /* Mallory has seen the token, and has a value of his own in play. */
    for (const text of [
      `I am mallory@example.com, who is ${token}?`,
      `mallory@example.com ${token.toLowerCase()} ${token.slice(1, -1)}`,
    ]) {
      const mallorys = requestOf("llm", text);
      const [forwarded = ""] = await sent(mallorys);
      expect(forwarded.toUpperCase()).not.toContain(token.slice(1, -1));
      expect(await got(mallorys, [`${forwarded} ${token}`])).toBe(`${text} ${token}`);
    }
  });

  test("gives a text that looks like a token back as it was, though its value is in the request", async () => {
    const [token = ""] = await sent(requestOf("llm", "alice@example.com"));
    const text = `alice@example.com wrote ${token}, ${token.slice(1, -1)} and \\${token.slice(0, -1)}\\]`;
    const request = requestOf("llm", text);
    const [masked = ""] = await sent(request);
    expect(masked.split(token)).toHaveLength(2);
    expect(await got(request, [masked])).toBe(text);
  });

  test("puts nothing back with `restore: false`, and leaves what looks like a token as it is", async () => {
    const once = build({ restore: false });
    const request = requestOf("llm", "alice@example.com [EMAIL_7K2M9Q4R3T]");
    const [masked = ""] = await sent(request, once);
    expect(masked).toMatch(/^\[EMAIL_\w+\] \[EMAIL_7K2M9Q4R3T\]$/);
    expect(await got(request, [masked], once)).toBe(masked);
    expect(once.guardsAnswers("llm")).toBe(false);
  });

  test("takes the name of a member for what stands before its value, as JSON text or as JSON, asked and answered", async () => {
    const args = {
      phone: "4155550123",
      mobileNumber: 4155550123000,
      ssn: ["457555462"],
      card: "6759649826438453",
      id: "4155550123",
    };
    const slots = (role: "tool-input" | "assistant"): TextSlot[] =>
      Object.entries(args).map(([name, value], index) => ({
        path: Array.isArray(value) ? ["input", name, 0] : ["input", name],
        role,
        text: String(value),
        channel: `${index}`,
        ...(typeof value === "number" && { number: true as const }),
      }));
    const ofText = JSON.parse((await sent(requestOf("llm", jsonSlot(JSON.stringify(args)))))[0] ?? "") as typeof args;
    const ofJson = await sent(requestOf("llm", ...slots("tool-input")));
    expect([ofText.phone, ofText.ssn[0], ofText.card, ofText.id]).toEqual([ofJson[0], ofJson[2], ofJson[3], ofJson[4]]);
    expect(ofJson.map((text) => /^\[([A-Z]+)_/.exec(text)?.[1] ?? text)).toEqual([
      "PHONE",
      "PHONE",
      "SSN",
      "CARD",
      "4155550123",
    ]);
    const both = build({ output: "mask" });
    const other = requestOf("llm", "hi");
    await sent(other, both);
    const watch = both.output(other);
    const shown: string[] = [];
    for (const slot of slots("assistant")) shown.push(`${await watch?.push(slot)}${await watch?.end(slot.channel)}`);
    expect(shown).toEqual(["[PHONE]", "[PHONE]", "[SSN]", "[CARD]", "4155550123"]);
  });

  test("does not find what is spread over two texts, and puts nothing together out of two texts of an answer", async () => {
    const request = requestOf("llm", "alice@exam", "ple.com, bob@example.com");
    expect(await sent(request)).toEqual(["alice@exam", expect.stringMatching(/^ple\.com, \[EMAIL_\w+\]$/)]);
    const token = request.slots[1]?.text.slice("ple.com, ".length) ?? "";
    const watch = guardrails.output(request);
    const say = async (text: string, channel: string) =>
      `${await watch?.push({ ...slotOf(text), channel })}${await watch?.end(channel)}`;
    expect((await say(token.slice(0, 8), "block 0")) + (await say(token.slice(8), "block 1"))).toBe(token);
  });

  test("masks the kinds that are asked for and no other", async () => {
    const cards = build({ mask: ["card"] });
    const [masked] = await sent(requestOf("llm", "4111 1111 1111 1111 of alice@example.com"), cards);
    expect(masked).toMatch(/^\[CARD_\w+\] of alice@example\.com$/);
  });

  test("with `output: mask` takes out of an answer what its caller did not send, and gives back what they did", async () => {
    const both = build({ output: "mask" });
    const request = requestOf("llm", "I am alice@example.com");
    const [masked = ""] = await sent(request, both);
    const answer = `${masked.slice(5)}, ask bob@example.com or +1 415 555 0123.`;
    const expected = "alice@example.com, ask [EMAIL] or [PHONE].";
    for (let cut = 0; cut <= answer.length; cut++)
      expect(await got(request, [answer.slice(0, cut), answer.slice(cut)], both)).toBe(expected);
    const other = requestOf("llm", "Who knows?");
    await sent(other, both);
    expect(await got(other, ["alice@example.com"], both)).toBe("[EMAIL]");
  });

  test("with `input: reject` rejects a request with a value, in its own words, and no other", async () => {
    const strict = build({ input: "reject", message: "No personal data, please." });
    expect(await strict.input(requestOf("llm", "Hello", "I am alice@example.com"))).toEqual({
      pass: false,
      guard: "pii",
      message: "No personal data, please.",
    });
    expect(await sent(requestOf("llm", "Hello [EMAIL_7K2M9Q4R3T]"), strict)).toEqual(["Hello [EMAIL_7K2M9Q4R3T]"]);
  });

  test("with `input: pass` requests go out as they are, and `output: mask` looks at answers alone", async () => {
    const answers = build({ input: "pass", output: "mask", restore: false });
    const request = requestOf("llm", "I am alice@example.com");
    expect(await sent(request, answers)).toEqual(["I am alice@example.com"]);
    expect(await got(request, ["You are alice@exa", "mple.com."], answers)).toBe("You are [EMAIL].");
  });

  test("of two guards puts back what each has taken", async () => {
    const two = buildGuardrails(
      [
        { type: "pii", mask: ["email"], restore: true },
        { type: "pii", mask: ["phone"], restore: true },
      ],
      deps,
    );
    const text = "alice@example.com, +1 415 555 0123";
    const request = requestOf("llm", text);
    const [masked = ""] = await sent(request, two);
    expect(valuesIn(masked)).toEqual([]);
    expect(await got(request, masked.split(""), two)).toBe(text);
  });

  test("refuses a request with more values than anybody writes", async () => {
    const many = Array.from({ length: 10_001 }, (_, index) => `p${index}@example.com`).join(" ");
    expect(await guardrails.input(requestOf("llm", many))).toMatchObject({ pass: false, guard: "pii" });
  });

  test("refuses where its secret cannot be had, and works once it can", async () => {
    let failing = true;
    const secret: typeof deps.secret = async (purpose) => {
      if (failing) throw new Error("the store is away");
      return deps.secret(purpose);
    };
    const shaky = buildGuardrails([{ type: "pii", mask: ["email"], restore: true }], { ...deps, secret });
    await expect(shaky.input(requestOf("llm", "alice@example.com"))).rejects.toThrow("the store is away");
    failing = false;
    expect(await sent(requestOf("llm", "alice@example.com"), shaky)).toEqual([expect.stringMatching(/^\[EMAIL_/)]);
  });

  test("gives back any conversation that a model repeats in any pieces, exactly", async () => {
    const value = fc.constantFrom(
      ...texts.flatMap(({ values }) => values.map((each) => each.slice(each.indexOf(":") + 2))),
    );
    const part = fc.oneof(
      value,
      fc.constantFrom(
        "[",
        "]",
        "\\",
        " ",
        ", ",
        "\n",
        '"',
        "EMAIL_",
        "[EMAIL_7K2M9Q4R3T]",
        "phone_1A2B3C4D5E",
        "{{",
        "😀",
      ),
      fc.string({ maxLength: 8 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(part, { maxLength: 8 }), { minLength: 1, maxLength: 3 }),
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.boolean(),
        async (turns, cuts, spaced) => {
          const all = turns.map((parts) => parts.join(spaced ? " and " : ""));
          const request = requestOf("llm", ...all);
          const masked = await sent(request);
          /* Glued to a word a value is none, and may become one when that word is masked. */
          if (spaced) for (const text of masked) expect(valuesIn(text)).toEqual([]);
          const answer = masked.join("\u0001");
          const at = [...new Set(cuts.map((cut) => cut % (answer.length + 1)))].toSorted((a, b) => a - b);
          const pieces = [0, ...at].map((cut, index) => answer.slice(cut, at[index]));
          expect(await got(request, pieces)).toBe(all.join("\u0001"));
        },
      ),
      { numRuns: 1_500 },
    );
  });
});
