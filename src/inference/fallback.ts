import type { Candidate, Operation } from "../core/operation.ts";
import type { OperationContext } from "../core/step.ts";
import { takes, type Model } from "./catalog.ts";
import { toBounds } from "./demand.ts";
import type { Endpoint } from "./model-call.ts";

/** The model that was asked for and those that may step in for it, in order. The first is judged with the operation itself. */
export function planCandidates(model: Model, endpoint: Endpoint, operation: Operation): readonly Candidate[] {
  if (model.fallback.length === 0) return [model];
  const others = model.fallback.filter((other) => mayStepIn(other, model, endpoint));
  return [model, ...others.map((other) => toCandidate(other, operation))];
}

/* Vectors of one model mean nothing beside those of another, nor do its counts of tokens. */
function mayStepIn(other: Model, model: Model, { kind }: Endpoint): boolean {
  if ((kind === "embeddings" || kind === "count") && other.upstreamName !== model.upstreamName) return false;
  return takes(other, kind);
}

/* Policy judges it as if it had been asked for by its own name. */
export function toCandidate(model: Model, { variables, demand }: Operation): Candidate {
  const { name, provider, price } = model;
  const llm = variables.llm && { ...variables.llm, model: name, provider, ...toBounds(demand, price) };
  return { ...model, variables: { ...variables, ...(llm && { llm }) } };
}

/** Says in the answer which model gave it, and why not the first. */
export function nameModel({ exchange, failed }: OperationContext, { name }: Candidate): void {
  exchange.reply.setHeader("x-sallyport-model", name);
  if (failed.length > 0)
    exchange.reply.setHeader("x-sallyport-fallback", failed.map(({ reason }) => reason).join(", "));
}
