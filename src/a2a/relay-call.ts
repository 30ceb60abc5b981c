import { GatewayError } from "../core/errors.ts";
import { passWhole } from "../core/whole-answer.ts";
import { trustOf } from "../http/reach.ts";
import type { UpstreamResponse } from "../http/upstream.ts";
import { answerHeaders, type AgentCall, type WholeAnswer } from "./agent-call.ts";
import { relayStream } from "./relay-stream.ts";
import { isObject } from "./rpc-request.ts";
import { complaintOf, sightingOf } from "./sighting.ts";

/** Sends one request and passes the answer on, whole or streamed. `edit` may change a whole answer before it is sent. */
export async function relayCall(
  call: AgentCall,
  edit?: (answer: WholeAnswer) => Buffer | Promise<Buffer>,
): Promise<void> {
  const response = await send(call, call.body);
  if (call.request.spec.stream && isEventStream(response)) return relayStream(call, response);
  const answer = await readAnswer(call, response);
  if (call.context.signal.aborted) return;
  const bytes = edit === undefined ? answer.bytes : await edit(answer);
  await sendAnswer(call, answer, bytes);
}

/** Sends `body` to the agent; what comes back is an answer of the agent, not of anything in between. */
export async function send(call: AgentCall, body: Buffer): Promise<UpstreamResponse> {
  const { agent, context, upstream } = call;
  const response = await upstream.request({
    url: call.target.url,
    trust: trustOf(agent.config.reach),
    method: "POST",
    headers: call.headers,
    body,
    signal: call.hold.signal,
    headersTimeoutMs: agent.config.timeout,
    // A task may be silent for as long as it works; the caller's own signal ends the wait.
    idleTimeoutMs: call.request.spec.stream ? 0 : agent.config.timeout,
  });
  context.upstreamStatus = response.status;
  context.firstByteMs ??= call.clock.now() - context.startedAtMs;
  return response;
}

/** Reads a whole answer and records the task it shows before anybody sees it. */
export async function readAnswer(call: AgentCall, response: UpstreamResponse): Promise<WholeAnswer> {
  const { agent, request, hold } = call;
  const { status } = response;
  if (status === 401 || status === 403 || status === 407) {
    response.discard();
    throw new GatewayError("upstream_invalid", `The agent ${agent.name} did not accept the gateway.`, {
      cause: new Error(`status ${status}`),
    });
  }
  if (status >= 300 && status < 400) {
    response.discard();
    throw new GatewayError("upstream_invalid", `The agent ${agent.name} answered with a redirect.`, {
      cause: new Error(`status ${status}`),
    });
  }
  const bytes = await response.bytes(call.config.answerLimit);
  const value = parseAnswer(bytes);
  if (value === undefined) {
    const kind = status >= 500 ? "upstream_unavailable" : "upstream_invalid";
    throw new GatewayError(kind, `The agent ${agent.name} did not answer in JSON-RPC.`, {
      cause: new Error(`status ${status}`),
    });
  }
  const sighting = sightingOf(value.result, request.version, request.spec);
  call.context.complaint = complaintOf(value, sighting);
  if (sighting !== undefined) await call.index.record(agent.name, sighting, request.version, call.exchange.principal);
  hold.identified();
  return { status, headers: response.headers, bytes, value };
}

/** Sends a whole answer through the steps to the caller. `bytes` are the answer's own, or what was made of them. */
export async function sendAnswer(call: AgentCall, answer: WholeAnswer, bytes: Buffer): Promise<void> {
  const { context, exchange, request } = call;
  const passed = await passWhole(context, bytes, () =>
    bytes === answer.bytes ? answer.value : JSON.parse(bytes.toString("utf8")),
  );
  if (context.signal.aborted) return;
  exchange.reply.send(answer.status, answerHeaders(answer.headers, request, "application/json"), passed);
}

function parseAnswer(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return isObject(value) && value.jsonrpc === "2.0" && ("result" in value || "error" in value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isEventStream = (response: UpstreamResponse) =>
  response.status === 200 && (response.headers["content-type"] ?? "").toLowerCase().startsWith("text/event-stream");
