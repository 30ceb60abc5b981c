import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Operation } from "../core/operation.ts";
import type { OperationContext } from "../core/step.ts";
import { splice } from "../http/json-splice.ts";
import type { AgentCall } from "./agent-call.ts";
import { A2aError, taskNotFound } from "./a2a-error.ts";
import { chainTokenEdits } from "./chain-token.ts";
import type { A2aOptions } from "./options.ts";
import type { Agent } from "./agent.ts";
import { unknownAgent, type Agents } from "./agents.ts";
import { holdCaller, type Orphans } from "./caller-hold.ts";
import { createA2aForm } from "./answer-form.ts";
import { relayExtendedCard } from "./extended-card.ts";
import { relayTaskList } from "./list-tasks.ts";
import { emptyVariables } from "./operations.ts";
import { relayCall } from "./relay-call.ts";
import { errorBody } from "./render-error.ts";
import { asksForPush, isObject, parseRpcRequest, versionNotSupported, type RpcRequest } from "./rpc-request.ts";
import type { TaskIndex, TaskRecord } from "./task-index.ts";
import { requestTexts } from "./texts.ts";
import { withTenant } from "./tenant.ts";
import { upstreamHeaders } from "./upstream-headers.ts";

export interface RpcDependencies {
  readonly options: A2aOptions;
  readonly agents: Agents;
  readonly index: TaskIndex;
  readonly orphans: Orphans;
}

/** Answers one JSON-RPC exchange with the agent `name`. */
export async function handleRpc(exchange: Exchange, name: string, dependencies: RpcDependencies): Promise<void> {
  const { bytes, value } = await exchange.body();
  // Everything about the request is checked before the agent is looked for, so that these errors cannot tell which agents exist.
  const request = parseRpcRequest(value, exchange.request);
  const agent = dependencies.agents.get(name);
  if (agent === undefined) throw unknownAgent(name);
  const { options, index } = dependencies;
  const record = request.taskId === "" ? undefined : await index.find(agent.name, request.taskId, exchange.principal);
  const operation = toOperation(agent, request, record);
  const isSeen = () => dependencies.agents.isVisible(exchange, agent);
  let refusal: GatewayError | undefined;
  try {
    await options.operate(exchange, operation, {
      async plan() {
        refusal = await refusalOf(exchange, agent, request, record, index);
        // Who may not see the agent is not told what else is wrong; policy denies that call, or the relay refuses it.
        if (!operation.judged && !isSeen()) throw unknownAgent(name);
        if (refusal !== undefined && isSeen()) throw refusal;
        const { price } = agent.config;
        return [{ name: agent.name, ...(price !== undefined && request.spec.subject === "message" && { price }) }];
      },
      relay(context) {
        if (refusal !== undefined) throw refusal;
        return relay(exchange, context, agent, request, bytes, dependencies);
      },
      texts: () => requestTexts(request.message),
      answers: () => createA2aForm(request.version),
    });
  } catch (thrown) {
    const error = GatewayError.from(thrown);
    if (exchange.reply.started) return endBroken(exchange, request, error);
    throw error.kind === "denied" && !isSeen() ? unknownAgent(name) : error;
  }
}

/** What stands against the request before policy is asked; undefined: nothing. Touches the store and the agent's card only. */
async function refusalOf(
  exchange: Exchange,
  agent: Agent,
  request: RpcRequest,
  record: TaskRecord | undefined,
  index: TaskIndex,
): Promise<GatewayError | undefined> {
  const { spec, taskId, version } = request;
  try {
    const interfaces = await agent.interfaces();
    if (!interfaces.has(version)) return versionNotSupported(version, [...interfaces.keys()]);
  } catch (thrown) {
    return GatewayError.from(thrown);
  }
  if (spec.subject === "push" || asksForPush(request)) {
    return new A2aError(
      "PUSH_NOTIFICATION_NOT_SUPPORTED",
      "Push notifications are not supported here: stream the task or ask for it again.",
    );
  }
  if (taskId !== "" && record === undefined) return taskNotFound(taskId);
  for (const reference of request.referenceTaskIds) {
    if ((await index.find(agent.name, reference, exchange.principal)) === undefined) return taskNotFound(reference);
  }
  return undefined;
}

async function relay(
  exchange: Exchange,
  context: OperationContext,
  agent: Agent,
  request: RpcRequest,
  bytes: Buffer,
  dependencies: RpcDependencies,
): Promise<void> {
  const { options, index, orphans } = dependencies;
  const { spec, version } = request;
  if (
    spec.subject === "message" &&
    request.contextId !== "" &&
    !(await index.claimContext(agent.name, request.contextId, exchange.principal))
  ) {
    throw new A2aError(
      "INVALID_PARAMS",
      "Invalid parameters: message.contextId cannot be used here. Leave it out, or choose one that nobody else can guess.",
      { param: "message.contextId" },
    );
  }
  const target = (await agent.interfaces()).get(version);
  if (target === undefined) throw versionNotSupported(version, []);
  const { client } = agent.config;
  const isHandoff = spec.subject === "message";
  const handed =
    !isHandoff || client === undefined || options.onHandoff === undefined
      ? undefined
      : await options.onHandoff(exchange, { name: agent.name, client });
  if (isHandoff) context.edits = [...context.edits, ...chainTokenEdits(request, handed?.chainToken)];
  const hold = holdCaller(
    context.signal,
    spec.subject === "message" && request.taskId === "" ? agent.config.timeout : 0,
    orphans,
  );
  const call: AgentCall = {
    exchange,
    context,
    agent,
    target,
    request,
    body: withTenant(splice(bytes, context.edits), target.tenant),
    headers: upstreamHeaders(exchange, agent.config, version, handed?.headers ?? {}),
    hold,
    index,
    upstream: options.upstream,
    config: options.config,
    clock: options.clock,
  };
  if (spec.subject === "list") return hold.race(relayTaskList(call, (task) => isTaskVisible(call, task, options)));
  if (spec.subject === "card") return hold.race(relayExtendedCard(call, dependencies.agents));
  return hold.race(relayCall(call));
}

/** A stream that has begun ends with an error the client can see, never as if it were complete. */
async function endBroken(exchange: Exchange, request: RpcRequest, error: GatewayError): Promise<void> {
  if (error.kind === "cancelled") return;
  await exchange.reply.write(`data: ${errorBody(error, request.version, request.id)}\n\n`);
  exchange.reply.end();
}

function isTaskVisible(call: AgentCall, task: TaskRecord, { visible }: A2aOptions): boolean {
  const { agent, request, exchange } = call;
  const variables = {
    ...emptyVariables(agent.name, "GetTask", request.version),
    task: { id: task.taskId, state: task.state, owner: task.owner },
    context: task.contextId,
  };
  return visible(exchange, {
    protocol: "a2a",
    method: "GetTask",
    direction: "to-target",
    mode: "call",
    target: { kind: "task", name: task.taskId, server: agent.name },
    tenant: agent.config.tenant,
    judged: true,
    variables: { a2a: variables },
  });
}

/** The request as policy, journal and metrics see it, under its 1.0 name whatever version it came in. */
function toOperation(agent: Agent, request: RpcRequest, record: TaskRecord | undefined): Operation {
  const { spec, message, taskId } = request;
  const metadata = isObject(message.metadata) ? message.metadata : {};
  const skill = metadata.skill_id ?? metadata.skillId;
  const task =
    record === undefined
      ? { id: taskId, state: "", owner: "" }
      : { id: taskId, state: record.state, owner: record.owner };
  const onTask = spec.subject === "task" || spec.subject === "list" || spec.subject === "push";
  return {
    protocol: "a2a",
    method: spec.method,
    direction: "to-target",
    mode: spec.stream ? "stream" : "call",
    target: {
      kind: onTask ? "task" : "agent",
      name: onTask && taskId !== "" ? taskId : agent.name,
      server: agent.name,
    },
    tenant: agent.config.tenant,
    // A list is open to whoever sees the agent; each of its tasks is judged as a call for it would be.
    judged: spec.subject !== "list",
    variables: {
      a2a: {
        ...emptyVariables(agent.name, spec.method, request.version),
        skill: typeof skill === "string" ? skill : "",
        task,
        context: request.contextId === "" ? (record?.contextId ?? "") : request.contextId,
        message: { parts: Array.isArray(message.parts) ? message.parts : [], metadata },
      },
    },
  };
}
