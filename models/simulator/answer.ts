import { fillSchema } from "./fill-schema.ts";
import type { ChatRequest, Message, Tool } from "./request.ts";

/** What the simulated model says: text, or a call of one of the tools it was given. */
export type Answer =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "tool"; readonly name: string; readonly arguments: string };

/**
 * The same request always gets the same answer. A tool is called when `tool_choice` asks for it, or when the last user message names it
 * and no tool has answered since; its arguments come from what is quoted, numbered or written as JSON in that message.
 */
export function answer(request: ChatRequest, model: string): Answer {
  const last = request.messages.at(-1);
  const question = request.messages.findLast((message) => message.role === "user")?.text ?? last?.text ?? "";
  const tool = last?.role === "tool" ? undefined : chooseTool(request, question);
  if (tool !== undefined)
    return { kind: "tool", name: tool.name, arguments: JSON.stringify(fillSchema(tool.parameters, question)) };
  if (request.json === true) return { kind: "text", text: JSON.stringify({ answer: shorten(question, 200) }) };
  if (request.json !== undefined) return { kind: "text", text: JSON.stringify(fillSchema(request.json, question)) };
  return { kind: "text", text: last?.role === "tool" ? concludeFrom(request.messages) : echo(question, model) };
}

function chooseTool(request: ChatRequest, question: string): Tool | undefined {
  if (request.toolChoice === "none") return undefined;
  const lower = question.toLowerCase();
  const named = request.tools.find(
    ({ name }) => lower.includes(name.toLowerCase()) || lower.includes(name.toLowerCase().replaceAll("_", " ")),
  );
  if (request.toolChoice === "auto") return named;
  if (request.toolChoice === "required") return named ?? request.tools[0];
  return request.tools.find(({ name }) => name === request.toolChoice);
}

function concludeFrom(messages: readonly Message[]): string {
  const results: string[] = [];
  for (const message of messages.toReversed()) {
    if (message.role !== "tool") break;
    results.unshift(shorten(message.text, 400));
  }
  return `According to the tool: ${results.join(" And: ")}`;
}

function echo(question: string, model: string): string {
  return `You asked: "${shorten(question, 160)}" This is ${model}, a simulated model; it answers the same question with the same words every time.`;
}

function shorten(text: string, length: number): string {
  const plain = text.replace(/\s+/g, " ").trim();
  return plain.length <= length ? plain : `${plain.slice(0, length).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
