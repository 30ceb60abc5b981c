import type { ServerResponse } from "node:http";
import { once } from "node:events";
import { answer } from "./answer.ts";
import { toGeneration } from "./chunks.ts";
import type { Generation, Shape } from "./chunks.ts";
import type { Engine, Sequence } from "./engine.ts";
import type { Knobs } from "./knobs.ts";
import type { Metrics } from "./metrics.ts";
import { promptBlocks } from "./prompt-blocks.ts";
import type { ChatRequest, Message } from "./request.ts";
import { countTokens, sign } from "./text.ts";

export interface Generator {
  readonly engine: Engine;
  readonly metrics: Metrics;
}

export interface Job {
  readonly id: string;
  readonly model: string;
  /** The LoRA adapter that the model's name stands for. */
  readonly adapter: string | undefined;
  readonly request: ChatRequest;
  readonly shape: Shape;
  readonly knobs: Knobs;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** The tokens of a prompt, with four around each message. */
export function countPrompt(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + countTokens(message.text) + 4, 0);
}

/** Runs one request through the engine and writes the answer, whole or as server-sent events. */
export async function generate({ engine, metrics }: Generator, job: Job, response: ServerResponse): Promise<void> {
  const startedAtMs = performance.now();
  const { knobs, request } = job;
  const promptTokens = countPrompt(request.messages);
  const generation = toGeneration(answer(job.request, job.model), {
    id: job.id,
    createdS: Math.floor(Date.now() / 1_000),
    model: job.request.model,
    promptTokens,
    exactTokens: job.knobs.tokens,
    maxTokens: job.request.maxTokens,
    includeUsage: job.request.includeUsage,
    thinking: job.request.thinks === true ? think(job.request) : undefined,
  });
  const { adapter } = job;
  const asked = {
    ...{ promptTokens, adapter, ttftMs: knobs.ttftMs, itlMs: knobs.itlMs },
    prompt: promptBlocks(adapter ?? "", request.messages),
    outputTokens: generation.tokens.length,
  };
  const sequence = await engine.admit(asked, job.signal);
  if (sequence === undefined) return;
  let complete = false;
  try {
    metrics.prompt(promptTokens);
    if (job.request.stream) {
      // Before the prefill, as vLLM does.
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
      response.flushHeaders();
    }
    if (!(await sequence.firstToken())) return;
    metrics.firstToken((performance.now() - startedAtMs) / 1_000);
    complete = await (job.request.stream ? writeStream : writeWhole)({ job, generation, sequence, metrics, response });
  } finally {
    sequence.finish();
    metrics.finished(complete ? generation.finish : "abort", (performance.now() - startedAtMs) / 1_000);
  }
}

function think(request: ChatRequest): { text: string; signature: string } {
  const text = `The request has ${request.messages.length} messages; the last one is to be answered.`;
  return { text, signature: sign(text) };
}

interface Run {
  readonly job: Job;
  readonly generation: Generation;
  readonly sequence: Sequence;
  readonly metrics: Metrics;
  readonly response: ServerResponse;
}

async function writeWhole({ job, generation, sequence, metrics, response }: Run): Promise<boolean> {
  for (let token = 1; token < generation.tokens.length; token++) if (!(await sequence.nextToken())) return false;
  metrics.generated(generation.tokens.length);
  const body = JSON.stringify(job.shape.whole(generation));
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  if (job.knobs.fault?.kind === "die") {
    response.write(body.slice(0, body.length / 2), () => response.destroy());
    return false;
  }
  response.end(body);
  return true;
}

async function writeStream(run: Run): Promise<boolean> {
  const { job, generation, sequence, metrics, response } = run;
  const fault = job.knobs.fault;
  for (const event of job.shape.first(generation)) await send(run, event);
  let tokenAtMs = performance.now();
  for (const [index, token] of generation.tokens.entries()) {
    if (index > 0 && !(await sequence.nextToken())) return false;
    if (fault?.kind === "die" && index === fault.afterTokens) return breakOff(run);
    await send(run, job.shape.token(generation, token));
    if (job.signal.aborted) return false;
    metrics.generated(1);
    if (index > 0) metrics.nextToken((performance.now() - tokenAtMs) / 1_000);
    tokenAtMs = performance.now();
    if (index === 0 && fault !== undefined) await misbehave(run, fault.kind);
  }
  if (fault?.kind === "die") return breakOff(run);
  if (fault?.kind !== "no-finish") {
    for (const event of job.shape.last(generation)) await send(run, event);
    if (fault?.kind !== "no-done") await send(run, job.shape.end);
  }
  response.end();
  return true;
}

async function misbehave(run: Run, kind: string): Promise<void> {
  if (kind === "garbage") await send(run, "event: garbage\ndata: this is not JSON\n\n");
  if (kind === "error-event") await send(run, run.job.shape.error);
  if (kind === "huge-event") await send(run, `data: ${JSON.stringify({ padding: "x".repeat(3 * 1_048_576) })}\n\n`);
}

/* Half an event first: what a crash leaves behind is seldom whole. */
function breakOff({ response, job }: Run): false {
  response.write(job.shape.half, () => response.destroy());
  return false;
}

/** Waits for a slow reader. */
async function send({ response, job }: Run, event: string): Promise<void> {
  if (response.write(event) || job.signal.aborted) return;
  await once(response, "drain", { signal: job.signal }).catch(() => undefined);
}
