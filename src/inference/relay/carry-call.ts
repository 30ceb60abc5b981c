import type { AbortSignalLike } from "../../core/abort.ts";
import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { OperationContext } from "../../core/step.ts";
import { neverSent } from "../../http/upstream-errors.ts";
import type { Upstream } from "../../http/upstream.ts";
import { failureOf } from "./candidate-failure.ts";
import type { Model, ModelPlace } from "../catalog.ts";
import type { PickRequest } from "../picker/scene.ts";
import type { CallEnd } from "../pool/members.ts";
import type { Placed, Pool } from "../pool/pool.ts";
import { toPickHeader } from "../pool/pick-text.ts";
import { promptBytes, toPromptChain } from "../pool/prompt.ts";
import { type CallRequest, sendCall, type SentCall } from "./send-call.ts";

/* Of one pool. Each may cost the time a connection takes, and the next model of `fallback` may be well. */
const MOST_TRIES = 3;
/* What a server says that did not do the work, or what stands before one. Anything else another would say as well. */
const failures: ReadonlySet<number | undefined> = new Set([500, 502, 503, 504]);
const BYTES_PER_TOKEN = 4;

export interface CarryOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
}

/**
 * Sends one call to one model and hands the answer to `pass`. Of a pool an endpoint is picked for it, and another where no byte of the call
 * could be sent to the first, or, once, where that answered with a failure of its own. All within one reservation, and before anything of an
 * answer is handed on. What was sent and broke off is not sent again here: that is for the next candidate, within what retries may cost.
 */
export async function carryCall<T>(
  door: CarryOptions,
  request: CallRequest,
  context: OperationContext,
  model: Model,
  signal: AbortSignalLike,
  pass: (sent: SentCall) => Promise<T>,
): Promise<T> {
  const { place } = model;
  if (!("pool" in place)) return pass(await sendCall(door, request, context, model, place.urls, signal));
  const { pool } = place;
  const { answering } = context;
  const tried: number[] = [];
  /* What the first endpoint said that failed. */
  let said: unknown;
  const asked = toPickRequest(request, context, model, place);
  const options = { context, signal, bytes: request.body.bytes.length };
  let next: Placed | undefined = await pool.place(asked, options, tried);
  for (;;) {
    const placed: Placed = next;
    context.answering = () => {
      placed.answers();
      answering?.();
    };
    let how: CallEnd = "well";
    let sent: SentCall | undefined;
    let error: unknown;
    try {
      tell(placed, request, context);
      sent = await sendCall(door, request, context, model, placed.member.urls, signal);
      return await pass(sent);
    } catch (thrown) {
      how = context.signal.aborted ? "unknown" : endOf(thrown);
      error = thrown;
    } finally {
      context.answering = answering;
      placed.end(how);
    }
    const mayGoOn = tried.push(placed.member.slot) < MOST_TRIES && !signal.aborted;
    if (how === "refused" && said === undefined && mayGoOn) {
      next = await pool.place(asked, options, tried);
      continue;
    }
    // What one that could be reached has said says more.
    if (how === "refused") error = said ?? error;
    const isNew = how === "failed" && said === undefined && sent === undefined && failures.has(context.upstreamStatus);
    next = mayGoOn && (isNew || error === said) ? pool.placeAgain(asked, tried) : undefined;
    if (next === undefined) throw error;
    if (isNew) note(context, `${placed.member.host} answered ${context.upstreamStatus}, and another was asked`);
    said = error;
  }
}

function note(context: OperationContext, text: string): void {
  context.notes = [...(context.notes ?? []), text];
}

function endOf(error: unknown): CallEnd {
  if (!(error instanceof GatewayError)) return "unknown";
  const health = failureOf(error)?.health;
  if (health !== "sick") return health === "well" ? "well" : "unknown";
  return neverSent(error) ? "refused" : "failed";
}

function toPickRequest(
  { body, headers }: CallRequest,
  { id, exchange }: OperationContext,
  { upstreamName }: Model,
  { pool, adapter }: Extract<ModelPlace, { pool: Pool }>,
): PickRequest {
  const prompt = promptBytes(body);
  const { tenant } = exchange.principal;
  return {
    id,
    chain: toPromptChain(prompt, { model: upstreamName, adapter, tenant, secret: pool.secret }),
    promptTokens: Math.ceil(prompt.length / BYTES_PER_TOKEN),
    adapter,
    session: headers["x-session-id"],
  };
}

function tell(placed: Placed, { headers }: CallRequest, context: OperationContext): void {
  context.picks = context.picks === undefined ? [placed.why] : [...context.picks, placed.why];
  if (headers["x-sallyport-explain"] === "1" && !context.exchange.reply.started)
    context.exchange.reply.setHeader("x-sallyport-pick", toPickHeader(placed));
}
