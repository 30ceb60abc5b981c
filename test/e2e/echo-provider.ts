import { createHash } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A provider of both dialects whose model says again whatever it was told, and calls a tool with it when it is given one. */
export interface EchoProvider {
  readonly url: string;
  /** The bodies of all calls, as they came. */
  readonly bodies: string[];
  /** What of all it was told it says again. */
  heeds: (told: readonly string[]) => readonly string[];
  /** Cuts what it streams into pieces. */
  cut: (text: string) => readonly string[];
  close(): Promise<void>;
}

type Fields = Readonly<Record<string, unknown>>;
type Send = (data: unknown) => void;

export async function startEchoProvider(): Promise<EchoProvider> {
  const provider: EchoProvider = { url: "", bodies: [], heeds: (told) => told, cut: (text) => [text], close };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      provider.bodies.push(body);
      if (request.url?.endsWith("/count_tokens") === true) return whole(response, { input_tokens: 7 });
      const asked = JSON.parse(body) as Fields;
      if (!signaturesAreGood(asked)) {
        response.writeHead(400, { "content-type": "application/json" });
        const error = { type: "invalid_request_error", message: "Invalid `signature` in `thinking` block" };
        return response.end(JSON.stringify({ type: "error", error }));
      }
      const said = provider.heeds(toldTo(asked)).join(" | ");
      const args = asked["tools"] === undefined ? undefined : JSON.stringify({ text: said, list: [said, 4.0] });
      const reply = request.url?.endsWith("/messages") === true ? sayAnthropic : sayOpenai;
      const thought = asked["thinking"] === undefined ? undefined : `They said: ${said}`;
      reply(response, { said, thought, args, pieces: asked["stream"] === true ? provider.cut : undefined });
    });
  });
  async function close(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(provider, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** Every string and number of the conversation, arguments of tools too. */
function toldTo({ system, messages }: Fields): string[] {
  const texts: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === "string" || typeof value === "number") texts.push(String(value));
    else if (Array.isArray(value)) for (const each of value) collect(each);
    else if (typeof value === "object" && value !== null)
      for (const [key, member] of Object.entries(value))
        if (!["role", "type", "id", "name", "tool_call_id", "tool_use_id", "thinking", "signature"].includes(key))
          collect(member);
  };
  collect([system, messages]);
  return texts;
}

const sign = (thought: string) => createHash("sha256").update(thought).digest("base64");

/** Thoughts that are given back have to be those that were signed. */
function signaturesAreGood({ messages }: Fields): boolean {
  const blocks = (messages as readonly Fields[]).flatMap(({ content }) =>
    Array.isArray(content) ? content : [],
  ) as readonly Fields[];
  return blocks.every(({ type, thinking, signature }) => type !== "thinking" || signature === sign(String(thinking)));
}

interface Reply {
  readonly said: string;
  /** Signed, where it was asked for. */
  readonly thought: string | undefined;
  readonly args: string | undefined;
  readonly pieces: EchoProvider["cut"] | undefined;
}

function stream(response: ServerResponse): { readonly send: Send; readonly named: (event: Fields) => void } {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send: Send = (data) => response.write(`data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
  return {
    send,
    named: (event) => response.write(`event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`),
  };
}

function whole(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function sayOpenai(response: ServerResponse, { said, args, pieces }: Reply): void {
  const common = { id: "c", created: 1, model: "echo" };
  const finish = args === undefined ? "stop" : "tool_calls";
  const call = { id: "call_1", type: "function", function: { name: "write", arguments: args } };
  if (pieces === undefined) {
    const message = { role: "assistant", content: said, ...(args !== undefined && { tool_calls: [call] }) };
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    return whole(response, {
      ...common,
      object: "chat.completion",
      choices: [{ index: 0, message, finish_reason: finish }],
      usage,
    });
  }
  const { send } = stream(response);
  const delta = (fields: Fields, end: string | null = null) =>
    send({ ...common, object: "chat.completion.chunk", choices: [{ index: 0, delta: fields, finish_reason: end }] });
  delta({ role: "assistant", content: "" });
  for (const content of pieces(said)) delta({ content });
  if (args !== undefined) {
    delta({ tool_calls: [{ index: 0, ...call, function: { name: "write", arguments: "" } }] });
    for (const piece of pieces(args)) delta({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
  }
  delta({}, finish);
  send("[DONE]");
  response.end();
}

function sayAnthropic(response: ServerResponse, { said, thought, args, pieces }: Reply): void {
  const stop_reason = args === undefined ? "end_turn" : "tool_use";
  const message = { id: "m", type: "message", role: "assistant", model: "echo", stop_sequence: null };
  const tool = { type: "tool_use", id: "toolu_1", name: "write" };
  if (pieces === undefined) {
    const content = [
      ...(thought === undefined ? [] : [{ type: "thinking", thinking: thought, signature: sign(thought) }]),
      { type: "text", text: said },
      ...(args === undefined ? [] : [{ ...tool, input: JSON.parse(args) as unknown }]),
    ];
    return whole(response, { ...message, content, stop_reason, usage: { input_tokens: 3, output_tokens: 2 } });
  }
  const { named } = stream(response);
  let blocks = 0;
  const block = (content_block: Fields, deltas: readonly Fields[]) => {
    const index = blocks++;
    named({ type: "content_block_start", index, content_block });
    for (const delta of deltas) named({ type: "content_block_delta", index, delta });
    named({ type: "content_block_stop", index });
  };
  named({
    type: "message_start",
    message: { ...message, content: [], stop_reason: null, usage: { input_tokens: 3, output_tokens: 1 } },
  });
  if (thought !== undefined)
    block({ type: "thinking", thinking: "", signature: "" }, [
      ...pieces(thought).map((thinking) => ({ type: "thinking_delta", thinking })),
      { type: "signature_delta", signature: sign(thought) },
    ]);
  block(
    { type: "text", text: "" },
    pieces(said).map((text) => ({ type: "text_delta", text })),
  );
  if (args !== undefined)
    block(
      { ...tool, input: {} },
      pieces(args).map((partial_json) => ({ type: "input_json_delta", partial_json })),
    );
  named({ type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 2 } });
  named({ type: "message_stop" });
  response.end();
}
