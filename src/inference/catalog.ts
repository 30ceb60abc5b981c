import { listedPrice } from "../budgets/prices/prices.ts";
import { findExtension } from "../core/extension.ts";
import type { LlmVariables, Operation, Price } from "../core/operation.ts";
import {
  standIns,
  type InferenceConfig,
  type PoolModelConfig,
  type ProviderModelConfig,
  type ServedModelConfig,
} from "./config.ts";
import { toBounds, toDemand } from "./demand.ts";
import { dialects } from "./dialects/registry.ts";
import type { CallKind, Endpoint, ModelCall } from "./model-call.ts";
import type { Pool } from "./pool/pool.ts";
import { headersOf, type PoolConfig } from "./pool/pool-config.ts";
import type { Provider } from "./providers/provider.ts";
import { providers } from "./providers/registry.ts";
import { LazyComplexity } from "./routing/complexity.ts";
import { isVirtual } from "./routing/virtual-config.ts";
import { createUpstreamNames, type NameUpstream } from "./upstream-names.ts";

/** A model as callers know it, and how it is reached. */
export interface Model {
  readonly name: string;
  /** The name its provider knows. */
  readonly upstreamName: string;
  /** Who serves it, as the configuration says: the target's server in policy and the journal. */
  readonly provider: string;
  readonly server: Provider;
  /** What fails together with it: the same model at the same address, of the same account. Absent: a pool looks after its endpoints itself. */
  readonly upstream?: string;
  /** What a call costs; undefined where nobody knows. */
  readonly price?: Price;
  /** The bound of an answer whose caller gives none; absent: the usual one. */
  readonly maxTokens?: number;
  /** Who may step in for it, in order: its own first, then theirs, nobody twice. */
  readonly fallback: readonly Model[];
  /** Longest wait for the first token of a stream, in milliseconds; undefined: as long as the provider takes. */
  readonly firstTokenTimeoutMs: number | undefined;
  /** The same for an answer that is not streamed, until all of it is there. */
  readonly answerTimeoutMs: number | undefined;
  readonly place: ModelPlace;
  /** As of a candidate. */
  readonly label?: string | undefined;
  /** Of one without an entry, which a caller has named: what its name stands for, as with `createModelIdentities`. */
  readonly asAsked?: { readonly identity: string };
}

/** Where calls of a model go: to one server, or to whichever of a pool is picked. */
export type ModelPlace =
  | {
      /** The provider's address for each kind of call it takes: parsing one for every request is measurable. */
      readonly urls: ReadonlyMap<CallKind, URL>;
    }
  | {
      readonly pool: Pool;
      /** The LoRA adapter that is asked for. */
      readonly adapter: string | undefined;
    };

/** Whether its provider takes calls of a kind. */
export const takes = ({ server }: Model, kind: CallKind): boolean => dialects[server.dialect].paths[kind] !== undefined;

/** Every configured model that somebody serves, by the name callers use. */
export function createCatalog(
  config: InferenceConfig,
  pools: ReadonlyMap<string, Pool> = new Map(),
): ReadonlyMap<string, Model> {
  const entries = Object.entries(config.models ?? {});
  const nameUpstream = createUpstreamNames();
  const catalog = new Map(
    entries.flatMap(([name, entry]) =>
      isVirtual(entry) ? [] : [[name, toModel(name, entry, config, pools, nameUpstream)] as const],
    ),
  );
  for (const model of catalog.values()) {
    // That each of them exists was checked when the configuration was loaded.
    model.fallback.push(...standIns(model.name, config.models).flatMap((other) => catalog.get(other) ?? []));
  }
  return catalog;
}

function toModel(
  name: string,
  entry: ServedModelConfig,
  config: InferenceConfig,
  pools: ReadonlyMap<string, Pool>,
  nameUpstream: NameUpstream,
): Model & { readonly fallback: Model[] } {
  const reached = "pool" in entry ? reachPool(name, entry, config, pools) : reachServer(name, entry, nameUpstream);
  const pooled = "pool" in entry ? config.pools?.[entry.pool]?.price : undefined;
  const price = entry.price ?? pooled ?? listedPrice(reached.provider, reached.upstreamName);
  return {
    name,
    ...reached,
    ...(price !== undefined && { price }),
    ...(entry.maxTokens !== undefined && { maxTokens: entry.maxTokens }),
    fallback: [],
    firstTokenTimeoutMs: entry.firstTokenTimeout,
    answerTimeoutMs: entry.answerTimeout,
  };
}

type Reached = Pick<Model, "upstreamName" | "provider" | "server" | "upstream" | "place">;

function reachServer(name: string, entry: ProviderModelConfig, nameUpstream: NameUpstream): Reached {
  // The entry was parsed by the very extension that its `provider` names.
  const server = findExtension(providers, entry.provider).create(entry as never, undefined);
  const upstreamName = entry.model ?? name;
  const { paths } = dialects[server.dialect];
  return {
    upstreamName,
    provider: entry.provider,
    server,
    upstream: nameUpstream(name, upstreamName, server),
    place: {
      urls: new Map(Object.entries(paths).map(([kind, path]) => [kind as CallKind, new URL(server.baseUrl + path)])),
    },
  };
}

/* That there is such a pool was checked when the configuration was loaded. */
function reachPool(
  name: string,
  { pool, model, adapter }: PoolModelConfig,
  { pools: configs = {} }: InferenceConfig,
  pools: ReadonlyMap<string, Pool>,
): Reached {
  const { engine, ...config } = configs[pool] as PoolConfig;
  return {
    upstreamName: adapter ?? model ?? name,
    provider: engine,
    server: toPoolServer(config),
    place: { pool: pools.get(pool) as Pool, adapter },
  };
}

/* Each endpoint has an address of its own. */
function toPoolServer(config: Pick<PoolConfig, "key" | "headers">): Provider {
  const secrets = [...(config.key === undefined ? [] : [config.key]), ...Object.values(config.headers)];
  return { dialect: "openai", baseUrl: "", headers: headersOf(config), secrets };
}

/** Makes models of a pool for names that have no entry: whatever is asked for goes there as it is. */
export function createAsAsked(config: PoolConfig, pool: Pool, identity: string): (model: string) => Model {
  const { engine: provider, price } = config;
  const server = toPoolServer(config);
  const asAsked = { identity };
  return (model) => ({
    name: model,
    upstreamName: model,
    provider,
    server,
    ...(price !== undefined && { price }),
    fallback: [],
    firstTokenTimeoutMs: undefined,
    answerTimeoutMs: undefined,
    // A name that is no adapter's is that of a model which all of its endpoints have.
    place: { pool, adapter: pool.hasAdapter(model) ? model : undefined },
    asAsked,
    // Asked for when the call is over.
    get label() {
      return pool.serves(model) ? undefined : "unknown";
    },
  });
}

/** What callers may ask for: a model, or a choice between models. */
export type Asked = Pick<Model, "name" | "provider" | "price">;

/** The operation of calling a model. A name that is not configured has no provider; the plan step refuses it. */
export function toCallOperation(
  endpoint: Endpoint,
  call: ModelCall,
  model: Asked | undefined,
  bodyBytes: number,
): Operation {
  const { method, dialect } = endpoint;
  const demand = toDemand(endpoint, call, bodyBytes);
  return {
    protocol: "llm",
    method,
    direction: "to-target",
    mode: call.stream ? "stream" : "call",
    target: { kind: "model", name: call.model, server: model?.provider ?? "" },
    judged: true,
    variables: {
      llm: {
        model: call.model,
        provider: model?.provider ?? "",
        dialect,
        stream: call.stream,
        messages: call.messages,
        tools: call.tools,
        maxTokens: call.maxTokens,
        ...toBounds(demand, model?.price),
        complexity: new LazyComplexity(call),
      },
    },
    ...(demand === undefined ? {} : { demand }),
  };
}

/* What only a call has; the dialect is that of the caller, not of the provider. */
const noCall: Omit<LlmVariables, "model" | "provider"> = {
  dialect: "",
  stream: false,
  messages: [],
  tools: [],
  maxTokens: 0n,
  tokens: { input: undefined, output: undefined },
  cost: undefined,
  complexity: { score: undefined, parts: undefined },
};

/** The operation that a model in a list stands for. */
export function toListedOperation(model: Asked): Operation {
  return {
    protocol: "llm",
    method: "chat.completions",
    direction: "to-target",
    mode: "call",
    target: { kind: "model", name: model.name, server: model.provider },
    judged: true,
    variables: { llm: { model: model.name, provider: model.provider, ...noCall } },
  };
}
