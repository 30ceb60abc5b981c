import { GatewayError } from "../core/errors.ts";
import { locateElements } from "../http/json-locate.ts";
import { splice } from "../http/json-splice.ts";
import type { AgentCall, WholeAnswer } from "./agent-call.ts";
import { readAnswer, send, sendAnswer } from "./relay-call.ts";
import { fieldOf, isObject } from "./rpc-request.ts";
import type { TaskRecord } from "./task-index.ts";

/* How many pages of an agent's list are read to fill one page of the caller's: beyond it a page is short but its token goes on. */
const maxRounds = 20;

const comma = Buffer.from(",");

interface Gathered {
  readonly first: WholeAnswer;
  /** Each as the agent wrote it. */
  readonly tasks: Buffer[];
  nextPageToken: string;
}

/**
 * A list holds the caller's own tasks alone, though the agent takes all callers for one. Pages are read until the caller's is full,
 * never asking for more than is missing, so that the agent's page token is right for the caller too.
 */
export async function relayTaskList(call: AgentCall, isVisible: (task: TaskRecord) => boolean): Promise<void> {
  const { request, exchange, agent, index } = call;
  const pageSize = readPageSize(fieldOf(request.params, "pageSize"));
  if (request.contextId !== "" && !(await index.ownsContext(agent.name, request.contextId, exchange.principal))) {
    // Nobody's context and somebody else's look the same: an empty list, and the agent is not asked.
    return exchange.reply.send(
      200,
      { "content-type": "application/json" },
      JSON.stringify({
        jsonrpc: "2.0",
        id: request.id,
        result: { tasks: [], nextPageToken: "", pageSize, totalSize: 0 },
      }),
    );
  }
  const gathered = await gather(call, pageSize, isVisible);
  if (call.context.signal.aborted) return;
  const { first, tasks, nextPageToken } = gathered;
  if (!isObject(first.value.result)) return sendAnswer(call, first, first.bytes);
  const whole = nextPageToken === "" && (fieldOf(request.params, "pageToken") ?? "") === "";
  const state = typeof request.params.status === "string" ? request.params.status : "";
  const totalSize = whole
    ? tasks.length
    : Math.max(tasks.length, await index.count(agent.name, exchange.principal, request.contextId, state));
  const listed = Buffer.concat([
    Buffer.from("["),
    ...tasks.flatMap((task, at) => (at === 0 ? [task] : [comma, task])),
    Buffer.from("]"),
  ]);
  const bytes = splice(first.bytes, [
    { path: ["result", "tasks"], json: listed },
    { path: ["result", "nextPageToken"], json: JSON.stringify(nextPageToken) },
    { path: ["result", "totalSize"], json: String(totalSize) },
  ]);
  return sendAnswer(call, first, bytes);
}

async function gather(call: AgentCall, pageSize: number, isVisible: (task: TaskRecord) => boolean): Promise<Gathered> {
  const first = await readAnswer(call, await send(call, call.body));
  const gathered: Gathered = { first, tasks: [], nextPageToken: "" };
  let page = first;
  for (let round = 1; ; round++) {
    const { result } = page.value;
    if (!isObject(result)) {
      if (page === first) return gathered;
      throw new GatewayError("upstream_invalid", `The agent ${call.agent.name} broke off its list of tasks.`);
    }
    const listed: unknown[] = Array.isArray(result.tasks) ? result.tasks : [];
    const ranges = listed.length === 0 ? [] : locateElements(page.bytes, ["result", "tasks"]);
    const own = await Promise.all(listed.map((task) => isOwn(call, task, isVisible)));
    for (const [at, { start, end }] of ranges.entries())
      if (own[at] === true) gathered.tasks.push(page.bytes.subarray(start, end));
    gathered.nextPageToken = typeof result.nextPageToken === "string" ? result.nextPageToken : "";
    if (gathered.nextPageToken === "" || gathered.tasks.length >= pageSize || round >= maxRounds) return gathered;
    page = await readAnswer(call, await send(call, nextPage(call, gathered, pageSize)));
  }
}

/** The gateway's own request for the rest of a page. */
function nextPage({ request, target }: AgentCall, { tasks, nextPageToken }: Gathered, pageSize: number): Buffer {
  const tenant = target.tenant === "" ? {} : { tenant: target.tenant };
  const { page_size: _size, page_token: _token, ...asked } = request.params;
  const params = { ...asked, ...tenant, pageSize: pageSize - tasks.length, pageToken: nextPageToken };
  return Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: request.id, method: request.spec.method, params }));
}

async function isOwn(
  { agent, exchange, index }: AgentCall,
  task: unknown,
  isVisible: (task: TaskRecord) => boolean,
): Promise<boolean> {
  if (!isObject(task) || typeof task.id !== "string") return false;
  const record = await index.find(agent.name, task.id, exchange.principal);
  return record !== undefined && isVisible(record);
}

/** 1 to 100, 50 when not given (A2A 1.0, section 3.1.4); what lies outside is the agent's to refuse. */
function readPageSize(value: unknown): number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 100 ? value : 50;
}
