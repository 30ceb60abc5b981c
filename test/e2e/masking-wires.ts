import { systemClock } from "../../src/core/clock.ts";
import type { AnswerForm } from "../../src/core/text.ts";
import type { AgentCall } from "../../src/a2a/agent-call.ts";
import { createA2aForm } from "../../src/a2a/answer-form.ts";
import { findMethod, type Version } from "../../src/a2a/operations.ts";
import { relayStream as relayArtifacts } from "../../src/a2a/relay-stream.ts";
import { createAnthropicForm } from "../../src/inference/dialects/anthropic-answer-form.ts";
import { createOpenaiForm } from "../../src/inference/dialects/openai-answer-form.ts";
import type { DialectName } from "../../src/inference/model-call.ts";
import {
  type Answer,
  contextOf,
  createModelRelay,
  createReply,
  type Relayed,
  responseOf,
} from "../inference/without-sockets.ts";

/* Every wire on which answers with tokens come back, each with the relay that carries it: only the sockets are left out. */

/** What a model or an agent says; of an agent's artifacts only the text comes in pieces. */
export interface Said {
  readonly thought: string;
  readonly text: string;
  /** JSON text. */
  readonly args: string;
}

type Cut = (text: string) => readonly string[];

export interface Wire {
  readonly name: string;
  /** What may be in pieces there. */
  readonly channels: readonly (keyof Said)[];
  /** The stream of whoever says it, cut into these pieces. */
  stream(said: Said, cut: Cut): Buffer;
  /** What arrives at the caller of a stream that comes in these chunks. */
  relay(chunks: readonly Buffer[], answer: Answer): Promise<Buffer>;
  read(arrived: Buffer): Said;
  createForm(): AnswerForm;
  /** The same for a whole answer, where the wire has one of its own here. */
  readonly whole?: {
    body(said: Said): Buffer;
    relay(body: Buffer, answer: Answer): Promise<Buffer>;
    read(arrived: Buffer): Said;
  };
}

type Fields = Readonly<Record<string, unknown>>;
const frame = (value: unknown) => `data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`;
const named = (value: Fields) => `event: ${String(value["type"])}\n${frame(value)}`;
const eventsOf = (arrived: Buffer): Fields[] =>
  [...arrived.toString().matchAll(/^data: (\{.*)$/gm)].map(([, json = ""]) => JSON.parse(json) as Fields);

const openai = {
  stream({ thought, text, args }: Said, cut: Cut): string {
    const delta = (fields: Fields, end: string | null = null) =>
      frame({ id: "c", created: 1, model: "m", choices: [{ index: 0, delta: fields, finish_reason: end }] });
    return [
      delta({ role: "assistant", content: "" }),
      // As vLLM says them.
      ...cut(thought).map((piece) => delta({ reasoning: piece, reasoning_content: piece })),
      ...cut(text).map((piece) => delta({ content: piece })),
      delta({ tool_calls: [{ index: 0, id: "t", type: "function", function: { name: "f", arguments: "" } }] }),
      ...cut(args).map((piece) => delta({ tool_calls: [{ index: 0, function: { arguments: piece } }] })),
      delta({}, "tool_calls"),
      frame("[DONE]"),
    ].join("");
  },
  read(arrived: Buffer): Said {
    const said = { thought: "", text: "", args: "" };
    let again = "";
    for (const { choices } of eventsOf(arrived) as { choices: { delta: Record<string, unknown> }[] }[])
      for (const { delta } of choices) {
        said.thought += (delta["reasoning_content"] as string | undefined) ?? "";
        again += (delta["reasoning"] as string | undefined) ?? "";
        said.text += (delta["content"] as string | null | undefined) ?? "";
        const calls = delta["tool_calls"] as { function?: { arguments?: string } }[] | undefined;
        said.args += calls?.[0]?.function?.arguments ?? "";
      }
    return again === "" || again === said.thought ? said : { ...said, thought: `${said.thought} and ${again}` };
  },
  whole: ({ thought, text, args }: Said) => ({
    id: "c",
    created: 1,
    model: "m",
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          reasoning_content: thought,
          content: text,
          tool_calls: [{ id: "t", type: "function", function: { name: "f", arguments: args } }],
        },
        finish_reason: "tool_calls",
      },
    ],
  }),
  readWhole(arrived: Buffer): Said {
    const { choices } = JSON.parse(arrived.toString()) as {
      choices: {
        message: { reasoning_content: string; content: string; tool_calls: { function: { arguments: string } }[] };
      }[];
    };
    const message = choices[0]?.message;
    return {
      thought: message?.reasoning_content ?? "",
      text: message?.content ?? "",
      args: message?.tool_calls[0]?.function.arguments ?? "",
    };
  },
};

const anthropic = {
  stream({ thought, text, args }: Said, cut: Cut): string {
    const block = (index: number, content_block: Fields, deltas: readonly Fields[]) => [
      named({ type: "content_block_start", index, content_block }),
      ...deltas.map((delta) => named({ type: "content_block_delta", index, delta })),
      named({ type: "content_block_stop", index }),
    ];
    const usage = { input_tokens: 1, output_tokens: 1 };
    const message = { id: "m", type: "message", role: "assistant", model: "m", content: [], stop_reason: null, usage };
    return [
      named({ type: "message_start", message }),
      ...block(0, { type: "thinking", thinking: "", signature: "" }, [
        ...cut(thought).map((thinking) => ({ type: "thinking_delta", thinking })),
        { type: "signature_delta", signature: "c2ln" },
      ]),
      ...block(
        1,
        { type: "text", text: "" },
        cut(text).map((piece) => ({ type: "text_delta", text: piece })),
      ),
      ...block(
        2,
        { type: "tool_use", id: "t", name: "f", input: {} },
        cut(args).map((partial_json) => ({ type: "input_json_delta", partial_json })),
      ),
      named({ type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 2 } }),
      named({ type: "message_stop" }),
    ].join("");
  },
  read(arrived: Buffer): Said {
    const said = { thought: "", text: "", args: "" };
    for (const { delta } of eventsOf(arrived) as { delta?: Record<string, string | undefined> }[]) {
      said.thought += delta?.["thinking"] ?? "";
      said.text += delta?.["text"] ?? "";
      said.args += delta?.["partial_json"] ?? "";
    }
    return said;
  },
  whole: ({ thought, text, args }: Said) => ({
    id: "m",
    type: "message",
    role: "assistant",
    model: "m",
    content: [
      { type: "thinking", thinking: thought, signature: "c2ln" },
      { type: "text", text },
      { type: "tool_use", id: "t", name: "f", input: JSON.parse(args) as unknown },
    ],
    stop_reason: "tool_use",
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  }),
  readWhole(arrived: Buffer): Said {
    const said = { thought: "", text: "", args: "" };
    for (const block of (JSON.parse(arrived.toString()) as { content: Fields[] }).content) {
      if (block["type"] === "thinking") said.thought += String(block["thinking"]);
      if (block["type"] === "text") said.text += String(block["text"]);
      if (block["type"] === "tool_use") said.args = JSON.stringify(block["input"]);
    }
    return said;
  },
};

const forms = {
  openai: { ...openai, createForm: createOpenaiForm },
  anthropic: { ...anthropic, createForm: createAnthropicForm },
};

async function arrivedOf(relayed: Promise<Relayed>): Promise<Buffer> {
  const { arrived, failure } = await relayed;
  if (failure !== undefined) throw failure;
  return arrived;
}

/** A caller of one dialect and a provider of the same or the other. */
function modelWire(caller: DialectName, provider: DialectName): Wire {
  const relay = createModelRelay(caller, provider);
  return {
    name: caller === provider ? caller : `${caller} of ${provider}`,
    channels: ["thought", "text", "args"],
    stream: (said, cut) => Buffer.from(forms[provider].stream(said, cut)),
    relay: (chunks, answer) => arrivedOf(relay.stream(chunks, answer)),
    read: forms[caller].read,
    createForm: forms[caller].createForm,
    whole: {
      body: (said) => Buffer.from(JSON.stringify(forms[provider].whole(said))),
      relay: (body, answer) => arrivedOf(relay.whole(body, answer)),
      read: forms[caller].readWhole,
    },
  };
}

/** An agent's streamed artifact, and a data part. */
function agentWire(version: Version): Wire {
  const legacy = version === "0.3";
  const result = (kind: string, value: Fields) =>
    frame({
      jsonrpc: "2.0",
      id: 1,
      result: legacy
        ? { kind, ...value }
        : { [kind.replace(/-(.)/, (_, letter: string) => letter.toUpperCase())]: value },
    });
  const part = (kind: string, value: Fields) => (legacy ? { kind, ...value } : value);
  const ids = { taskId: "t", contextId: "c" };
  const state = (name: string) => ({ state: legacy ? name : `TASK_STATE_${name.toUpperCase()}` });
  const spec = findMethod(version, legacy ? "message/stream" : "SendStreamingMessage");
  if (spec === undefined) throw new Error("no such method");
  const unneeded = { index: { record: async () => {} }, hold: { identified() {} }, agent: { name: "a" } };
  return {
    name: `A2A ${version}`,
    channels: ["text"],
    stream({ text, args }, cut) {
      const update = (parts: readonly Fields[], append: boolean) =>
        result("artifact-update", { ...ids, artifact: { artifactId: "x", parts }, append });
      return Buffer.from(
        [
          result("task", { id: "t", contextId: "c", status: state("working") }),
          ...cut(text).map((piece, index) => update([part("text", { text: piece })], index > 0)),
          update([part("data", { data: JSON.parse(args) as unknown })], true),
          result("status-update", { ...ids, status: state("completed"), final: true }),
        ].join(""),
      );
    },
    async relay(chunks, answer) {
      const reply = createReply();
      const context = contextOf(reply, answer);
      await relayArtifacts(
        {
          ...unneeded,
          context,
          exchange: context.exchange,
          request: { version, spec },
          config: { keepAlive: 60_000, eventLimit: 1_048_576 },
          clock: systemClock,
        } as unknown as AgentCall,
        responseOf(chunks, "text/event-stream"),
      );
      return Buffer.concat(reply.written);
    },
    read(arrived) {
      const said = { thought: "", text: "", args: "" };
      for (const { result: shown } of eventsOf(arrived) as { result: Fields }[]) {
        const { artifact } = (legacy ? shown : (shown["artifactUpdate"] ?? {})) as { artifact?: { parts: Fields[] } };
        for (const { text, data } of artifact?.parts ?? []) {
          if (typeof text === "string") said.text += text;
          if (data !== undefined) said.args = JSON.stringify(data);
        }
      }
      return said;
    },
    createForm: () => createA2aForm(version),
  };
}

export const wires: readonly Wire[] = [
  modelWire("openai", "openai"),
  modelWire("anthropic", "anthropic"),
  modelWire("openai", "anthropic"),
  modelWire("anthropic", "openai"),
  agentWire("1.0"),
  agentWire("0.3"),
];
