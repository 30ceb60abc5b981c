import { randomUUID } from "node:crypto";
import { SendMessageRequest, type SendMessageResult } from "@a2a-js/sdk";
import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory } from "@a2a-js/sdk/client";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { GatewayAccess } from "./gateway-access.ts";

/** Looks a note up with a tool behind the gateway. `question` may name the note, as in `note-7`. */
export async function lookUp(gateway: GatewayAccess, question: string): Promise<string> {
  const client = new Client({ name: "researcher", version: "1.0.0" });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), { fetch: gateway.fetch }));
  try {
    const wanted = process.env.SALLYPORT_TOOL ?? "read_note";
    const { tools } = await client.listTools();
    const tool = tools.find(({ name }) => name === wanted || name.endsWith(`_${wanted}`));
    if (tool === undefined) throw new Error(`The gateway offers me no tool ${wanted}.`);
    const id = /\bnote-\d+\b/.exec(question)?.[0] ?? "note-1";
    const result = await client.callTool({ name: tool.name, arguments: { id } });
    const text = result.content.flatMap((item) => (item.type === "text" ? [item.text] : [])).join("\n");
    if (result.isError === true) throw new Error(`The tool ${tool.name} failed: ${text}`);
    return text;
  } finally {
    await client.close();
  }
}

/** Asks a model behind the gateway. */
export async function think(
  gateway: GatewayAccess,
  question: string,
  found: string,
  signal: AbortSignal,
): Promise<string> {
  const model = process.env.SALLYPORT_MODEL ?? "small";
  const messages = [
    { role: "system", content: "Answer in two short sentences, from the notes alone." },
    { role: "user", content: `${question}\n\nNotes:\n${found}` },
  ];
  const response = await gateway.fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, messages, max_tokens: 60 }),
    signal,
  });
  const answer = (await response.json().catch(() => ({}))) as {
    choices?: { message?: { content?: unknown } }[];
    error?: { message?: string };
  };
  const text = answer.choices?.[0]?.message?.content;
  if (typeof text === "string") return text;
  throw new Error(`The model ${model} did not answer: ${answer.error?.message ?? `status ${response.status}`}`);
}

/** Hands the notes to the writer, another agent behind the gateway, and gives what it wrote. */
export async function handToWriter(gateway: GatewayAccess, notes: string, signal: AbortSignal): Promise<string> {
  const name = process.env.SALLYPORT_WRITER ?? "writer";
  const fetchImpl = gateway.fetch;
  const factory = new ClientFactory({
    transports: [new JsonRpcTransportFactory({ fetchImpl })],
    cardResolver: new DefaultAgentCardResolver({ fetchImpl }),
  });
  const writer = await factory.createFromUrl(`${gateway.url}/a2a/${name}/`);
  const message = {
    messageId: randomUUID(),
    role: "ROLE_USER",
    parts: [{ text: notes }],
    metadata: { skill_id: "write" },
  };
  const result = await writer.sendMessage(SendMessageRequest.fromJSON({ message }), { signal });
  const text = artifactText(result);
  if (text === "") throw new Error(`The agent ${name} wrote nothing${reasonOf(result)}`);
  return text;
}

/** What the task says of how it ended. */
function reasonOf(result: SendMessageResult): string {
  const parts = ("status" in result && result.status?.message?.parts) || [];
  const said = parts.map(({ content }) => (content?.$case === "text" ? content.value : "")).join(" ");
  return said === "" ? "." : `: ${said}`;
}

function artifactText(result: SendMessageResult): string {
  if (!("artifacts" in result)) return "";
  return result.artifacts
    .flatMap(({ parts }) => parts.map(({ content }) => (content?.$case === "text" ? content.value : "")))
    .join("");
}
