import type { JsonPath } from "../core/json-edit.ts";
import { elements, isJsonObject, TextGatherer, type JsonFields } from "../core/json-texts.ts";
import type { TextRole, TextSlot } from "../core/text.ts";

/** What a caller says in a request: the parts of its message. 1.0 and 0.3 write them so that one reading serves both. */
export function requestTexts(message: JsonFields): readonly TextSlot[] {
  const texts = new TextGatherer();
  addParts(texts, message["parts"], ["params", "message", "parts"], "user");
  return texts.slots;
}

/** The texts of a message. */
export function addMessage(texts: TextGatherer, message: unknown, path: JsonPath): void {
  if (!isJsonObject(message)) return;
  // `ROLE_USER` in 1.0, `user` in 0.3: a history repeats what the caller said.
  const role = String(message["role"]).toLowerCase().endsWith("user") ? "user" : "tool-output";
  addParts(texts, message["parts"], [...path, "parts"], role);
}

/** What an agent says went wrong, and all it says of it. */
export function addError(texts: TextGatherer, error: JsonFields): void {
  texts.add(error["message"], ["error", "message"], "tool-output");
  texts.addAll(error["data"], ["error", "data"], "tool-output", (key) => key !== "@type");
}

/** The texts of a task: what it says of its state, what it has made, and what was said before. */
export function addTask(texts: TextGatherer, task: JsonFields, path: JsonPath): void {
  addStatus(texts, task["status"], [...path, "status"]);
  for (const [artifact, at] of elements(task["artifacts"], [...path, "artifacts"])) addArtifact(texts, artifact, at);
  for (const [message, at] of elements(task["history"], [...path, "history"])) addMessage(texts, message, at);
}

export function addStatus(texts: TextGatherer, status: unknown, path: JsonPath): void {
  if (isJsonObject(status)) addMessage(texts, status["message"], [...path, "message"]);
}

/** The texts of an artifact besides its parts, and its parts where they are whole. */
export function addArtifact(texts: TextGatherer, artifact: unknown, path: JsonPath, whole = true): void {
  if (!isJsonObject(artifact)) return;
  texts.add(artifact["name"], [...path, "name"], "tool-output");
  texts.add(artifact["description"], [...path, "description"], "tool-output");
  if (whole) addParts(texts, artifact["parts"], [...path, "parts"], "tool-output");
}

function addParts(texts: TextGatherer, parts: unknown, path: JsonPath, role: TextRole): void {
  for (const [part, at] of elements(parts, path)) addPart(texts, part, at, role);
}

/** One part but for its text where `text` is false: data, and the name of a file. Its address and its bytes nobody reads as text. */
export function addPart(texts: TextGatherer, part: unknown, path: JsonPath, role: TextRole, text = true): void {
  if (!isJsonObject(part)) return;
  if (text) texts.add(part["text"], [...path, "text"], role);
  texts.addAll(part["data"], [...path, "data"], role);
  texts.add(part["filename"], [...path, "filename"], role);
  if (isJsonObject(part["file"])) texts.add(part["file"]["name"], [...path, "file", "name"], role);
}
