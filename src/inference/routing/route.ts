import { costOf, toUse } from "../../budgets/amounts.ts";
import { formatDollars } from "../../budgets/money.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Candidate, LlmVariables, Operation } from "../../core/operation.ts";
import type { AnswerEvent, OperationContext } from "../../core/step.ts";
import { takes, type Model } from "../catalog.ts";
import { toBounds, toDemand } from "../demand.ts";
import { toCandidate } from "../fallback.ts";
import type { CallRequest } from "../send-call.ts";
import { readAnswerIds } from "./answer-id.ts";
import { type Choice, choose } from "./choice.ts";
import { LazyComplexity } from "./complexity.ts";
import { countBeforeLoop, findModelLock, type ModelLock } from "./model-lock.ts";
import type { ModelMemory } from "./model-memory.ts";
import type { RoutingMetrics } from "./routing-metrics.ts";
import type { VirtualModel } from "./virtual-model.ts";

const NANOS_PER_DOLLAR = 1e9;
/* A call of a tool and a container; more would be somebody's mistake. */
const MOST_IDS = 4;

export interface RouteOptions {
  readonly memory: ModelMemory;
  readonly metrics: RoutingMetrics;
}

/** One call of a virtual model: what is chosen, who steps in, and what is told of it. */
export class Route {
  /** Reads answers for ids by which the next request of a loop finds its model; undefined where none could come. */
  readonly sees: ((event: AnswerEvent) => void) | undefined;
  readonly #options: RouteOptions;
  readonly #virtual: VirtualModel;
  readonly #request: CallRequest;
  readonly #operation: Operation;
  readonly #ids = new Set<string>();
  #context: OperationContext | undefined;
  /** What the caller is told of the choice; undefined in shadow mode. */
  #reason: string | undefined;
  /** What would have been chosen, in shadow mode. */
  #wouldBe: Model | undefined;

  constructor(options: RouteOptions, virtual: VirtualModel, request: CallRequest, operation: Operation) {
    this.#options = options;
    this.#virtual = virtual;
    this.#request = request;
    this.#operation = operation;
    const mayCall = request.endpoint.kind === "chat" && request.call.tools.length > 0;
    this.sees = mayCall && !virtual.shadow ? (event) => this.#keep(event) : undefined;
  }

  /** The chosen model and who steps in for it, `otherwise` and who steps in for that: each judged by policy as if it had been asked for by its own name. */
  async plan(context: OperationContext): Promise<readonly Candidate[]> {
    const { kind } = this.#request.endpoint;
    if (kind === "embeddings") throw noEmbeddings(this.#virtual.name);
    this.#context = context;
    const { otherwise } = this.#virtual;
    const chosen = await this.#choose(context);
    const models = new Set([chosen, ...chosen.fallback, otherwise, ...otherwise.fallback]);
    const able = [...models].filter((model) => kind === "count" || takes(model, kind));
    return (able.length === 0 ? [chosen] : able).map((model) => toCandidate(model, this.#operation));
  }

  /** Says in the answer that is about to be given why it is from this model. */
  tell({ exchange }: OperationContext): void {
    if (this.#reason !== undefined) exchange.reply.setHeader("x-sallyport-route", this.#reason);
  }

  /** Around the sending to one candidate. */
  async relay(context: OperationContext, candidate: Candidate, send: () => Promise<void>): Promise<void> {
    this.tell(context);
    await send();
    if (this.#wouldBe !== undefined) this.#compare(context, candidate, this.#wouldBe);
  }

  async #choose(context: OperationContext): Promise<Model> {
    const { name, shadow, choices, otherwise } = this.#virtual;
    const { metrics } = this.#options;
    const lock = findModelLock(this.#request.body.value);
    const before = lock === undefined || shadow ? undefined : await this.#remember(context, lock);
    if (lock !== undefined && before !== undefined) {
      this.#reason = lock.reason;
      note(context, `${name} stays with ${before.name}: ${words[lock.reason]}`);
      metrics.choices.add([name, before.name, lock.reason]);
      return before;
    }
    const llm = this.#read(lock);
    const choice = choose(this.#virtual.rules, otherwise.name, context.exchange, llm);
    const chosen = choices.get(choice.use) as Model;
    const measured = llm.complexity instanceof LazyComplexity ? llm.complexity.measured?.score : undefined;
    if (measured !== undefined) metrics.complexity.observe([name], measured);
    for (const { rule, fault } of choice.faults) {
      note(context, `${name}: rule ${rule} failed and did not hold: ${fault}`);
      metrics.failures.add([name, String(rule)]);
    }
    const why = `${choice.rule === undefined ? "no rule held" : `rule ${choice.rule}`}${measured === undefined ? "" : `, complexity ${measured.toFixed(3)}`}`;
    if (shadow) {
      this.#wouldBe = chosen;
      note(context, `${name} would have chosen ${chosen.name}: ${why}`);
      metrics.shadowChoices.add([name, chosen.name]);
      return otherwise;
    }
    this.#reason = toReason(choice, measured);
    note(context, `${name} chose ${chosen.name}: ${why}`);
    metrics.choices.add([name, chosen.name, choice.rule === undefined ? "otherwise" : "rule"]);
    return chosen;
  }

  async #remember({ exchange }: OperationContext, { keys }: ModelLock): Promise<Model | undefined> {
    const { name, choices, otherwise } = this.#virtual;
    const known = await this.#options.memory.find({ principal: exchange.principal, virtual: name }, keys);
    /* A fallback may have answered that the rules do not name. */
    const all = [
      ...choices.values(),
      ...otherwise.fallback,
      ...[...choices.values()].flatMap(({ fallback }) => fallback),
    ];
    return known === undefined ? undefined : all.find((model) => model.name === known);
  }

  /** What rules read. Within a loop that nobody remembers it is what they read when it began, so that every replica chooses as it was chosen then. */
  #read(lock: ModelLock | undefined): LlmVariables {
    const { endpoint, call, body } = this.#request;
    const llm = this.#operation.variables.llm as LlmVariables;
    const count = lock === undefined ? call.messages.length : countBeforeLoop(call.messages);
    if (count === call.messages.length) return llm;
    const messages = call.messages.slice(0, count);
    const later = call.messages.slice(count).reduce<number>((sum, message) => sum + sizeOf(message), 0);
    const first = { ...call, messages };
    return {
      ...llm,
      messages,
      ...toBounds(toDemand(endpoint, first, Math.max(body.bytes.length - later, 0)), this.#virtual.price),
      complexity: new LazyComplexity(first),
    };
  }

  #keep({ value }: AnswerEvent): void {
    const context = this.#context;
    if (context?.candidate === undefined) return;
    for (const id of readAnswerIds(value)) {
      if (this.#ids.size >= MOST_IDS || this.#ids.has(id)) continue;
      this.#ids.add(id);
      const place = { principal: context.exchange.principal, virtual: this.#virtual.name };
      this.#options.memory.keep(place, id, context.candidate.name);
    }
  }

  #compare(context: OperationContext, { price }: Candidate, wouldBe: Model): void {
    if (context.usage === undefined || price === undefined || wouldBe.price === undefined) return;
    const use = toUse(context.usage);
    const nanos = costOf(wouldBe.price, use) - costOf(price, use);
    if (nanos === 0) return;
    const amount = formatDollars(Math.abs(nanos));
    note(context, `for as many tokens ${wouldBe.name} would have cost ${amount} ${nanos < 0 ? "less" : "more"}`);
    this.#options.metrics.shadowDollars.add(
      [this.#virtual.name, nanos < 0 ? "saved" : "added"],
      Math.abs(nanos) / NANOS_PER_DOLLAR,
    );
  }
}

const words: Readonly<Record<ModelLock["reason"], string>> = {
  tool_loop: "it asked for the tools whose results these are",
  provider_state: "it keeps what this request refers to",
};

/* A comma beside it: as most clients write JSON. */
const sizeOf = (message: unknown): number => Buffer.byteLength(JSON.stringify(message)) + 1;

/* A dictionary of structured fields (RFC 9651, section 3.2). */
function toReason({ rule }: Choice, complexity: number | undefined): string {
  const why = rule === undefined ? "otherwise" : `rule=${rule}`;
  return complexity === undefined ? why : `${why}, complexity=${complexity.toFixed(3)}`;
}

function note(context: OperationContext, text: string): void {
  context.notes = [...(context.notes ?? []), text];
}

function noEmbeddings(name: string): GatewayError {
  return new GatewayError(
    "invalid_request",
    `The model \`${name}\` is a choice between models, and the vectors of one mean nothing beside those of another. Ask for one of them by its name.`,
    { param: "model" },
  );
}
