import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Operation } from "../core/operation.ts";
import type { Operate } from "../core/step.ts";
import type { Asked } from "./catalog.ts";

export interface ModelListOptions {
  /** All that callers may ask for there, by name. */
  catalogOf(exchange: Exchange): ReadonlyMap<string, Asked> | Promise<ReadonlyMap<string, Asked>>;
  /** Whether it may be seen. */
  mayBeSeen(exchange: Exchange, asked: Asked): boolean;
  readonly operate: Operate;
  /** Seconds since the epoch; when a model was made, which no configuration knows. */
  readonly createdS: number;
}

const listing = (name: string): Operation => ({
  protocol: "llm",
  method: "models",
  direction: "to-target",
  mode: "call",
  target: { kind: "none", name, server: "" },
  judged: false,
  variables: {},
});

/* What the dialect says of a model and no configuration knows. */
const unknown = {
  capabilities: null,
  deprecated_at: null,
  lifecycle: "active",
  line: null,
  max_input_tokens: null,
  max_tokens: null,
  retires_at: null,
};

/** Answers `/v1/models` and `/v1/models/{name}` with what the caller may see. */
export function createModelList({ catalogOf, operate, mayBeSeen, createdS }: ModelListOptions) {
  const describe = (exchange: Exchange, model: Asked) =>
    speaksAnthropic(exchange)
      ? { type: "model", id: model.name, display_name: model.name, created_at: createdAt, ...unknown }
      : { id: model.name, object: "model", created: createdS, owned_by: model.provider };
  const createdAt = new Date(createdS * 1_000).toISOString();
  const answer = (exchange: Exchange, give: (catalog: ReadonlyMap<string, Asked>) => object) =>
    operate(exchange, listing(""), {
      plan: () => [{ name: "models" }],
      async relay() {
        const given = give(await catalogOf(exchange));
        exchange.reply.send(200, { "content-type": "application/json" }, JSON.stringify(given));
      },
    });

  return {
    list: (exchange: Exchange) =>
      answer(exchange, (catalog) => {
        const data = [...catalog.values()]
          .filter((model) => mayBeSeen(exchange, model))
          .map((model) => describe(exchange, model));
        if (!speaksAnthropic(exchange)) return { object: "list", data };
        return { data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
      }),
    retrieve: (exchange: Exchange, name: string) =>
      answer(exchange, (catalog) => {
        const model = catalog.get(name);
        if (model === undefined || !mayBeSeen(exchange, model)) throw unknownModel(name);
        return describe(exchange, model);
      }),
  };
}

/* Both dialects have the path; the official SDK of only one sends this header. */
const speaksAnthropic = ({ request }: Exchange): boolean => request.headers["anthropic-version"] !== undefined;

/** The one answer for a model that does not exist and for one the caller may not see. */
export function unknownModel(name: string): GatewayError {
  return new GatewayError(
    "not_found",
    `The model \`${name}\` does not exist or you do not have access to it. /v1/models lists those you have.`,
    {
      param: "model",
    },
  );
}
