import { setTimeout as delay } from "node:timers/promises";
import { APIError } from "openai";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { refuses, says, startProvider, startScene, usageOf, type Provider, type Scene } from "./fallback-scene.ts";

/* Each signal over a real gateway; what is taken for a runaway and what is not is in test/budgets/runaway.test.ts. */
let provider: Provider;
let scene: Scene;

beforeEach(async () => {
  provider = await startProvider(says("Not done."));
});
afterEach(async () => {
  await scene.close();
  await provider.close();
});

async function start(runaway: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  scene = await startScene({
    models: `{ small: { provider: vllm, url: "${provider.url}", price: { input: $100, output: $100 } } }`,
    runaway,
    ...more,
  });
}

const run = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

interface Asked {
  readonly status: number | undefined;
  readonly message: string;
  readonly header: string | null;
}
async function ask(content: string): Promise<Asked> {
  try {
    const { response } = await scene.openai.chat.completions
      .create({ model: "small", messages: [{ role: "user", content }] }, { headers: { traceparent: run } })
      .withResponse();
    return { status: response.status, message: "", header: response.headers.get("x-sallyport-runaway") };
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    return {
      status: error.status,
      message: error.message,
      header: error.headers?.get("x-sallyport-runaway") ?? null,
    };
  }
}

/** Asks until it is stopped; what every call got. */
async function askUntilStopped(question: (at: number) => string, most = 60): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  while (asked.length < most && !(asked.at(-1)?.message.includes("The stop lifts in") ?? false))
    asked.push(await ask(question(asked.length)));
  return asked;
}

describe("an agent that runs away is stopped, and told", () => {
  test("by the same prompt, after a warning", async () => {
    await start("{ action: stop }");
    const asked = await askUntilStopped(() => "Fix it, then say DONE.");
    expect(asked).toHaveLength(11);
    expect(asked.map(({ header }) => header?.split(";")[0])).toEqual([
      ...Array.from({ length: 8 }, () => undefined),
      ...["same", "same", "same"],
    ]);
    expect(asked.at(-1)?.message).toMatch(
      /The same call of the model small was made 10 times in \d+ s in this run\. It cost \$0\.0050* so far/,
    );
    expect(provider.calls).toBe(10);
  });

  test("by prompts that differ in a number", async () => {
    await start("{ action: stop }");
    const asked = await askUntilStopped(
      (at) => `Attempt ${at}: the upload of the report failed, please fix the path and try it again`,
    );
    expect(asked.at(-1)?.message).toContain("Nearly the same prompt went to the model small 20 times");
    expect(provider.calls).toBeLessThanOrEqual(22);
  });

  test("by failures in a row, whatever the circuit breaker lets through", async () => {
    await start("{ action: stop, same: { run: 500, principal: 500 } }");
    provider.behaviour = refuses(500);
    const asked = [];
    for (let at = 0; at < 400 && !(asked.at(-1)?.message.includes("The stop lifts in") ?? false); at++) {
      asked.push(await ask("Summarise the ticket."));
      await delay(10);
    }
    expect(asked.at(-1)).toMatchObject({
      status: 429,
      message: expect.stringContaining("The same call of the model small failed 8 times, one after the other."),
    });
    /* The first of them was a call like any other. */
    expect(provider.calls).toBe(9);
  });

  test("by spending far more than it usually does", async () => {
    await start("{ action: stop, window: 1s }");
    let question = 0;
    const words = ["moon", "river", "stone", "glass", "cloud", "ember", "frost", "grain", "harbour", "ivory"];
    const other = () => `${words[question % 10]} ${words[Math.floor(question / 10) % 10]} ${question++}?`;
    provider.behaviour = says("so", usageOf(1_000, 1_000));
    for (let window = 0; window < 8; window++) {
      expect((await ask(other())).status).toBe(200);
      await delay(1_010);
    }
    provider.behaviour = says("so", usageOf(100_000, 100_000));
    expect((await ask(other())).status).toBe(200);
    expect(await ask(other())).toMatchObject({
      status: 429,
      message: expect.stringMatching(/This caller spent \$20\.\d\d in 1 s; usual is \$0\.20\./),
    });
  }, 30_000);
});

test("`slow` lets every call pass, each later than the one before", async () => {
  await start("{ action: slow, delay: 300ms }");
  const took: number[] = [];
  for (let at = 0; at < 14; at++) {
    const beganMs = performance.now();
    expect((await ask("Fix it, then say DONE.")).status).toBe(200);
    took.push(performance.now() - beganMs);
  }
  /* 100, 200, 300, 300 ms; a timer may be a little early. */
  for (const [at, leastMs] of [95, 190, 290, 290].entries()) expect(took[10 + at]).toBeGreaterThan(leastMs);
});

test("a client that comes back when a budget tells it to is none, however often it was told so", async () => {
  await start("{ action: stop, same: { run: 3, principal: 3 } }", {
    budgets: '[{ name: tight, limits: ["1 call/day"] }]',
  });
  expect((await ask("What is the capital of France?")).status).toBe(200);
  for (let at = 0; at < 12; at++) {
    const { status, message } = await ask("Summarise the ticket.");
    expect(status).toBe(429);
    expect(message).toContain("The budget tight");
  }
});
