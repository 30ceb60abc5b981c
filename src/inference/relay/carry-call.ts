import type { AbortSignalLike } from "../../core/abort.ts";
import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { OperationContext } from "../../core/step.ts";
import { tenantOf } from "../../core/tenant.ts";
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
  const { answering } = context;
  const tries = new Tries(place.pool, toPickRequest(request, context, model, place), context, {
    signal,
    bytes: request.body.bytes.length,
  });
  for (let placed = await tries.first(); ;) {
    const current = placed;
    context.answering = () => {
      current.answers();
      answering?.();
    };
    let how: CallEnd = "well";
    let began = false;
    let failure: unknown;
    try {
      tell(placed, request, context);
      const sent = await sendCall(door, request, context, model, placed.member.urls, signal);
      began = true;
      if (model.asAsked !== undefined) place.pool.learn(model.name);
      return await pass(sent);
    } catch (error) {
      how = endOf(error, context, model);
      failure = error;
    } finally {
      context.answering = answering;
      placed.end(how);
    }
    placed = await tries.next(placed, { how, began, error: failure, status: context.upstreamStatus });
  }
}

/** How an endpoint failed a call; `began`: with the answer under way. */
interface Failed {
  readonly how: CallEnd;
  readonly began: boolean;
  readonly error: unknown;
  readonly status: number | undefined;
}

/** The endpoints of a pool that one call is sent to, one after another. */
class Tries {
  readonly #pool: Pool;
  readonly #asked: PickRequest;
  readonly #context: OperationContext;
  readonly #options: Parameters<Pool["place"]>[1];
  readonly #slots: number[] = [];
  /** The first that answered with a failure of its own. */
  #said: Failed | undefined;

  constructor(
    pool: Pool,
    asked: PickRequest,
    context: OperationContext,
    options: Omit<Parameters<Pool["place"]>[1], "context">,
  ) {
    this.#pool = pool;
    this.#asked = asked;
    this.#context = context;
    this.#options = { ...options, context };
  }

  first(): Promise<Placed> {
    return this.#pool.place(this.#asked, this.#options, this.#slots);
  }

  /** Where the call goes after one failed it. Rejects with what the caller is to be told when it goes nowhere. */
  async next({ member }: Placed, failed: Failed): Promise<Placed> {
    const mayGoOn = this.#slots.push(member.slot) < MOST_TRIES && !this.#options.signal.aborted;
    const { how, began, status } = failed;
    if (how === "refused" && this.#said === undefined) {
      if (mayGoOn) return this.#pool.place(this.#asked, this.#options, this.#slots);
      throw failed.error;
    }
    // What one that could be reached has said says more than that the next could not be.
    const told = how === "refused" ? this.#said! : failed;
    const isSaid = told === this.#said || (how === "failed" && !began && !this.#said && failures.has(status));
    const next = mayGoOn && isSaid ? this.#pool.placeAgain(this.#asked, this.#slots) : undefined;
    this.#context.upstreamStatus = next === undefined ? told.status : undefined;
    if (next === undefined) throw told.error;
    if (this.#said === undefined) note(this.#context, `${member.host} answered ${status}, and another was asked`);
    this.#said = told;
    return next;
  }
}

function note(context: OperationContext, text: string): void {
  context.notes = [...(context.notes ?? []), text];
}

function endOf(error: unknown, { signal, upstreamStatus }: OperationContext, { asAsked }: Model): CallEnd {
  if (signal.aborted || !(error instanceof GatewayError)) return "unknown";
  // A caller who makes up names of models says nothing of the servers.
  if (upstreamStatus === 404 && asAsked !== undefined) return "unknown";
  // What is no answer of a model server: a page to sign in, or one that does not know the model, whose name is the gateway's own.
  if (error.kind === "upstream_invalid" || upstreamStatus === 404) return "failed";
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
  const prompt = promptBytes(body, pool.secret);
  const tenant = tenantOf(exchange);
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
