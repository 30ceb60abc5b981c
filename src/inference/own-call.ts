import { LightAbortSignal, type AbortSignalLike } from "../core/abort.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Operate, OperationContext } from "../core/step.ts";
import type { Upstream } from "../http/upstream.ts";
import { withinLimit } from "./relay/answer-limit.ts";
import { failureOf } from "./relay/candidate-failure.ts";
import { carryCall } from "./relay/carry-call.ts";
import { toCallOperation, type Model } from "./catalog.ts";
import { isFields, type Fields } from "./dialects/fields.ts";
import { endpoints } from "./dialects/registry.ts";
import { planCandidates } from "./fallback.ts";
import type { Endpoint } from "./model-call.ts";
import { parseExact } from "./parse-exact.ts";
import type { CallRequest, SentCall } from "./relay/send-call.ts";

/** A call that the gateway makes of a model for itself, on a caller's behalf. */
export interface OwnAsk {
  /** Whose call it is made for: the principal it is charged to. Nothing is written to its reply. */
  readonly exchange: Exchange;
  /** What for, as the journal says it, such as `an embedding for the cache`. */
  readonly purpose: string;
  /** An entry of `models`; its fallbacks may step in. */
  readonly model: string;
  readonly method: "embeddings" | "chat.completions";
  /** The request in the OpenAI dialect, without `model`; not a stream. A `chat.completions` says `max_tokens`. */
  readonly body: Fields;
  /** Aborts the call; the exchange's own signal where there is none. */
  readonly signal?: AbortSignalLike;
  /** For the whole of it: waiting for a budget, every candidate, and the answer to its end. */
  readonly limitMs: number;
  readonly limitBytes: number;
}

/**
 * Gives the answer in the OpenAI dialect, whatever its provider speaks. Rejects with a GatewayError: no such model, no budget, too late,
 * too long, refused.
 */
export type OwnCall = (ask: OwnAsk) => Promise<Fields>;

export interface OwnCallOptions {
  readonly operate: Operate;
  readonly catalog: ReadonlyMap<string, Model>;
  readonly upstream: Upstream;
  readonly clock: Clock;
}

const paths = { embeddings: "/v1/embeddings", "chat.completions": "/v1/chat/completions" } as const;

/**
 * The gateway's own calls: operations like any other, recorded, charged to the caller's budgets, with breaker and fallback, but judged by
 * no policy of the caller's, who did not ask for them, and read by no guard, since the texts are the caller's that guards have read.
 */
export function createOwnCall({ operate, catalog, upstream, clock }: OwnCallOptions): OwnCall {
  return async ({ exchange, purpose, model: name, method, body, limitMs, limitBytes, signal = exchange.signal }) => {
    const model = catalog.get(name);
    const endpoint = endpoints.get(paths[method]) as Endpoint;
    if (model === undefined) throw new GatewayError("internal", `The gateway has no model ${name} of its own.`);
    const value = { ...body, model: name };
    const bytes = Buffer.from(JSON.stringify(value));
    const call = endpoint.read(value);
    const modelOf = (other: string) => catalog.get(other);
    const request: CallRequest = { endpoint, call, body: { bytes, value }, headers: {}, modelOf };
    const operation = { ...toCallOperation(endpoint, call, model, bytes.length), judged: false, own: purpose };
    const deadline = new Deadline(signal, clock, limitMs);
    try {
      return await operate(
        exchange,
        operation,
        {
          plan(context) {
            context.notes = [`the gateway's own call: ${purpose}`];
            return planCandidates(model, endpoint, operation);
          },
          async relay(context, to) {
            const candidate = catalog.get(to.name) as Model;
            const ownMs = candidate.answerTimeoutMs ?? Number.POSITIVE_INFINITY;
            return deadline.handOver((leftMs) =>
              withinLimit(context, Math.min(leftMs, ownMs), (until) =>
                carryCall({ upstream, clock }, request, context, candidate, until, (sent) =>
                  readAnswer(sent, context, limitBytes),
                ),
              ),
            );
          },
          failure: failureOf,
        },
        deadline.signal,
      );
    } finally {
      deadline.close();
    }
  };
}

async function readAnswer(
  { response, from, to }: SentCall,
  context: OperationContext,
  limitBytes: number,
): Promise<Fields> {
  const text = (await response.bytes(limitBytes)).toString("utf8");
  if (from !== to) {
    const answer = from.readAnswer(parse(text, parseExact));
    context.usage = answer.usage;
    return to.writeAnswer(answer, Math.floor(context.startedAtMs / 1_000)) as Fields;
  }
  const value = parse(text, JSON.parse);
  context.usage = from.readUsage(value["usage"]);
  return value;
}

function parse(text: string, parser: (text: string) => unknown): Fields {
  let value: unknown;
  try {
    value = parser(text);
  } catch (cause) {
    throw new GatewayError("upstream_invalid", "The provider's answer is not valid JSON.", { cause });
  }
  if (!isFields(value)) throw new GatewayError("upstream_invalid", "The provider's answer is not a JSON object.");
  return value;
}

/**
 * The time a call has. While a candidate is asked it is that candidate's to keep, so that one which does not answer counts as one that
 * does not; at other times (waiting for a budget) it ends the operation.
 */
class Deadline {
  readonly signal = new LightAbortSignal();
  readonly #outer: AbortSignalLike;
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #endsAt: number;
  #timer: NodeJS.Timeout | undefined;
  readonly #follow = () => this.signal.abort(this.#outer.reason);

  constructor(outer: AbortSignalLike, clock: Clock, limitMs: number) {
    this.#outer = outer;
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#endsAt = clock.monotonic() + limitMs;
    outer.addEventListener("abort", this.#follow, { once: true });
    if (outer.aborted) this.#follow();
    this.#start();
  }

  #start(): void {
    const late = () =>
      this.signal.abort(
        new GatewayError("upstream_timeout", `The gateway's own call was not over within ${this.#limitMs} ms.`),
      );
    this.#timer = setTimeout(late, this.#leftMs());
  }

  #leftMs(): number {
    return Math.max(1, this.#endsAt - this.#clock.monotonic());
  }

  async handOver<T>(work: (leftMs: number) => Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    try {
      return await work(this.#leftMs());
    } finally {
      this.#start();
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#follow);
  }
}
