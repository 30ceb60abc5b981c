import { readFileSync } from "node:fs";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { LengthFinishReasonError } from "openai/core/error";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { inferenceConfig } from "../../src/inference/config.ts";
import { startCannedProvider } from "./canned-provider.ts";
import type { CannedProvider } from "./canned-provider.ts";
import { toAnthropic, toOpenai } from "./golden-scenarios.ts";
import type { Scenario } from "./golden-scenarios.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";
import { createModelRelay } from "./without-sockets.ts";
import type { Relayed } from "./without-sockets.ts";

/*
 * Each file of golden/ was read by a person: what a request, an answer and a stream of one dialect are in the other. Where caller and
 * provider speak the same dialect, bytes are.
 */

let provider: CannedProvider;
let gateway: Harness;

/* The lists have the same scenarios in the same order: a caller's request of one goes with a provider's answer of the other. */
const asked = { openai: toAnthropic, anthropic: toOpenai };
const answered = { openai: toOpenai, anthropic: toAnthropic };
const names = ["openai", "anthropic"] as const;
type Name = (typeof names)[number];
const paths = { openai: "/chat/completions", anthropic: "/messages" };
const pairs = names.flatMap((from) =>
  names.map((to) => ({
    from,
    to,
    scenarios: asked[from].map(({ name, request }, index) => ({ ...(answered[to][index] as Scenario), name, request })),
  })),
);

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

const isError = ({ name }: Scenario) => name === "an error";

function prepare(scenario: Scenario, stream: boolean): void {
  provider.next = stream
    ? { contentType: "text/event-stream", body: scenario.stream.join("") }
    : { status: isError(scenario) ? 503 : 200, contentType: "application/json", body: scenario.whole };
}

async function ask(path: string, model: string, scenario: Scenario, stream: boolean) {
  prepare(scenario, stream);
  const named = scenario.request.replace('"model":"m"', `"model":"${model}"`);
  const response = await fetch(`${gateway.url}${path}`, {
    method: "POST",
    body: stream ? `${named.slice(0, -1)},"stream":true}` : named,
  });
  const dropped = response.headers.get("x-sallyport-dropped");
  return { text: settle(await response.text()), status: response.status, dropped };
}

const endMark = /\[DONE\]|message_stop/;
const counts = { streams: 0, cuts: 0, sdk: 0 };

describe.each(pairs.filter(({ from, to }) => from !== to))(
  "a caller of the $from dialect and a provider of the $to dialect",
  ({ from, to, scenarios }) => {
    it.each(scenarios)("understand each other: $name", async (scenario) => {
      const whole = await ask(paths[from], to, scenario, false);
      const sent = provider.seen.body;
      const streamed = await ask(paths[from], to, scenario, true);
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
      expect(endMark.test(streamed.text)).toBe(scenario.fails !== true);
      expect(gateway.carried.at(-1)?.outcome.status).toBe(scenario.fails === true ? "failed" : "ok");
    });
  },
);

describe.each(pairs.filter(({ from, to }) => from === to))(
  "a caller and a provider of the $from dialect",
  ({ from, to, scenarios }) => {
    const upstreamName = { openai: "gpt", anthropic: "claude" }[to];

    it.each(scenarios)("are given each other's bytes: $name", async (scenario) => {
      const whole = await ask(paths[from], to, scenario, false);
      expect(provider.seen.body).toBe(scenario.request.replace('"model":"m"', `"model":"${upstreamName}"`));
      expect(whole.dropped).toBeNull();
      if (scenario.name === "truncated") expect(whole.status).toBe(502);
      else expect(whole).toMatchObject({ status: isError(scenario) ? 503 : 200, text: settle(scenario.whole) });

      const streamed = await ask(paths[from], to, scenario, true);
      const { stream, ...rest } = JSON.parse(provider.seen.body) as Record<string, unknown>;
      expect(stream).toBe(true);
      const own = JSON.parse(scenario.request) as Record<string, unknown>;
      const usage = from === "openai" ? { stream_options: { include_usage: true } } : {};
      expect(rest).toEqual({ ...own, model: upstreamName, ...usage });
      // The usage that nobody but the gateway asked for is taken out.
      const wanted = own["stream_options"] !== undefined;
      const said = scenario.stream
        .join("")
        .replace(wanted ? "" : /data: \{(?:(?!\n\n).)*"choices":\[\],"usage".*\n\n/, "");
      if (scenario.name === "truncated") {
        expect(streamed.text.startsWith(said)).toBe(true);
        expect(streamed.text.slice(said.length)).toContain('"error"');
      } else expect(streamed.text).toBe(settle(said));
      expect(endMark.test(streamed.text)).toBe(scenario.fails !== true);
      expect(gateway.carried.at(-1)?.outcome.status).toBe(scenario.fails === true ? "failed" : "ok");
    });
  },
);

describe("the official SDKs", () => {
  /* What an answer says, whichever way it came. */
  const readers: Readonly<Record<Name, (scenario: Scenario, model: Name, stream: boolean) => Promise<unknown>>> = {
    async openai({ request }, model, stream) {
      const openai = new OpenAI({ baseURL: gateway.url, apiKey: "caller", maxRetries: 0 });
      const { stream: _, ...body } = { ...(JSON.parse(request) as OpenAI.ChatCompletionCreateParams), model };
      const { completions } = openai.chat;
      const { choices } = stream
        ? await completions.stream(body).finalChatCompletion()
        : await (body.response_format === undefined ? completions.create(body) : completions.parse(body));
      const { message, finish_reason } = choices[0] ?? {};
      const calls = message?.tool_calls?.map((call) =>
        call.type === "function" ? [call.id, call.function.name, call.function.arguments] : [],
      );
      return [choices.length, message?.content || null, message?.refusal || null, calls ?? [], finish_reason];
    },
    async anthropic({ request }, model, stream) {
      const anthropic = new Anthropic({ baseURL: gateway.url.replace(/\/v1$/, ""), apiKey: "caller", maxRetries: 0 });
      const body = { ...(JSON.parse(request) as Anthropic.MessageCreateParamsNonStreaming), model };
      const { content, stop_reason, stop_sequence } = stream
        ? await anthropic.messages.stream(body).finalMessage()
        : await anthropic.messages.create(body);
      const said = content.map((block) => (block.type === "text" ? { type: "text", text: block.text } : block));
      return [said, stop_reason, stop_sequence];
    },
  };

  const failures = { openai: OpenAI.APIError, anthropic: Anthropic.APIError };

  describe.each(pairs)("of the $from dialect, with a provider of the $to dialect", ({ from, to, scenarios }) => {
    it.each(scenarios)("read the same, whole and streamed: $name", async (scenario) => {
      const read = async (stream: boolean): Promise<unknown> => {
        prepare(scenario, stream);
        counts.sdk++;
        return readers[from](scenario, to, stream).catch((thrown: unknown) => thrown);
      };
      const [whole, streamed] = [await read(false), await read(true)];
      // What was cut off at its limit is not read as structured output by this SDK, whichever way it came.
      const cutOff = from === "openai" && scenario.stream.join("").includes("max_tokens");
      for (const said of [whole, streamed])
        if (scenario.fails === true) expect(said).toBeInstanceOf(failures[from]);
        else if (cutOff) expect(said).toBeInstanceOf(LengthFinishReasonError);
        else expect(said).toBeInstanceOf(Array);
      if (scenario.fails !== true) expect(streamed).toEqual(whole);
      else expect(whole).toMatchObject({ status: isError(scenario) ? 503 : 502 });
    });
  });
});

/* The outcome of a relay, so that two can be compared. */
const outcomeOf = ({ arrived, failure, usage }: Relayed) => ({ text: settle(arrived.toString()), failure, usage });

describe.each(pairs)(
  "with a caller of the $from dialect and a provider of the $to dialect",
  ({ from, to, scenarios }) => {
    const relay = createModelRelay(from, to);
    // With a step that looks at answers, events are parsed and may be written anew; without one, bytes pass.
    const looking = [undefined, async (event: object) => [{ ...event }] as never] as const;

    it.each(scenarios)("a stream is the same wherever its bytes are cut: $name", async ({ stream, fails }) => {
      const bytes = Buffer.from(stream.join(""));
      const single = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
      for (const answer of looking) {
        const whole = outcomeOf(await relay.stream([bytes], answer));
        expect(whole.failure !== undefined).toBe(fails === true);
        for (let at = 1; at < bytes.length; at++) {
          const cut = [bytes.subarray(0, at), bytes.subarray(at)];
          expect(outcomeOf(await relay.stream(cut, answer)), `cut at ${at}`).toEqual(whole);
        }
        expect(outcomeOf(await relay.stream(single, answer))).toEqual(whole);
        counts.cuts += bytes.length - 1;
      }
      counts.streams++;
    });
  },
);

it("the figures in the documentation are these", () => {
  const { streams, cuts, sdk } = counts;
  const figures = `${toOpenai.length} scenarios in ${pairs.length} pairs, whole and streamed: ${cuts.toLocaleString("en")} cuts in ${streams} streams, ${sdk} calls with the official SDKs`;
  const documented = /\d+ scenarios in .* official SDKs/.exec(readFileSync("docs/models.md", "utf8"))?.[0];
  expect(documented).toBe(figures);
});
