import { cpus } from "node:os";
import type { GuardRequest } from "../../src/guardrails/guard.ts";
import type { Guardrails, OpenGuardRequest } from "../../src/guardrails/guardrails.ts";
import { buildGuardrails, createDeps, requestOf, slotOf } from "../guardrails/guard-scene.ts";
import { median, printTable } from "./report.ts";

const SIZES = [4_096, 65_536, 1_048_576] as const;
const ROUNDS = 7;
/** Bytes that one measured run works through at least: less is below the clock's grain. */
const RUN_BYTES = 1_048_576;
/** How much of a streamed answer comes in one event. */
const PIECE_CHARS = 16;

const everyKind = ["email", "phone", "card", "iban", "ssn", "api-key"];

const patterns = {
  reject: ["ignore previous instructions", "/\\breveal (?:the|your) system prompt\\b/", "internal use only"],
  mask: ["project nightingale", "/\\bEMP-\\d{6}\\b/"],
};

/* Prose with a little of everything that detectors stop at, and a value every half KiB or so. */
const prose = [
  "The committee met on 23.11.2026 at 10:30 and went through the order of the day, item by item (see section 4.2).",
  "Deliveries of 1,250 units at $12.50 each arrived in 3 batches; invoice 2026-000123 was paid within 30 days.",
  "Nobody could say why the build took 14 minutes on one machine and 3 on another, so the team measured both again.",
  '{"status":"ok","items":[{"id":482910,"name":"valve","size":[1920,1080]}],"next":null,"took_ms":17}',
  "If in doubt, read the manual first; it explains the three modes, their limits and what the lights mean.",
];
const values = [
  "Write to person@example.com about it.",
  "Her number is +1 415 555 0123.",
  "Paid with 4111 1111 1111 1111.",
  "To DE89 3704 0044 0532 0130 00, please.",
];

function writeText(length: number): string {
  let text = "";
  for (let index = 0; text.length < length; index++) {
    const value = (values[index % values.length] ?? "").replace("person", `person${index}`);
    text += `${prose[index % prose.length]} ${index % 5 === 4 ? `${value}\n` : ""}`;
  }
  return text.slice(0, length);
}

/** What one guard does to a text. */
interface Work {
  readonly name: string;
  run(text: string): Promise<unknown>;
}

const request = (text: string): OpenGuardRequest => requestOf("llm", text);

async function answer(guardrails: Guardrails, asked: GuardRequest, text: string, piece: number): Promise<void> {
  const watch = guardrails.output(asked);
  for (let index = 0; index < text.length; index += piece)
    await watch?.push({ ...slotOf(text.slice(index, index + piece), "assistant"), channel: "choice 0" });
  await watch?.end("choice 0");
}

/** CPU of guards by KiB of text, and how it grows with the text: printed, with the growth as the last line's ratio. */
export async function benchGuards(): Promise<void> {
  const deps = createDeps();
  const build = (entry: object) => buildGuardrails([entry], deps);
  const restoring = build({ type: "pii", mask: everyKind, restore: true });
  const masking = build({ type: "pii", mask: everyKind, output: "mask" });
  const patterned = build({ type: "pattern", ...patterns, direction: "both" });
  const views = build({ type: "pattern", reject: patterns.reject, views: false });
  const restore = async (text: string, piece: number) => {
    const asked = request(text);
    await restoring.input(asked);
    return answer(restoring, asked, asked.slots[0]?.text ?? "", piece);
  };
  const works: readonly Work[] = [
    ...everyKind.map((kind) => {
      const one = build({ type: "pii", mask: [kind] });
      return { name: `mask ${kind}`, run: (text: string) => one.input(request(text)) };
    }),
    { name: "mask all kinds", run: (text) => restoring.input(request(text)) },
    { name: "mask and restore, whole", run: (text) => restore(text, text.length) },
    { name: "mask and restore, streamed", run: (text) => restore(text, PIECE_CHARS) },
    { name: "mask answers, whole", run: (text) => answer(masking, request(text), text, text.length) },
    { name: "mask answers, streamed", run: (text) => answer(masking, request(text), text, PIECE_CHARS) },
    { name: "pattern, without views", run: (text) => views.input(request(text)) },
    { name: "pattern", run: (text) => patterned.input(request(text)) },
    { name: "pattern, answers whole", run: (text) => answer(patterned, request(text), text, text.length) },
    { name: "pattern, answers streamed", run: (text) => answer(patterned, request(text), text, PIECE_CHARS) },
  ];
  console.log(
    `guards: CPU µs a KiB, in texts of ${SIZES.length} lengths; medians of ${ROUNDS} runs; streamed: ${PIECE_CHARS} characters an event`,
  );
  console.log(`Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`);
  const table = [["µs/KiB", ...SIZES.map((size) => `${size / 1_024} KiB`), "growth", "µs/event"]];
  let worst = 0;
  for (const work of works) {
    const costs: number[] = [];
    for (const size of SIZES) costs.push(await measure(work, writeText(size)));
    const growth = (costs.at(-1) ?? 0) / (costs[0] ?? 1);
    worst = Math.max(worst, growth);
    const perEvent = work.name.endsWith("streamed") ? (((costs.at(-1) ?? 0) * PIECE_CHARS) / 1_024).toFixed(1) : "";
    table.push([work.name, ...costs.map((cost) => cost.toFixed(1)), growth.toFixed(2), perEvent]);
  }
  await deps.close();
  printTable(table);
  console.log(
    `growth: the cost of a KiB in a text of 1 MiB against one of 4 KiB; linear is 1\nbench guards: ratio ${worst.toFixed(2)}`,
  );
}

/** CPU µs a KiB. */
async function measure({ run }: Work, text: string): Promise<number> {
  const repeats = Math.ceil(RUN_BYTES / text.length);
  const costs: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const begun = process.cpuUsage();
    for (let index = 0; index < repeats; index++) await run(text);
    const { user, system } = process.cpuUsage(begun);
    /* The first is V8's. */
    if (round > 0) costs.push((user + system) / ((repeats * text.length) / 1_024));
  }
  return median(costs);
}
