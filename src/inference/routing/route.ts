import { costOf, toUse } from "../../budgets/amounts.ts";
import { formatDollars } from "../../budgets/money.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Candidate, LlmVariables, Operation } from "../../core/operation.ts";
import type { AnswerEvent, OperationContext } from "../../core/step.ts";
import { splice } from "../../http/json-splice.ts";
import { takes, type Model } from "../catalog.ts";
import { toCandidate } from "../fallback.ts";
import type { OwnCall } from "../own-call.ts";
import type { CallRequest } from "../relay/send-call.ts";
import { readAnswerIds } from "./answer-id.ts";
import { type Choice, choose, chooseAsking } from "./choice.ts";
import { LazyComplexity } from "./complexity.ts";
import { toLoopVariables } from "./loop-variables.ts";
import { FoundMeaning, type MeaningSource } from "./meaning/meaning.ts";
import { countBeforeLoop, findModelLock, type ModelLock } from "./model-lock.ts";
import type { MemoryPlace, ModelMemory } from "./model-memory.ts";
import { addNote, noEmbeddings, toRouteHeader, toStayText, toWhy } from "./route-text.ts";
import type { RoutingMetrics } from "./routing-metrics.ts";
import { findAsked } from "./signals.ts";
import type { VirtualModel } from "./virtual-model.ts";

const NANOS_PER_DOLLAR = 1e9;
/* A call of a tool and a container; more would be somebody's mistake. */
const MOST_IDS = 4;

export interface RouteOptions {
  readonly memory: ModelMemory;
  readonly metrics: RoutingMetrics;
  readonly meanings: MeaningSource;
  readonly ownCall: OwnCall;
}

/** One call of a virtual model: what is chosen, who steps in, and what is told of it. */
export class Route {
  /** Reads answers for ids by which the next request of a loop finds its model; undefined where none could come. */
  readonly sees: ((event: AnswerEvent) => void) | undefined;
  /** Whether something may have to be found out: then `settle` is called. */
  readonly asks: boolean;
  readonly #options: RouteOptions;
  readonly #virtual: VirtualModel;
  readonly #request: CallRequest;
  readonly #operation: Operation;
  readonly #ids = new Set<string>();
  #context: OperationContext | undefined;
  /** What the caller is told of the choice; undefined in shadow mode. */
  #reason: string | undefined;
  /** How many messages there were when the loop began that is under way; Infinity: there is none. */
  #began = Infinity;
  #undecided = false;
  /** Resolves once it is known what would have been chosen, where a rule has to find something out. */
  #shadow: Promise<Model> | undefined;
  /** What would have been chosen, in shadow mode. */
  #wouldBe: Model | undefined;

  constructor(options: RouteOptions, virtual: VirtualModel, request: CallRequest, operation: Operation) {
    this.#options = options;
    this.#virtual = virtual;
    this.#request = request;
    this.#operation = operation;
    this.asks = virtual.asks;
    const mayCall = request.endpoint.kind === "chat" && request.call.tools.length > 0;
    this.sees = mayCall && !virtual.shadow ? (event) => this.#keep(event) : undefined;
  }

  /**
   * The chosen model and who steps in for it, `otherwise` and who steps in for that: each judged by policy as if it had been asked for by
   * its own name. Where a rule needs something to be found out, all that could be chosen: nothing is asked for a caller whom policy denies.
   */
  async plan(context: OperationContext): Promise<readonly Candidate[]> {
    const { kind } = this.#request.endpoint;
    const { name, shadow, asks, choices, otherwise, rules } = this.#virtual;
    if (kind === "embeddings") throw noEmbeddings(name);
    this.#context = context;
    const lock = findModelLock(this.#request.body.value);
    const before = lock === undefined || shadow ? undefined : await this.#remember(context, lock);
    if (lock !== undefined && before !== undefined) return this.#candidates(this.#stay(context, lock, before));
    this.#began = lock === undefined ? Infinity : countBeforeLoop(this.#request.call.messages);
    // What a count is for is worth no call of its own.
    if (!asks || kind === "count") {
      const llm = this.#read();
      return this.#candidates(this.#decide(context, choose(rules, otherwise.name, context.exchange, llm), llm));
    }
    this.#undecided = true;
    return this.#candidates(...(shadow ? [] : choices.values()));
  }

  /** Once the call is allowed and guards have read it: finds out what rules ask for, and leaves the candidates of the choice. */
  async settle(context: OperationContext): Promise<void> {
    if (!this.#undecided) return;
    this.#undecided = false;
    this.#shadow = this.#ask(context);
    if (this.#virtual.shadow) return;
    const chosen = await this.#shadow;
    const names = this.#candidates(chosen).map(({ name }) => name);
    context.candidates = names.flatMap((name) => context.candidates.find((each) => each.name === name) ?? []);
    if (context.candidates.length === 0) throw new GatewayError("denied", "Policy does not allow this request.");
  }

  /** Says in the answer that is about to be given why it is from this model. */
  tell({ exchange }: OperationContext): void {
    if (this.#reason !== undefined) exchange.reply.setHeader("x-sallyport-route", this.#reason);
  }

  /** Around the sending to one candidate. */
  async relay(context: OperationContext, candidate: Candidate, send: () => Promise<void>): Promise<void> {
    this.tell(context);
    await send();
    await this.#shadow;
    if (this.#wouldBe !== undefined) this.#compare(context, candidate, this.#wouldBe);
  }

  #candidates(...chosen: readonly Model[]): readonly Candidate[] {
    const { kind } = this.#request.endpoint;
    const { otherwise } = this.#virtual;
    const models = new Set([...chosen, otherwise].flatMap((model) => [model, ...model.fallback]));
    const able = [...models].filter((model) => kind === "count" || takes(model, kind));
    return (able.length === 0 ? [chosen[0] ?? otherwise] : able).map((model) => toCandidate(model, this.#operation));
  }

  #stay(context: OperationContext, lock: ModelLock, model: Model): Model {
    const { name } = this.#virtual;
    this.#reason = lock.reason;
    addNote(context, toStayText(name, model.name, lock));
    this.#options.metrics.choices.add([name, model.name, lock.reason]);
    return model;
  }

  async #ask(context: OperationContext): Promise<Model> {
    const { exchange, signal } = context;
    const { meanings, ownCall } = this.#options;
    const { rules, otherwise } = this.#virtual;
    try {
      const llm = this.#read();
      const meaning = new FoundMeaning(meanings, this.#readAsked(context), { exchange, signal, ownCall });
      return this.#decide(context, await chooseAsking(rules, otherwise.name, exchange, { ...llm, meaning }), llm);
    } catch (error) {
      exchange.log.error({ error }, "a choice between models failed: the call goes to the usual one");
      return otherwise;
    }
  }

  /* Others are shown what guards have left of it. */
  #readAsked({ edits }: OperationContext): string {
    const { endpoint, call, body } = this.#request;
    const { messages } =
      edits.length === 0 ? call : endpoint.read(JSON.parse(splice(body.bytes, edits).toString("utf8")));
    return findAsked(messages.slice(0, this.#began));
  }

  /** Takes note of the choice; gives the model that is asked. */
  #decide(context: OperationContext, choice: Choice, { complexity }: LlmVariables): Model {
    const { name, shadow, choices, otherwise } = this.#virtual;
    const { metrics } = this.#options;
    const chosen = choices.get(choice.use) as Model;
    const measured = complexity instanceof LazyComplexity ? complexity.measured?.score : undefined;
    if (measured !== undefined) metrics.complexity.observe([name], measured);
    for (const unasked of choice.unasked) addNote(context, `${name}: ${unasked}`);
    for (const { rule, fault } of choice.faults) {
      addNote(context, `${name}: rule ${rule} failed and did not hold: ${fault}`);
      metrics.failures.add([name, String(rule)]);
    }
    const why = toWhy(choice, measured);
    if (shadow) {
      this.#wouldBe = chosen;
      addNote(context, `${name} would have chosen ${chosen.name}: ${why}`);
      metrics.shadowChoices.add([name, chosen.name]);
      return otherwise;
    }
    this.#reason = toRouteHeader(choice, measured);
    addNote(context, `${name} chose ${chosen.name}: ${why}`);
    metrics.choices.add([name, chosen.name, choice.rule === undefined ? "otherwise" : "rule"]);
    return chosen;
  }

  async #remember({ exchange }: OperationContext, { keys, kept }: ModelLock): Promise<Model | undefined> {
    const { choices, otherwise } = this.#virtual;
    const { memory } = this.#options;
    const place = this.#placeOf(exchange);
    const state = kept === undefined ? undefined : await memory.find({ ...place, asked: undefined }, [kept]);
    const known = state ?? (await memory.find(place, keys));
    /* A fallback may have answered that the rules do not name. */
    const all = [
      ...choices.values(),
      ...otherwise.fallback,
      ...[...choices.values()].flatMap(({ fallback }) => fallback),
    ];
    return known === undefined ? undefined : all.find((model) => model.name === known);
  }

  /** What rules read. Within a loop that nobody remembers it is what they read when it began, so that every replica chooses as it was chosen then. */
  #read(): LlmVariables {
    const llm = this.#operation.variables.llm as LlmVariables;
    return toLoopVariables(this.#request, llm, this.#virtual.price, this.#began);
  }

  #keep({ value }: AnswerEvent): void {
    const context = this.#context;
    if (context?.candidate === undefined) return;
    for (const { id, isKept } of readAnswerIds(value)) {
      if (this.#ids.size >= MOST_IDS || this.#ids.has(id)) continue;
      this.#ids.add(id);
      const place = this.#placeOf(context.exchange);
      this.#options.memory.keep(isKept ? { ...place, asked: undefined } : place, id, context.candidate.name);
    }
  }

  #placeOf(exchange: Exchange): MemoryPlace {
    const { messages } = this.#request.call;
    const asked = findAsked(messages.slice(0, countBeforeLoop(messages)));
    return { caller: exchange, virtual: this.#virtual.name, asked };
  }

  #compare(context: OperationContext, { price }: Candidate, wouldBe: Model): void {
    if (context.usage === undefined || price === undefined || wouldBe.price === undefined) return;
    const use = toUse(context.usage);
    const nanos = costOf(wouldBe.price, use) - costOf(price, use);
    if (nanos === 0) return;
    const amount = formatDollars(Math.abs(nanos));
    addNote(context, `for as many tokens ${wouldBe.name} would have cost ${amount} ${nanos < 0 ? "less" : "more"}`);
    this.#options.metrics.shadowDollars.add(
      [this.#virtual.name, nanos < 0 ? "saved" : "added"],
      Math.abs(nanos) / NANOS_PER_DOLLAR,
    );
  }
}
