import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Operation } from "../core/operation.ts";
import type { Operate, Visible } from "../core/step.ts";
import { toListedOperation } from "./catalog.ts";
import type { Model } from "./catalog.ts";

export interface ModelListOptions {
  readonly catalog: ReadonlyMap<string, Model>;
  readonly operate: Operate;
  readonly visible: Visible;
  /** Seconds since the epoch; OpenAI's `created`, which no configuration knows. */
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

/** Answers `/v1/models` and `/v1/models/{name}` with what the caller may see. */
export function createModelList({ catalog, operate, visible, createdS }: ModelListOptions) {
  const describe = (model: Model) => ({ id: model.name, object: "model", created: createdS, owned_by: model.provider });
  const answer = (exchange: Exchange, give: () => object) =>
    operate(exchange, listing(""), {
      plan: () => [{ name: "models" }],
      relay: async () => exchange.reply.send(200, { "content-type": "application/json" }, JSON.stringify(give())),
    });

  return {
    list: (exchange: Exchange) =>
      answer(exchange, () => ({
        object: "list",
        data: [...catalog.values()].filter((model) => visible(exchange, toListedOperation(model))).map(describe),
      })),
    retrieve: (exchange: Exchange, name: string) =>
      answer(exchange, () => {
        const model = catalog.get(name);
        if (model === undefined || !visible(exchange, toListedOperation(model))) throw unknownModel(name);
        return describe(model);
      }),
  };
}

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
