/* What is sent and what must come back: about a kilobyte each way. */

const sentence =
  "The gate of a fortress that lets its own people out at speed and keeps everyone else where they are. ";

/** What every whole answer says. */
export const ANSWER = `${sentence.repeat(8)}That is what a sallyport is.`;

/** Events with text in a streamed answer. */
export const CHUNKS = 100;

const syllables = "ba co di fe gu ha jo ki le mu na po qui re su ta vo we xi yo za ster ling bor ough ton".split(" ");
const pick = () => syllables[Math.floor(Math.random() * syllables.length)] as string;

/** A question that was not asked before, about as long as the answer: people, and agents that work, do not ask the same again and again. */
export function ask(): string {
  let question = "";
  for (let count = 0; count < 120; count++) question += `${pick()}${pick()}${pick()} `;
  return question.trimEnd();
}

export interface Scenario {
  readonly path: string;
  readonly body: (question: string) => string;
  /** Sent beside content-type and authorization. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the answer's text is in its JSON; undefined: the answer is a stream of `CHUNKS` texts that ends with `[DONE]`. */
  readonly textAt: readonly (string | number)[] | undefined;
  /** The path that the upstream serves this under, where the gateway has another. */
  readonly upstreamPath: string;
}

const chat = (question: string, stream: boolean) =>
  JSON.stringify({
    model: "bench",
    messages: [
      { role: "system", content: "You answer in one sentence." },
      { role: "user", content: question },
    ],
    temperature: 0.2,
    max_tokens: 200,
    ...(stream ? { stream: true } : {}),
  });

const rpc = (method: string, params: object) => JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });

export const scenarios = {
  llm: {
    path: "/v1/chat/completions",
    upstreamPath: "/v1/chat/completions",
    body: (question) => chat(question, false),
    headers: {},
    textAt: ["choices", 0, "message", "content"],
  },
  /* The same call, with everything that holds money and authority together: two budgets, one of them in dollars, and one for each chain. */
  stack: {
    path: "/v1/chat/completions",
    upstreamPath: "/v1/chat/completions",
    body: (question) => chat(question, false),
    headers: {},
    textAt: ["choices", 0, "message", "content"],
  },
  "llm-stream": {
    path: "/v1/chat/completions",
    upstreamPath: "/v1/chat/completions",
    body: (question) => chat(question, true),
    headers: {},
    textAt: undefined,
  },
  mcp: {
    path: "/mcp",
    upstreamPath: "/mcp",
    body: (question) =>
      rpc("tools/call", {
        name: "bench",
        arguments: { text: question },
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientCapabilities": {},
          "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1.0.0" },
        },
      }),
    headers: {
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "bench",
    },
    textAt: ["result", "content", 0, "text"],
  },
  a2a: {
    path: "/a2a/bench",
    upstreamPath: "/a2a",
    body: (question) =>
      rpc("SendMessage", { message: { messageId: "question", role: "ROLE_USER", parts: [{ text: question }] } }),
    headers: { accept: "application/json", "a2a-version": "1.0" },
    textAt: ["result", "message", "parts", 0, "text"],
  },
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof scenarios;
