import { GatewayError } from "../core/errors.ts";
import type { UpstreamResponse } from "../http/upstream.ts";
import { readEventBlocks, type EventBlock } from "./event-blocks.ts";
import { answerHeaders, type AgentCall } from "./agent-call.ts";
import { isObject } from "./rpc-request.ts";
import { complaintOf, isTerminal, sightingOf } from "./sighting.ts";

const nothing = Buffer.alloc(0);
const ping = Buffer.from(": ping\n\n");

/**
 * Passes an event stream on block by block, each as it came. The task is recorded before the event that first shows it is sent.
 * Not reading is the back pressure; the stream ends when the agent ends it, for A2A leaves that to the agent (sections 3.1.2 and 7.6).
 */
export async function relayStream(call: AgentCall, response: UpstreamResponse): Promise<void> {
  const { reply } = call.exchange;
  const { signal } = call.context;
  const observe = createObserver(call);
  let idleSince = call.clock.monotonic();
  let writing = false;
  if (!signal.aborted)
    reply.open(200, {
      ...answerHeaders(response.headers, call.request, "text/event-stream"),
      "x-accel-buffering": "no",
    });
  const keepAlive = setInterval(() => {
    if (writing || signal.aborted || call.clock.monotonic() - idleSince < call.config.keepAlive) return;
    idleSince = call.clock.monotonic();
    void reply.write(ping);
  }, call.config.keepAlive);
  try {
    for await (const block of readEventBlocks(response.body, call.config.eventLimit)) {
      const bytes = await observe.block(block);
      if (signal.aborted) return;
      writing = true;
      await reply.write(bytes);
      writing = false;
      idleSince = call.clock.monotonic();
    }
    const rest = await observe.end();
    if (signal.aborted) return;
    if (rest.length > 0) await reply.write(rest);
    reply.end();
  } finally {
    clearInterval(keepAlive);
  }
}

interface Observer {
  /** The bytes to send for one block. */
  block(block: EventBlock): Promise<Buffer>;
  /** The agent has ended the stream: what steps still hold back. */
  end(): Promise<Buffer>;
}

/** Watches a stream for the task it is about, and lets the steps see each event. */
function createObserver(call: AgentCall): Observer {
  const { context, request, agent, index, hold, exchange } = call;
  let taskId: string | undefined;
  let state = "";
  let last = false;
  async function observe({ raw, data }: EventBlock): Promise<Buffer> {
    if (data === "") return raw;
    // Once the task is known only a change of its state is of interest, and parsing is most of the cost of an event.
    if (taskId !== undefined && taskId !== "" && context.answer === undefined && !raw.includes('"state"')) return raw;
    const value = parse(data);
    const sighting = isObject(value) ? sightingOf(value.result, request.version, request.spec) : undefined;
    if (isObject(value)) context.complaint ??= complaintOf(value, sighting);
    if (sighting !== undefined && (sighting.taskId !== taskId || (sighting.state !== "" && sighting.state !== state))) {
      await index.record(agent.name, sighting, request.version, exchange.principal);
      taskId = sighting.taskId;
      if (sighting.state !== "") state = sighting.state;
      hold.identified();
    }
    if (context.answer === undefined) return raw;
    // What cannot be read cannot be looked at, and a client may read it in its own way.
    if (!isObject(value)) throw new GatewayError("upstream_invalid", "The agent sent an event that is no JSON object.");
    const bytes = Buffer.from(data);
    last = isTerminal(state);
    const events = await context.answer({ value, bytes, last });
    return Buffer.concat(events.map((event) => (event.bytes === bytes ? raw : toEvent(event.bytes))));
  }
  return {
    block: observe,
    async end() {
      // A task that waits for its caller ends the stream too, and an agent may end it as it likes (section 3.1.2).
      if (context.answer === undefined || last) return nothing;
      const events = await context.answer({ value: undefined, bytes: nothing, last: true });
      return Buffer.concat(events.flatMap(({ bytes }) => (bytes === nothing ? [] : [toEvent(bytes)])));
    },
  };
}

function toEvent(bytes: Buffer): Buffer {
  return Buffer.from(`data: ${bytes.toString("utf8").replaceAll("\n", "\ndata: ")}\n\n`);
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
