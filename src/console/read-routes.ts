import { type Request, Router } from "express";
import { z } from "zod";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Journal } from "../observability/journal.ts";
import type { RuleHits, Traffic } from "../observability/traffic.ts";
import type { Connect, Models } from "./api/models.ts";
import type { BudgetState } from "./api/overview.ts";
import type { ExplainedOperation, Policies, PolicyRule } from "./api/policies.ts";
import { createChainIndex } from "./chain-index.ts";
import type { CounterUseSource } from "./counter-use.ts";
import { explainOperation } from "./explain-operation.ts";
import { findOperation } from "./find-operation.ts";
import { listChains } from "./list-chains.ts";
import type { Live, Viewer } from "./live.ts";
import { readOverview } from "./overview.ts";
import { type Trial, tryRule } from "./try-rule.ts";
import { createTurns } from "./turns.ts";

/** What the pages read, handed in by the gateway. */
export interface ConsoleReads {
  /** Names this process. */
  readonly process: string;
  readonly traffic: Traffic;
  readonly journal: Pick<Journal, "query">;
  readonly counterUse: Omit<CounterUseSource, "journal">;
  readonly inFlight: () => number;
  /** The fullest counters of each budget, at most so many. */
  readonly budgets: (most: number) => Promise<readonly BudgetState[]>;
  readonly policies: () => {
    readonly mode: Policies["mode"];
    readonly policyHash: string;
    readonly rules: readonly Omit<PolicyRule, "hits">[];
  };
  /** Throws GatewayError("invalid_params") for what is no rule. It holds no thread that serves calls for long. */
  readonly createTrial: (given: unknown, signal: AbortSignal) => Promise<Trial>;
  readonly models: () => Pick<Models, "models" | "pools" | "upstreams">;
  readonly connect: () => Connect;
}

export interface ReadRoutesOptions {
  readonly reads: ConsoleReads;
  readonly live: Live;
  readonly viewerOf: (request: Request) => Promise<Viewer>;
  readonly clock: Clock;
}

const MOST_COUNTERS = 20;

const overviewQuery = z.strictObject({ window: z.enum(["15m", "1h", "24h"]).default("1h") });
const name = z.string().max(256);
const instantMs = z.coerce.number().min(0);
const chainsQuery = z.strictObject({
  sort: z.enum(["newest", "cost", "calls", "used"]).default("newest"),
  q: name.exactOptional(),
  outcome: z.enum(["ok", "denied", "limited", "failed", "aborted"]).exactOptional(),
  only: z.literal("calls").exactOptional(),
  rule: name.exactOptional(),
  budget: name.exactOptional(),
  error: name.exactOptional(),
  from: instantMs.exactOptional(),
  to: instantMs.exactOptional(),
  charged: name.exactOptional(),
  under: name.exactOptional(),
  key: name.exactOptional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  after: z.string().max(300).exactOptional(),
});
const operationQuery = z.strictObject({ chain: z.string().min(1).max(256).exactOptional() });
const trialRequest = z.looseObject({ records: z.int().min(1).max(5_000).default(1_000) });

function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new GatewayError("invalid_params", z.prettifyError(result.error));
}

/** What the console's pages read; who may is seen to before. */
export function createReadRoutes({ reads, live, viewerOf, clock }: ReadRoutesOptions): Router {
  const { process, traffic, journal, inFlight, budgets } = reads;
  const index = createChainIndex(journal, clock);
  const uses = { ...reads.counterUse, journal };
  const overview = { process, traffic, inFlight, budgets: () => budgets(MOST_COUNTERS), clock };
  const none: RuleHits = { allowed: 0, denied: 0, shadow: 0 };
  const withHits = (rule: Omit<PolicyRule, "hits">): PolicyRule => ({
    ...rule,
    hits: traffic.rules.get(rule.name) ?? none,
  });
  const router = Router();
  const trials = createTurns({
    mostWaiting: 1,
    full: "A rule of yours is being tried and another waits: one is tried at a time. Try again in a moment.",
  });

  /* What reads thousands of records is read one at a time, and once for all who ask the same meanwhile. */
  const searches = createTurns({ mostWaiting: 8, full: "You are asking for too much at once. Try again in a moment." });
  const searching = new Map<string, Promise<ExplainedOperation>>();
  const stays = new AbortController().signal;

  async function explainNow(id: string, chain: string | undefined): Promise<ExplainedOperation> {
    const record = await findOperation(journal, id, chain);
    if (record === undefined) throw new GatewayError("not_found", "The journal has no such operation.");
    const { policyHash, rules } = reads.policies();
    return explainOperation(record, uses, { policyHash, rules: rules.map(withHits) });
  }
  function explain(id: string, chain: string | undefined, owner: string): Promise<ExplainedOperation> {
    const key = JSON.stringify([id, chain]);
    const known = searching.get(key);
    if (known !== undefined) return known;
    const made = searches.take(owner, stays, () => explainNow(id, chain)).finally(() => searching.delete(key));
    searching.set(key, made);
    return made;
  }

  router.get("/api/overview", async (request, response) => {
    const { window } = parse(overviewQuery, request.query);
    response.json(await readOverview(overview, window));
  });
  router.get("/api/chains", async (request, response) => {
    response.json(await listChains(index, journal, parse(chainsQuery, request.query)));
  });
  router.get("/api/operations/:id", async (request, response) => {
    const { chain } = parse(operationQuery, request.query);
    const { session = "" } = await viewerOf(request);
    response.json(await explain(request.params.id, chain, session));
  });
  router.get("/api/policies", (_request, response) => {
    const { mode, policyHash, rules } = reads.policies();
    const answer: Policies = {
      process,
      sinceMs: traffic.sinceMs,
      mode,
      policyHash,
      rules: rules.map(withHits),
      deniedByDefault: traffic.rules.get("default")?.denied ?? 0,
    };
    response.json(answer);
  });
  router.post("/api/policies/try", async (request, response) => {
    const { records: most, ...rule } = parse(trialRequest, request.body ?? {});
    const gone = new AbortController();
    response.once("close", () => gone.abort(new GatewayError("cancelled", "Whoever asked has gone.")));
    const { signal } = gone;
    const { session = "" } = await viewerOf(request);
    const made = await trials.take(session, signal, async () =>
      tryRule(await reads.createTrial(rule, signal), journal, { most, clock, signal }),
    );
    response.json(made);
  });
  router.get("/api/models", (_request, response) => {
    const answer: Models = { process, sinceMs: traffic.sinceMs, ...reads.models(), picks: traffic.picks() };
    response.json(answer);
  });
  router.get("/api/connect", (_request, response) => void response.json(reads.connect()));
  /* Express would send HEAD to GET, whose answer does not end. */
  router.head("/api/live", (_request, response) => void response.type("text/event-stream").end());
  router.get("/api/live", async (request, response) => live.open(response, await viewerOf(request)));
  return router;
}
