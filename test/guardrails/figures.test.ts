import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import type { PiiKind } from "../../src/guardrails/pii/detector.ts";
import { evasions, harmless, rejected } from "./attacks.ts";
import { code, languages, writeMany, written } from "./benign.ts";
import { buildGuardrails, createDeps, requestOf, slotOf } from "./guard-scene.ts";
import { valuesIn } from "./pii/marked.ts";

/* What the guards find and what they mistake, as the documentation says it. */

const deps = createDeps();
afterAll(() => deps.close());

const documented = readFileSync("docs/guardrails.md", "utf8").split("\n");
const count = (number: number) => number.toLocaleString("en");

/** Compares a table of the documentation with what was measured. */
function expectDocumented(header: string, rows: readonly (readonly (string | number)[])[]): void {
  const at = documented.indexOf(header);
  const lines = rows.map(
    (row) => `| ${row.map((cell) => (typeof cell === "number" ? count(cell) : cell)).join(" | ")} |`,
  );
  expect(documented.slice(at + 2, at + 2 + lines.length)).toEqual(lines);
}

const guards = buildGuardrails([{ type: "pattern", reject: [...rejected], direction: "both" }], deps);
const isRejected = async (text: string) => !(await guards.input(requestOf("llm", text))).pass;

/** Whether an answer in pieces of seven characters is ended. */
async function isEnded(text: string): Promise<boolean> {
  const watch = guards.output(requestOf("llm", "hi"));
  try {
    for (let at = 0; at < text.length; at += 7)
      await watch?.push({ ...slotOf(text.slice(at, at + 7), "assistant"), channel: "c" });
    await watch?.end("c");
    return false;
  } catch {
    return true;
  }
}

/* In the order of `evasions`: the last of each family. */
const families = {
  "as it is, in capitals, with more space": "more space",
  "lookalikes: full width, Cyrillic, Greek, mathematical letters": "mathematical letters",
  "between the letters: zero-width, joiners, soft hyphens, combining marks, accents, bidirectional marks":
    "bidirectional marks",
  "in tag characters, in bytes of variation selectors, with variation selectors": "variation selectors",
  leet: "leet",
  "letters apart, words joined": "no spaces",
  "backwards, rot13": "rot13",
  "base64, also three times and for addresses; hexadecimal, percent, entities, escapes": "escapes",
  "two of these at once": "spaced leet",
};

describe("a sentence to reject", () => {
  test("is found in these spellings", async () => {
    const rows: (string | number)[][] = [];
    const names = Object.keys(evasions);
    let from = 0;
    for (const [family, last] of Object.entries(families)) {
      const until = names.indexOf(last) + 1;
      const spellings = names.slice(from, until);
      from = until;
      const texts = spellings.flatMap((name) =>
        rejected.flatMap((sentence) => {
          const evaded = evasions[name]?.(sentence) ?? "";
          return [evaded, `Thanks. ${evaded}`, `${evaded}\nand now the weather`];
        }),
      );
      let [found, ended] = [0, 0];
      for (const text of texts) {
        if (await isRejected(text)) found++;
        if (await isEnded(text)) ended++;
      }
      rows.push([family, spellings.length, texts.length, found, ended]);
    }
    expect(from).toBe(names.length);
    const [sentence = ""] = rejected;
    let [pairs, found] = [0, 0];
    for (const first of Object.values(evasions))
      for (const second of Object.values(evasions)) {
        pairs++;
        if (await isRejected(second(first(sentence)))) found++;
      }
    rows.push(["any two of all, one after the other", `${names.length} × ${names.length}`, pairs, found, ""]);
    expectDocumented("| a sentence written | spellings | texts | found in requests | in streamed answers |", rows);
  }, 60_000);
});

const kinds: readonly PiiKind[] = ["email", "phone", "card", "iban", "ssn", "api-key"];

test("texts in which there is nothing are left alone, but for these", async () => {
  const rows: (string | number)[][] = [];
  const add = async (name: string, texts: readonly string[]) => {
    let refused = 0;
    for (const text of texts) if (await isRejected(text)) refused++;
    const found = texts.flatMap((text) => valuesIn(text));
    const ofKind = kinds.map((kind) => found.filter((value) => value.startsWith(`${kind}: `)).length);
    rows.push([name, texts.length, refused, ...ofKind]);
  };
  await add("what comes near the sentences", harmless);
  await add("prose in 24 languages and 10 scripts", languages);
  await add("code and configuration", code);
  for (const kind of Object.keys(written)) await add(kind, writeMany(kind, 2_000));
  expectDocumented("| nothing is in | texts | rejected | email | phone | card | iban | ssn | api-key |", rows);
}, 60_000);
