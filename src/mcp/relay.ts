import type { AbortSignalLike } from "../core/abort.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Exchange } from "../core/exchange.ts";
import type { JsonEdit } from "../core/json-edit.ts";
import type { Candidate, Operation } from "../core/operation.ts";
import type { Operate, OperationContext } from "../core/step.ts";
import { toTraceHeaders } from "../core/trace-headers.ts";
import { passWhole } from "../core/whole-answer.ts";
import { rawValue } from "../http/json-locate.ts";
import { splice } from "../http/json-splice.ts";
import type { Item } from "./catalog.ts";
import { isObject } from "./message.ts";
import type { JsonObject, Message } from "./message.ts";
import { paramHeaders } from "./mirrored-params.ts";
import { plainOperation } from "./operations.ts";
import type { Answer, Outlet } from "./outlet.ts";
import { renderRpcError } from "./render-error.ts";
import { LOG_LEVEL_KEY } from "./revisions.ts";
import type { Era } from "./revisions.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { createMcpForm, questionTexts, replyTexts, requestTexts } from "./texts.ts";
import { toClient, toServer } from "./translate.ts";
import type { Renamed } from "./translate.ts";
import type { Incoming, Link } from "./upstreams/link.ts";
import type { McpServer } from "./upstreams/server.ts";
import { changeOf } from "./upstreams/watch.ts";

const JSON_HEADERS = { "content-type": "application/json" };

/** A caller and the stream that leads back to it. */
export interface Caller {
  readonly exchange: Exchange;
  readonly era: Era;
  readonly outlet: Outlet;
  /** The caller's session; undefined in the stateless era. */
  readonly session: Session | undefined;
  /** Aborts this message alone. */
  readonly signal: AbortSignalLike | undefined;
}

/** One message of a caller on its way. */
export interface Call extends Caller {
  readonly message: Message;
}

/** Where a call goes. */
export interface Aim {
  readonly server: McpServer;
  readonly operation: Operation;
  readonly renamed?: Renamed | undefined;
  /** The name that `Mcp-Name` mirrors, as the server knows it. */
  readonly name?: string | undefined;
  readonly item?: Item | undefined;
}

export interface RelayOptions {
  readonly clock: Clock;
  readonly operate: Operate;
  readonly link: (server: McpServer, caller: Caller) => Promise<Link>;
}

function candidateOf({ server: { name, config }, operation: { target } }: Aim): Candidate {
  const price = target.kind === "tool" ? config.prices[target.name] : undefined;
  return price === undefined ? { name } : { name, price };
}

/** Carries one call to its server and the answer back, in whichever eras the two speak. */
export async function relay(options: RelayOptions, call: Call, aim: Aim): Promise<Answer> {
  return await options.operate(
    call.exchange,
    aim.operation,
    {
      plan: () => [candidateOf(aim)],
      relay: (context) => carry(options, call, aim, context),
      texts: () => requestTexts(call.message),
      answers: () => createMcpForm(),
    },
    call.signal,
  );
}

async function carry(options: RelayOptions, call: Call, aim: Aim, context: OperationContext): Promise<Answer> {
  const { message, era, exchange } = call;
  const link = await options.link(aim.server, call);
  context.signal.throwIfAborted();
  const params = message.params["_meta"];
  const wantsLogs = era === "legacy" || (isObject(params) && params[LOG_LEVEL_KEY] !== undefined);
  const bytes = toServer(message, era, link.era, aim.renamed, call.session?.record.logLevel, context.edits);
  const answer = await link.request(
    {
      bytes,
      idText: message.idText!,
      method: message.method,
      name: aim.name,
      headers: headersFor(call, aim, link, context.edits.length > 0 ? bytes : undefined),
    },
    context.signal,
    async (between) => {
      context.firstByteMs ??= options.clock.now() - context.startedAtMs;
      const change = changeOf(between);
      if (change !== undefined) aim.server.announce(change);
      if (between.value["id"] !== undefined) return await ask(options, call, aim.server, link, between);
      if (
        era === "modern" &&
        (change !== undefined || (between.value["method"] === "notifications/message" && !wantsLogs))
      )
        return;
      await pass(context, call, between);
    },
  );
  context.upstreamStatus = answer.status;
  context.complaint = complaintOf(answer.value);
  context.firstByteMs ??= options.clock.now() - context.startedAtMs;
  const translated = toClient(answer, message.method, link.era, era, aim.server.info?.identity);
  exchange.signal.throwIfAborted();
  return {
    status: era === "legacy" ? 200 : translated.status,
    headers: JSON_HEADERS,
    body: await passWhole(context, translated.bytes, () => translated.value),
  };
}

/* Servers tell of a tool that failed in its result, for the model to read (2025-06-18, tools, "Error Handling"). */
function complaintOf({ result }: JsonObject): OperationContext["complaint"] {
  if (!isObject(result)) return "refused";
  return result["isError"] === true ? "failed" : undefined;
}

/** What a server says that is no answer, through the steps that look at it. */
export async function pass(context: OperationContext, call: Caller, between: Incoming): Promise<void> {
  if (context.answer === undefined) return await call.outlet.event(between.bytes);
  for (const { bytes } of await context.answer({ value: between.value, bytes: between.bytes, last: false }))
    await call.outlet.event(bytes);
}

/** `changed`: the request, where steps have changed something in it. */
function headersFor(call: Call, aim: Aim, link: Link, changed: Buffer | undefined): Record<string, string> {
  const { trace, request } = call.exchange;
  const headers = toTraceHeaders(trace);
  if (link.era === "legacy") return headers;
  /* A modern client mirrors arguments itself, and its server compares them. For a legacy client the gateway does it, and where a guard may have taken something out of them. */
  if (call.era === "legacy" || changed !== undefined) {
    const json = changed && rawValue(changed, ["params", "arguments"]);
    const args: unknown = json === undefined ? call.message.params["arguments"] : JSON.parse(json.toString("utf8"));
    return Object.assign(headers, paramHeaders(aim.item?.mirrored ?? [], args));
  }
  for (const [name, value] of Object.entries(request.headers)) if (name.startsWith("mcp-param-")) headers[name] = value;
  return headers;
}

/** Hands a server's own request (sampling, elicitation, roots) to the client whose call it belongs to. */
export async function ask(
  options: RelayOptions,
  call: Caller,
  server: McpServer,
  link: Link,
  request: Incoming,
): Promise<void> {
  const idText = rawValue(request.bytes, ["id"])?.toString("utf8") ?? "null";
  if (call.era === "modern" || !link.dedicated || call.session === undefined) {
    const refusal =
      '"error":{"code":-32601,"message":"The client of this call cannot be asked across protocol versions."}';
    return await link.send(Buffer.from(`{"jsonrpc":"2.0","id":${idText},${refusal}}`));
  }
  /* The id says where the reply goes, so that no table has to survive a restart, and two servers' ids cannot meet. */
  const id: JsonEdit = { path: ["id"], json: JSON.stringify(`${server.name}:${idText}`) };
  const operation = plainOperation(String(request.value["method"]), "call", "to-caller", server);
  const work = {
    plan: () => [{ name: "client" }],
    relay: async ({ edits }: OperationContext) => void (await call.outlet.event(splice(request.bytes, [id, ...edits]))),
    texts: () => questionTexts(request.value),
  };
  try {
    await options.operate(call.exchange, operation, work, call.signal);
  } catch (thrown) {
    const error = GatewayError.from(thrown);
    if (call.exchange.signal.aborted || call.signal?.aborted === true) throw error;
    // The server waits for an answer to its question.
    await link.send(Buffer.from(renderRpcError(error, idText).body));
  }
}

export interface ReplyOptions extends RelayOptions {
  readonly sessions: Pick<Sessions, "refresh">;
}

/** Takes a reply to the server that asked, by the id that `ask` gave out. */
export async function reply(options: ReplyOptions, call: Call, servers: ReadonlyMap<string, McpServer>): Promise<void> {
  const { message, session } = call;
  const id = message.value["id"];
  const [name, ...rest] = typeof id === "string" ? id.split(":") : [];
  const server = name === undefined ? undefined : servers.get(name);
  const idText = rest.join(":");
  /* The question may have come by way of another replica, just now. */
  if (server !== undefined && session !== undefined && session.record.servers[server.name] === undefined)
    await options.sessions.refresh(session);
  if (server === undefined || session?.record.servers[server.name] === undefined || !isId(idText))
    throw new GatewayError("invalid_params", "This response answers no request of this session.");
  await options.operate(
    call.exchange,
    plainOperation("response", "reply", "to-target", server),
    {
      plan: () => [{ name: server.name }],
      relay: async ({ edits }) => {
        const link = await options.link(server, call);
        await link.send(splice(message.bytes, [{ path: ["id"], json: idText }, ...edits]));
      },
      texts: () => replyTexts(message.value),
    },
    call.signal,
  );
}

function isId(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" || typeof value === "number";
  } catch {
    return false;
  }
}
