import { afterEach } from "vitest";
import { z } from "zod";
import { inferenceConfig } from "../../src/inference/config.ts";
import { startCannedProvider } from "./canned-provider.ts";
import { startHarness } from "./harness.ts";
import type { Harness, HarnessOptions } from "./harness.ts";

/** Closed after each test, in this order. */
export const running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.close();
});

/** The gateway's own at its providers. */
export const key = `sk-${crypto.randomUUID()}`;
export const hello = [{ role: "user" as const, content: "Hello" }];

/** A gateway with a model of each dialect, and the provider behind all of them: its own, or one at `url`. */
export async function start(options: Omit<HarnessOptions, "config"> = {}, url?: string) {
  const provider = url === undefined ? await startCannedProvider() : undefined;
  if (provider !== undefined) running.push(provider);
  const common = { url: url ?? provider?.url, key };
  const gateway = await startHarness({
    ...options,
    config: z.strictObject(inferenceConfig).parse({
      models: {
        claude: { ...common, provider: "anthropic", beta: ["context-1m-2025-08-07"], maxTokens: 77 },
        gpt: { ...common, provider: "openai", model: "gpt-x" },
        llama: { ...common, provider: "vllm" },
      },
    }),
  });
  running.unshift(gateway);
  const message =
    '{"id":"msg_1","type":"message","model":"c","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}';
  const completion =
    '{"id":"c","model":"g","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}';
  return { gateway, provider: provider as NonNullable<typeof provider>, message, completion };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export async function send(gateway: Harness, path: string, body: string | object, headers = {}): Promise<Answer> {
  const response = await fetch(gateway.url + path, {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

export const says = (body: string, contentType = "application/json") => ({ contentType, body });
