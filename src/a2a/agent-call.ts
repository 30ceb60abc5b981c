import type { Clock } from "../core/clock.ts";
import type { Exchange } from "../core/exchange.ts";
import type { OperationContext } from "../core/step.ts";
import type { Upstream } from "../http/upstream.ts";
import type { Agent, AgentInterface } from "./agent.ts";
import type { CallerHold } from "./caller-hold.ts";
import type { A2aConfig } from "./config.ts";
import type { RpcRequest } from "./rpc-request.ts";
import type { TaskIndex } from "./task-index.ts";
import { extensionsHeader } from "./upstream-headers.ts";

/** Everything one call to one agent needs. */
export interface AgentCall {
  readonly exchange: Exchange;
  readonly context: OperationContext;
  readonly agent: Agent;
  readonly target: AgentInterface;
  readonly request: RpcRequest;
  /** What is sent. */
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly hold: CallerHold;
  readonly index: TaskIndex;
  readonly upstream: Upstream;
  readonly config: A2aConfig;
  readonly clock: Clock;
}

/** A whole JSON-RPC answer: the bytes as they came and what they say. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Of the agent's own headers only the extensions it activated pass. */
export function answerHeaders(
  upstream: Readonly<Record<string, string>>,
  { version }: RpcRequest,
  contentType: string,
): Record<string, string> {
  const name = extensionsHeader(version);
  const extensions = upstream[name];
  return {
    "content-type": contentType,
    "cache-control": "no-store",
    ...(extensions === undefined ? {} : { [name]: extensions }),
  };
}
