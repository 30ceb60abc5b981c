import type { AbortSignalLike } from "../core/abort.ts";
import { GatewayError } from "../core/errors.ts";
import type { Route } from "../core/exchange.ts";
import type { ModelRule, ModelTarget } from "../core/model-rule.ts";
import { poolIdentity } from "./cache/model-identity.ts";
import { type Asked, createAsAsked, type Model } from "./catalog.ts";
import type { InferenceConfig } from "./config.ts";
import type { ModelCall } from "./model-call.ts";
import type { Pool } from "./pool/pool.ts";
import type { PoolConfig } from "./pool/pool-config.ts";
import { isModelName } from "./pool/served-models.ts";
import type { VirtualModel } from "./routing/virtual-model.ts";

/** Who is to answer a call: a model, a choice between models, or nobody. */
export interface FoundModel {
  /** As the model knows it: a route may call another than the one that was asked for. */
  readonly call: ModelCall;
  readonly model: Model | undefined;
  readonly virtual: VirtualModel | undefined;
  /** Why nobody is. */
  readonly fault?: GatewayError;
  /** Finds a model that may answer it, by its name. */
  readonly modelOf: (name: string) => Model | undefined;
  readonly editHeaders: ModelTarget["editHeaders"];
}

export interface ModelFinderOptions {
  readonly config: InferenceConfig;
  readonly catalog: ReadonlyMap<string, Model>;
  readonly virtuals: ReadonlyMap<string, VirtualModel>;
  readonly pools: ReadonlyMap<string, Pool>;
}

/** Finds models by the names that callers use, on the gateway's own paths and on routes. */
export interface ModelFinder {
  find(route: Route, call: ModelCall): FoundModel;
  /** What a pool serves under this name: its entry of `models`, or else whatever the pool makes of the name; undefined for what is no name. */
  inPool(pool: string, name: string): Model | undefined;
}

export function createModelFinder({ config, catalog, virtuals, pools }: ModelFinderOptions): ModelFinder {
  const modelOf = (name: string) => catalog.get(name);
  /* That there are such pools was checked when the configuration was loaded. */
  const asAsked = new Map(
    [...pools].map(([name, pool]) => {
      const pooled = config.pools?.[name] as PoolConfig;
      return [name, createAsAsked(pooled, pool, poolIdentity(name, config.pools))];
    }),
  );

  function inPool(poolName: string, name: string): Model | undefined {
    const known = catalog.get(name);
    const pool = pools.get(poolName);
    if (known !== undefined && "pool" in known.place && known.place.pool === pool) return known;
    return isModelName(name) ? asAsked.get(poolName)?.(name) : undefined;
  }

  function byName(call: ModelCall, editHeaders?: ModelTarget["editHeaders"]): FoundModel {
    const model = catalog.get(call.model);
    const virtual = model === undefined ? virtuals.get(call.model) : undefined;
    return { call, model, virtual, modelOf, editHeaders };
  }

  return {
    inPool,
    find({ models }, call) {
      if (models === undefined) return byName(call);
      const { kind, name, why, editHeaders } = models.choose();
      if (kind === "none") {
        const fault = new GatewayError("internal", "This route leads to no model server.", { cause: why });
        return { call, model: undefined, virtual: undefined, modelOf, editHeaders, fault };
      }
      if (kind === "model") return byName({ ...call, model: name }, editHeaders);
      const model = inPool(name, call.model);
      const isAsAsked = model?.asAsked !== undefined;
      return {
        call,
        model,
        virtual: undefined,
        modelOf: isAsAsked ? (other) => (other === model.name ? model : catalog.get(other)) : modelOf,
        editHeaders,
      };
    },
  };
}

/** All that callers of a rule may ask for, by name: entries of `models` that lead to its pools, and what the endpoints of these say that they serve. */
export async function listServed(
  { targets }: ModelRule,
  { finder, asked, pools, signal }: ListOptions,
): Promise<ReadonlyMap<string, Asked>> {
  const listed = new Map<string, Asked>();
  for (const { kind, name } of targets) {
    if (kind === "model") listed.set(name, asked.get(name)!);
    if (kind !== "pool") continue;
    const entries = [...asked.values()].filter((each) => finder.inPool(name, each.name) === each);
    for (const each of entries) listed.set(each.name, each);
    for (const served of (await pools.get(name)?.served(signal)) ?? [])
      if (!listed.has(served)) listed.set(served, finder.inPool(name, served)!);
  }
  return listed;
}

export interface ListOptions {
  readonly finder: ModelFinder;
  /** Every entry of `models`. */
  readonly asked: ReadonlyMap<string, Asked>;
  readonly pools: ReadonlyMap<string, Pool>;
  readonly signal: AbortSignalLike;
}
