import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { inferenceConfig } from "../../src/inference/config.ts";
import type { Dialect } from "../../src/inference/dialects/dialect.ts";
import { dialects } from "../../src/inference/dialects/registry.ts";
import { createEventCutter } from "../../src/inference/event-cutter.ts";
import { StreamJudge } from "../../src/inference/stream-judge.ts";
import { passTranslated } from "../../src/inference/translate-stream.ts";
import { startCannedProvider } from "./canned-provider.ts";
import type { CannedProvider } from "./canned-provider.ts";
import { toAnthropic, toOpenai } from "./golden-scenarios.ts";
import type { Scenario } from "./golden-scenarios.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";

/* Each file of golden/ was read by a person: what a request, an answer and a stream of one dialect are in the other. */

let provider: CannedProvider;
let gateway: Harness;

const directions = [
  { from: "openai", to: "anthropic", path: "/chat/completions", scenarios: toAnthropic },
  { from: "anthropic", to: "openai", path: "/messages", scenarios: toOpenai },
] as const;

beforeAll(async () => {
  provider = await startCannedProvider();
  const config = z.strictObject(inferenceConfig).parse({
    models: {
      anthropic: { provider: "anthropic", url: provider.url, key: "k", model: "claude" },
      openai: { provider: "openai", url: provider.url, key: "k", model: "gpt" },
    },
  });
  gateway = await startHarness({ config });
});

afterAll(async () => {
  await gateway.close();
  await provider.close();
});

/* The clock and ids that the gateway makes are not for golden files. */
const settle = (text: string) =>
  text.replace(/"created":\d{2,}/g, '"created":0').replace(/"request_id":"[0-9a-f]+"/g, '"request_id":"ID"');

async function ask(path: string, model: string, { request }: Scenario, stream: boolean) {
  const named = request.replace('"model":"m"', `"model":"${model}"`);
  const response = await fetch(`${gateway.url}${path}`, {
    method: "POST",
    body: stream ? `${named.slice(0, -1)},"stream":true}` : named,
  });
  const dropped = response.headers.get("x-sallyport-dropped");
  return { text: settle(await response.text()), status: response.status, dropped };
}

describe.each(directions)(
  "a caller of the $from dialect and a provider of the $to dialect",
  ({ from, to, path, scenarios }) => {
    it.each(scenarios)("understand each other: $name", async (scenario) => {
      provider.next = {
        status: scenario.name === "an error" ? 503 : 200,
        contentType: "application/json",
        body: scenario.whole,
      };
      const whole = await ask(path, to, scenario, false);
      const sent = provider.seen.body;
      provider.next = { contentType: "text/event-stream", body: scenario.stream.join("") };
      const streamed = await ask(path, to, scenario, true);
      expect(JSON.parse(provider.seen.body)).toMatchObject({ ...(JSON.parse(sent) as object), stream: true });
      const golden = [
        `# asked\n${scenario.request}`,
        `# sent\n${sent}`,
        `# left out\n${whole.dropped}`,
        `# the provider says\n${scenario.whole}`,
        `# the caller reads (${whole.status})\n${whole.text}`,
        `# streamed, the provider says\n${scenario.stream.join("")}`,
        `# streamed, the caller reads (${streamed.status})\n${streamed.text}`,
      ];
      await expect(`${golden.join("\n\n").trimEnd()}\n`).toMatchFileSnapshot(
        `golden/${from}-to-${to}/${scenario.name.replaceAll(" ", "-")}.txt`,
      );
      const marks = /\[DONE\]|message_stop/;
      expect(marks.test(streamed.text)).toBe(scenario.fails !== true);
      expect(gateway.carried.at(-1)?.outcome.status).toBe(scenario.fails === true ? "failed" : "ok");
    });

    it.each(scenarios)("give the same stream wherever its bytes are cut: $name", async ({ stream }) => {
      const bytes = Buffer.from(stream.join(""));
      const whole = await translate([bytes], dialects[to], dialects[from]);
      for (let at = 1; at < bytes.length; at++)
        expect(await translate([bytes.subarray(0, at), bytes.subarray(at)], dialects[to], dialects[from])).toEqual(
          whole,
        );
      const single = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
      expect(await translate(single, dialects[to], dialects[from])).toEqual(whole);
    });
  },
);

/** A stream through the parts of the relay, without sockets: thousands of cuts are quick. */
async function translate(chunks: readonly Buffer[], from: Dialect, to: Dialect) {
  const cutter = createEventCutter(1_048_576);
  const judge = new StreamJudge({
    dialect: from,
    wantsUsage: true,
    secrets: [],
    parse: true,
    translated: true,
    began() {},
  });
  const reader = from.createStreamReader();
  const scribe = to.createStreamScribe({ createdS: 0, wantsUsage: true, inputTokens: 7 });
  const written: Buffer[] = [];
  const writer = { open: true, write: (bytes: Buffer) => void written.push(bytes) };
  let failure: unknown;
  try {
    for (const chunk of chunks) {
      const cut = cutter.push(chunk);
      if (cut !== undefined)
        await passTranslated(cut, { judge, reader, scribe, writer, dialect: to.name, answer: undefined });
    }
  } catch (error) {
    failure = error;
  }
  return { text: Buffer.concat(written).toString(), failure: failure ?? judge.ending(), usage: judge.usage };
}
