import type { AbortSignalLike } from "../core/abort.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { OperationContext } from "../core/step.ts";
import { neverSent } from "../http/upstream-errors.ts";
import type { Upstream } from "../http/upstream.ts";
import { failureOf, noteNoEndpoint } from "./candidate-failure.ts";
import type { Model, ModelPlace } from "./catalog.ts";
import type { CallEnd, Placed, Pool } from "./pool/pool.ts";
import { toPickHeader, toPickNote } from "./pool/pick-text.ts";
import { promptBytes, toPromptChain } from "./pool/prompt.ts";
import { type CallRequest, sendCall, type SentCall } from "./send-call.ts";

/* Of one pool. Each may cost the time a connection takes, and the next model of `fallback` may be well. */
const MOST_TRIES = 3;
const BYTES_PER_TOKEN = 4;

export interface CarryOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
}

/**
 * Sends one call to one model and hands the answer to `pass`. Of a pool an endpoint is picked for it, and another where no byte of the call
 * could be sent to the first. Whatever was sent is not sent again here: that is for the next candidate, within what retries may cost.
 */
export async function carryCall<T>(
  options: CarryOptions,
  request: CallRequest,
  context: OperationContext,
  model: Model,
  signal: AbortSignalLike,
  pass: (sent: SentCall) => Promise<T>,
): Promise<T> {
  const { place } = model;
  if (!("pool" in place)) return pass(await sendCall(options, request, context, model, place.urls, signal));
  const { answering } = context;
  const tried: number[] = [];
  const prompt = readPrompt(request, context, model, place);
  for (;;) {
    const placed = pick(options.clock, prompt, request, context, place.pool, tried);
    context.answering = () => {
      placed.picked.prefilled();
      answering?.();
    };
    let how: CallEnd = "well";
    try {
      return await pass(await sendCall(options, request, context, model, placed.member.urls, signal));
    } catch (error) {
      how = context.signal.aborted ? "unknown" : endOf(error);
      if (how !== "refused" || signal.aborted || tried.push(placed.member.slot) === MOST_TRIES) throw error;
    } finally {
      context.answering = answering;
      placed.end(how);
    }
  }
}

function endOf(error: unknown): CallEnd {
  if (!(error instanceof GatewayError)) return "unknown";
  const health = failureOf(error)?.health;
  if (health !== "sick") return health === "well" ? "well" : "unknown";
  return neverSent(error) ? "refused" : "failed";
}

type Prompt = Pick<Parameters<Pool["pick"]>[0], "chain" | "promptTokens" | "adapter">;

function readPrompt(
  { body }: CallRequest,
  { exchange }: OperationContext,
  { upstreamName }: Model,
  { pool, adapter }: Extract<ModelPlace, { pool: Pool }>,
): Prompt {
  const prompt = promptBytes(body);
  const { tenant } = exchange.principal;
  return {
    chain: toPromptChain(prompt, { model: upstreamName, adapter, tenant, secret: pool.secret }),
    promptTokens: Math.ceil(prompt.length / BYTES_PER_TOKEN),
    adapter,
  };
}

function pick(
  clock: Clock,
  prompt: Prompt,
  { headers }: CallRequest,
  context: OperationContext,
  pool: Pool,
  except: readonly number[],
): Placed {
  const request = { id: context.id, ...prompt, session: headers["x-session-id"] };
  const placed = pool.pick(request, { nowMs: clock.monotonic(), explain: true, except });
  if (placed === undefined) throw noEndpoint(pool, except.length);
  const { explanation } = placed.picked;
  if (explanation !== undefined) {
    context.notes = [...(context.notes ?? []), toPickNote(pool, explanation)];
    if (headers["x-sallyport-explain"] === "1" && !context.exchange.reply.started)
      context.exchange.reply.setHeader("x-sallyport-pick", toPickHeader(pool, explanation));
  }
  return placed;
}

function noEndpoint({ name }: Pool, tried: number): GatewayError {
  const why = tried === 0 ? "is well" : "that is well could be reached";
  return noteNoEndpoint(
    new GatewayError("overloaded", `No endpoint of the pool \`${name}\` ${why}.`, {
      headers: { "x-llm-d-request-dropped-reason": "rejected-no-endpoints" },
    }),
  );
}
