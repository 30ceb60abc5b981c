import { findExtension } from "../core/extension.ts";
import type { LlmVariables, Operation } from "../core/operation.ts";
import type { InferenceConfig, ModelConfig } from "./config.ts";
import { openaiEndpoints } from "./dialects/openai-endpoints.ts";
import type { Endpoint, ModelCall } from "./model-call.ts";
import type { Provider } from "./providers/provider.ts";
import { providers } from "./providers/registry.ts";

/** A model as callers know it, and how it is reached. */
export interface Model {
  readonly name: string;
  /** The name its provider knows. */
  readonly upstreamName: string;
  /** Who serves it, as the configuration says: the target's server in policy and the journal. */
  readonly provider: string;
  readonly server: Provider;
  /** The provider's address of each endpoint: parsing one for every request is measurable. */
  readonly urls: ReadonlyMap<Endpoint, URL>;
}

/** Every configured model, by the name callers use. */
export function createCatalog(config: InferenceConfig): ReadonlyMap<string, Model> {
  return new Map(Object.entries(config.models ?? {}).map(([name, entry]) => [name, toModel(name, entry)]));
}

function toModel(name: string, entry: ModelConfig): Model {
  // The entry was parsed by the very extension that its `provider` names.
  const server = findExtension(providers, entry.provider).create(entry as never, undefined);
  return {
    name,
    upstreamName: entry.model ?? name,
    provider: entry.provider,
    server,
    urls: new Map([...openaiEndpoints.values()].map((to) => [to, new URL(server.baseUrl + to.upstreamPath)])),
  };
}

/** The operation of calling a model. A name that is not configured has no provider; the plan step refuses it. */
export function toCallOperation({ method }: Endpoint, call: ModelCall, model: Model | undefined): Operation {
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
        dialect: model?.server.dialect ?? "openai",
        stream: call.stream,
        messages: call.messages,
        tools: call.tools,
        maxTokens: call.maxTokens,
      },
    },
  };
}

const noCall: Omit<LlmVariables, "model" | "provider" | "dialect"> = {
  stream: false,
  messages: [],
  tools: [],
  maxTokens: 0n,
};

/** The operation that a model in a list stands for. */
export function toListedOperation(model: Model): Operation {
  return {
    protocol: "llm",
    method: "chat.completions",
    direction: "to-target",
    mode: "call",
    target: { kind: "model", name: model.name, server: model.provider },
    judged: true,
    variables: { llm: { model: model.name, provider: model.provider, dialect: model.server.dialect, ...noCall } },
  };
}
