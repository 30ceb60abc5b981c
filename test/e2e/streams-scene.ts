import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { request, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { loadConfig } from "../../src/config/load.ts";
import { startGateway } from "../../src/gateway/gateway.ts";
import { startRawAgent, task } from "../a2a/raw-agent.ts";
import { reply, startRawServer } from "../mcp/raw-server.ts";
import { listen } from "./guards-scene.ts";

/** How an upstream's stream looks on one wire, and how a caller asks for it. */
export interface Wire {
  readonly path: string;
  readonly body: object;
  readonly headers: Readonly<Record<string, string>>;
  /** What stands in the end of a stream that came whole, as its caller sees it. */
  readonly end: string;
}

const modern = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1.0.0" },
};
const hello = [{ role: "user", content: "Hello" }];

export const wires: Readonly<Record<string, Wire>> = {
  "a model": {
    path: "/v1/chat/completions",
    body: { model: "gpt", stream: true, messages: hello },
    headers: {},
    end: "data: [DONE]",
  },
  "a model of the other dialect": {
    path: "/v1/messages",
    body: { model: "long", stream: true, max_tokens: 1_000_000, messages: hello },
    headers: { "anthropic-version": "2023-06-01" },
    end: "event: message_stop",
  },
  "a tool": {
    path: "/mcp",
    body: {
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "work", arguments: {}, _meta: { progressToken: "p", ...modern } },
    },
    headers: {
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "work",
    },
    end: '"id":1',
  },
  "an agent": {
    path: "/a2a/agent",
    body: {
      jsonrpc: "2.0",
      id: 1,
      method: "SendStreamingMessage",
      params: { message: { messageId: "m", role: "ROLE_USER", parts: [{ text: "Hello" }] } },
    },
    headers: { "a2a-version": "1.0" },
    end: "TASK_STATE_COMPLETED",
  },
};

/** What makes an event large. */
export const FILLER = "x".repeat(16_000);

/** A stream at its upstream, in the test's hands. */
export class Source {
  /** Events, and bytes, that could be handed over. */
  events = 0;
  bytes = 0;
  /** The last event waits to be taken. */
  waiting = false;
  closed = false;
  readonly #response: ServerResponse;
  readonly #event: () => string;
  readonly #end: string;

  constructor(response: ServerResponse, head: string, event: () => string, end: string) {
    this.#response = response;
    this.#event = event;
    this.#end = end;
    response.once("close", () => (this.closed = true));
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (head !== "") response.write(`data: ${head}\n\n`);
  }

  say(): boolean {
    const bytes = `data: ${this.#event()}\n\n`;
    this.events += 1;
    this.bytes += bytes.length;
    return this.#response.write(bytes);
  }

  /** Writes as fast as it is taken, until `finish`. */
  flood(): void {
    this.waiting = false;
    while (!this.#response.writableEnded && !this.#response.destroyed) {
      if (this.say()) continue;
      this.waiting = true;
      this.#response.once("drain", () => this.flood());
      return;
    }
  }

  finish(): void {
    this.#response.end(`data: ${this.#end}\n\n`);
  }

  die(): void {
    this.#response.destroy();
  }
}

const chunk = (delta: object, finish: string | null) =>
  JSON.stringify({
    id: "c",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta, finish_reason: finish }],
  });

/* What only fills is not carried over into another dialect: there it has to be said. */
const modelSource = (response: ServerResponse, body: string) =>
  new Source(
    response,
    "",
    body.includes('"long"')
      ? () => chunk({ content: `word ${FILLER} ` }, null)
      : () => chunk({ content: "word " }, null).replace("{", `{"filler":"${FILLER}",`),
    `${chunk({}, "stop")}\n\ndata: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } })}\n\ndata: [DONE]`,
  );

const rpc = (rest: object, id?: unknown) =>
  JSON.stringify({ jsonrpc: "2.0", ...(id === undefined ? {} : { id }), ...rest });

function toolSource(response: ServerResponse, id: unknown): Source {
  let progress = 0;
  return new Source(
    response,
    "",
    () =>
      rpc({
        method: "notifications/progress",
        params: { progressToken: "p", progress: ++progress, message: "word", filler: FILLER },
      }),
    rpc({ result: { resultType: "complete", content: [{ type: "text", text: "done" }] } }, id),
  );
}

function agentSource(response: ServerResponse, id: unknown, taskId: string): Source {
  const ids = { taskId, contextId: "c" };
  return new Source(
    response,
    rpc({ result: { task: task(taskId, "c", "TASK_STATE_WORKING") } }, id),
    () =>
      rpc(
        {
          result: {
            artifactUpdate: {
              ...ids,
              append: true,
              filler: FILLER,
              artifact: { artifactId: "a", parts: [{ text: "word " }] },
            },
          },
        },
        id,
      ),
    rpc({ result: { statusUpdate: { ...ids, status: { state: "TASK_STATE_COMPLETED" } } } }, id),
  );
}

export interface StreamsScene {
  /** The next stream to begin at an upstream. */
  nextSource(): Promise<Source>;
  /** Resolves with the head of the answer; nothing of its body is read. */
  open(wire: Wire): Promise<IncomingMessage>;
  close(): Promise<void>;
}

const TOOLS =
  '"resultType":"complete","ttlMs":60000,"cacheScope":"public","tools":[{"name":"work","inputSchema":{"type":"object"}}]';

/** A gateway in front of a model, a tool server and an agent, with budgets and guards that look at every answer. */
export async function startStreamsScene(): Promise<StreamsScene> {
  const waiting: ((source: Source) => void)[] = [];
  let tasks = 0;
  const begin = (source: Source) => waiting.shift()?.(source);
  const model = await listen((body, response) => void begin(modelSource(response, body)));
  const tools = await startRawServer(({ message }, response) => {
    if (message.method === "tools/list")
      return reply(response, `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{${TOOLS}}}`);
    begin(toolSource(response, message.id));
  });
  const agent = await startRawAgent();
  agent.answer = ({ id }, response) => void begin(agentSource(response, id, `t${(tasks += 1)}`));
  const dir = mkdtempSync(join(tmpdir(), "sallyport-streams-"));
  const port = await freePorts();
  writeFileSync(join(dir, "rules.yaml"), "rules: [{ name: all is open, allow: 'true' }]");
  writeFileSync(
    join(dir, "sallyport.yaml"),
    `publicUrl: http://127.0.0.1:${port}
listen: {host: 127.0.0.1, port: ${port}, console: {port: 0}, health: {host: 127.0.0.1, port: 0}}
auth: {embedded: true, anonymous: true}
models:
  gpt: {provider: openai-compatible, url: "${model.url}/v1"}
  long: {provider: openai-compatible, url: "${model.url}/v1"}
mcp: {servers: {tools: {url: "${tools.url}"}}, routes: {/mcp: {servers: [tools]}}}
a2a: {agents: {agent: {url: "${agent.url}"}}}
policies: ./rules.yaml
observability: {log: {level: error}}
drain: {grace: 1ms}
state: memory
budgets:
  - {name: at-once, limits: ["1 concurrent call"]}
  - {name: tokens, limits: ["1000M tokens/day"]}
guardrails:
  - {type: pattern, reject: [ignore previous instructions], mask: [project nightingale], direction: both}
  - {type: pii, mask: [email, phone], output: mask}
`,
  );
  const gateway = await startGateway(loadConfig(join(dir, "sallyport.yaml")));
  const { data } = gateway.addresses;
  return {
    nextSource: () => new Promise((resolve) => waiting.push(resolve)),
    async open({ path, body, headers }) {
      const sent = request(`http://127.0.0.1:${data.port}${path}`, {
        method: "POST",
        agent: false,
        headers: { "content-type": "application/json", ...headers },
      });
      sent.end(JSON.stringify(body));
      const [response] = (await once(sent, "response")) as [IncomingMessage];
      sent.on("error", () => {});
      return response;
    },
    async close() {
      await gateway.drain();
      await Promise.all([model.close(), tools.close(), agent.close()]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
