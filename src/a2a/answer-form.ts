import { GatewayError } from "../core/errors.ts";
import type { JsonPath } from "../core/json-edit.ts";
import { elements, isJsonObject, TextGatherer, type JsonFields } from "../core/json-texts.ts";
import type { AnswerEvent } from "../core/step.ts";
import type { AnswerForm, AnswerTexts, TextSlot } from "../core/text.ts";
import { rawValue } from "../http/json-locate.ts";
import type { Version } from "./operations.ts";
import { fieldOf } from "./rpc-request.ts";
import { addArtifact, addError, addMessage, addPart, addStatus, addTask } from "./texts.ts";

/** An artifact whose text comes in pieces. */
interface OpenArtifact {
  readonly channel: string;
  readonly artifactId: string;
  readonly taskId: unknown;
  readonly contextId: unknown;
  /** The id of the JSON-RPC request as it is spelled. */
  readonly idText: string;
}

/** What one event is read into. */
interface Reading {
  readonly event: AnswerEvent;
  /** Texts that are whole. */
  readonly texts: TextGatherer;
  readonly pieces: TextSlot[];
  readonly ended: string[];
}

/* An agent decides how many artifacts it has open at once, so there is a bound. */
const MOST_OPEN = 1_000;

/** How texts lie in an agent's answers. Only the text of an artifact that is streamed goes on from one event to the next (A2A 1.0, section 4.2.2). */
export function createA2aForm(version: Version): AnswerForm {
  return new A2aForm(version);
}

class A2aForm implements AnswerForm {
  readonly #version: Version;
  /* By the artifact's id. */
  readonly #open = new Map<string, OpenArtifact>();
  /* Ended by the event that was read last. */
  #closed: OpenArtifact[] = [];
  #events = 0;

  constructor(version: Version) {
    this.#version = version;
  }

  read(event: AnswerEvent): AnswerTexts {
    const reading: Reading = { event, texts: new TextGatherer(`${this.#events++} `), pieces: [], ended: [] };
    this.#closed = [];
    const { value } = event;
    if (isJsonObject(value)) {
      const { result, error } = value;
      if (isJsonObject(error)) addError(reading.texts, error);
      if (isJsonObject(result)) this.#result(result, reading);
    }
    const { slots } = reading.texts;
    return { slots: [...slots, ...reading.pieces], ended: [...slots.map(({ channel }) => channel), ...reading.ended] };
  }

  write(channel: string, text: string): AnswerEvent {
    const open = [...this.#closed, ...this.#open.values()].find((artifact) => artifact.channel === channel);
    if (open === undefined) throw new TypeError(`No artifact is open on ${channel}.`);
    const { artifactId, taskId, contextId, idText } = open;
    const legacy = this.#version === "0.3";
    const update = {
      ...(legacy && { kind: "artifact-update" }),
      taskId,
      contextId,
      artifact: { artifactId, parts: [legacy ? { kind: "text", text } : { text }] },
      append: true,
      lastChunk: false,
    };
    const result = JSON.stringify(legacy ? update : { artifactUpdate: update });
    const json = `{"jsonrpc":"2.0","id":${idText},"result":${result}}`;
    return { value: JSON.parse(json), bytes: Buffer.from(json), last: false };
  }

  /* 1.0 names what it is by the member, which protobuf JSON spells in two ways; in 0.3, and of a call for a task, the result is the thing itself. */
  #result(result: JsonFields, reading: Reading): void {
    const { texts } = reading;
    for (const [name, member] of Object.entries(result)) {
      if (!isJsonObject(member)) continue;
      const path = ["result", name];
      if (name === "task") addTask(texts, member, path);
      else if (name === "message") addMessage(texts, member, path);
      else if (name === "statusUpdate" || name === "status_update") this.#statusUpdate(member, path, reading);
      else if (name === "artifactUpdate" || name === "artifact_update") this.#artifactUpdate(member, path, reading);
    }
    for (const [task, path] of elements(result["tasks"], ["result", "tasks"]))
      if (isJsonObject(task)) addTask(texts, task, path);
    const { kind } = result;
    if (kind === "status-update") this.#statusUpdate(result, ["result"], reading);
    else if (kind === "artifact-update") this.#artifactUpdate(result, ["result"], reading);
    else {
      addMessage(texts, result, ["result"]);
      addTask(texts, result, ["result"]);
    }
  }

  /* Between two pieces an agent may say that it is still at work; whatever else it says of its state comes after all it has made. */
  #statusUpdate(update: JsonFields, path: JsonPath, reading: Reading): void {
    const { status } = update;
    addStatus(reading.texts, status, [...path, "status"]);
    if (isWorking(status) && update["final"] !== true) return;
    for (const artifactId of this.#open.keys()) this.#close(artifactId, reading);
  }

  #artifactUpdate(update: JsonFields, path: JsonPath, reading: Reading): void {
    const { artifact } = update;
    if (!isJsonObject(artifact)) return;
    const at = [...path, "artifact"];
    const artifactId = String(fieldOf(artifact, "artifactId"));
    // A first piece under a known id starts the artifact over.
    if (update["append"] !== true) this.#close(artifactId, reading);
    const { channel } = this.#open.get(artifactId) ?? this.#begin(artifactId, update, reading.event);
    addArtifact(reading.texts, artifact, at, false);
    for (const [part, place] of elements(artifact["parts"], [...at, "parts"])) {
      addPart(reading.texts, part, place, "tool-output", false);
      const text = isJsonObject(part) ? part["text"] : undefined;
      if (typeof text === "string" && text !== "")
        reading.pieces.push({ path: [...place, "text"], role: "tool-output", text, channel });
    }
    if (fieldOf(update, "lastChunk") === true) this.#close(artifactId, reading);
  }

  #begin(artifactId: string, update: JsonFields, event: AnswerEvent): OpenArtifact {
    if (this.#open.size >= MOST_OPEN)
      throw new GatewayError("upstream_invalid", `The agent has more than ${MOST_OPEN} artifacts under way at once.`);
    const open: OpenArtifact = {
      channel: `artifact ${this.#events} ${artifactId}`,
      artifactId,
      taskId: fieldOf(update, "taskId"),
      contextId: fieldOf(update, "contextId"),
      idText: rawValue(event.bytes, ["id"])?.toString("utf8") ?? "null",
    };
    this.#open.set(artifactId, open);
    return open;
  }

  #close(artifactId: string, reading: Reading): void {
    const open = this.#open.get(artifactId);
    if (open === undefined) return;
    this.#open.delete(artifactId);
    this.#closed.push(open);
    reading.ended.push(open.channel);
  }
}

function isWorking(status: unknown): boolean {
  return isJsonObject(status) && /(?:^|_)(?:working|submitted)$/i.test(String(status["state"]));
}
