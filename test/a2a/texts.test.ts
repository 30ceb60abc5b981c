import { describe, expect, test } from "vitest";
import { createA2aForm } from "../../src/a2a/answer-form.ts";
import { requestTexts } from "../../src/a2a/texts.ts";
import type { AnswerEvent } from "../../src/core/step.ts";

const eventOf = (result: unknown, last = false): AnswerEvent => {
  const value = { jsonrpc: "2.0", id: 7, result };
  return { value, bytes: Buffer.from(JSON.stringify(value)), last };
};

test("the texts of a request are those of its message's parts, in both versions", () => {
  const texts = (...parts: unknown[]) =>
    requestTexts({ parts }).map(({ text, path }) => [text, path.slice(3).join(".")]);
  expect(
    texts({ text: "a" }, { data: { b: ["c"] } }, { raw: "AAAA", filename: "f.png" }, { url: "https://x" }),
  ).toEqual([
    ["a", "0.text"],
    ["c", "1.data.b.0"],
    ["f.png", "2.filename"],
  ]);
  expect(
    texts(
      { kind: "text", text: "a" },
      { kind: "data", data: { b: "c" } },
      { kind: "file", file: { name: "f", bytes: "AA" } },
    ),
  ).toEqual([
    ["a", "0.text"],
    ["c", "1.data.b"],
    ["f", "2.file.name"],
  ]);
});

describe("the texts of an answer", () => {
  const task = {
    id: "t",
    status: { state: "TASK_STATE_COMPLETED", message: { role: "ROLE_AGENT", parts: [{ text: "done" }] } },
    artifacts: [{ artifactId: "1", name: "report", parts: [{ text: "all is well" }] }],
    history: [{ role: "ROLE_USER", parts: [{ text: "how is it?" }] }],
  };
  const texts = (version: "1.0" | "0.3", result: unknown) =>
    createA2aForm(version)
      .read(eventOf(result, true))
      .slots.map(({ role, text }) => [role, text]);
  const ofTask = [
    ["tool-output", "done"],
    ["tool-output", "report"],
    ["tool-output", "all is well"],
    ["user", "how is it?"],
  ];

  test("are those of its state, artifacts and history, or of a message, wherever they stand", () => {
    expect(texts("1.0", { task })).toEqual(ofTask);
    expect(texts("1.0", task)).toEqual(ofTask);
    expect(texts("1.0", { tasks: [task] })).toEqual(ofTask);
    expect(texts("1.0", { message: { role: "ROLE_AGENT", parts: [{ text: "hi" }] } })).toEqual([["tool-output", "hi"]]);
    expect(texts("0.3", { kind: "message", role: "agent", parts: [{ kind: "text", text: "hi" }] })).toEqual([
      ["tool-output", "hi"],
    ]);
  });

  test("are those of an error, and of what it says besides", () => {
    const data = [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "R", metadata: { why: "w" } }];
    const value = { jsonrpc: "2.0", id: 7, error: { code: -32_001, message: "no", data } };
    const { slots } = createA2aForm("1.0").read({ value, bytes: Buffer.from(JSON.stringify(value)), last: true });
    expect(slots.map(({ text, path }) => [text, path.join(".")])).toEqual([
      ["no", "error.message"],
      ["R", "error.data.0.reason"],
      ["w", "error.data.0.metadata.why"],
    ]);
  });

  test("that come in pieces end with the last update, whatever it says of the state", () => {
    const form = createA2aForm("0.3");
    const artifact = { artifactId: "x", parts: [{ kind: "text", text: "a" }] };
    const [piece] = form.read(eventOf({ kind: "artifact-update", taskId: "t", contextId: "c", artifact })).slots;
    const status = { kind: "status-update", taskId: "t", contextId: "c", status: { state: "working" } };
    expect(form.read(eventOf(status)).ended).toEqual([]);
    expect(form.read(eventOf({ ...status, final: true })).ended).toEqual([piece?.channel]);
  });

  const spelled = {
    "1.0": (update: object) => ({ artifactUpdate: update }),
    "0.3": (update: object) => ({ kind: "artifact-update", ...update }),
    "1.0 in snake case": (update: object) => ({ artifact_update: update }),
  };
  test.each(Object.entries(spelled))("in pieces go on in their artifact until its last chunk: %s", (name, spell) => {
    const form = createA2aForm(name === "0.3" ? "0.3" : "1.0");
    const chunk = (text: string, rest: object) =>
      eventOf(spell({ taskId: "t", contextId: "c", artifact: { artifactId: "1", parts: [{ text }] }, ...rest }));
    const [first] = form.read(chunk("a", {})).slots;
    const [second] = form.read(chunk("b", { append: true })).slots;
    expect(second?.channel).toBe(first?.channel);
    const { ended } = form.read(chunk("c", { append: true, lastChunk: true }));
    expect(ended).toEqual([first?.channel]);
    expect(form.write(String(first?.channel), "held").value).toMatchObject({
      id: 7,
      result: name === "0.3" ? { kind: "artifact-update", append: true } : { artifactUpdate: { append: true } },
    });
  });

  test("in pieces end with a state that is not at work, and when the artifact starts over", () => {
    const form = createA2aForm("1.0");
    const chunk = (rest: object) =>
      eventOf({ artifactUpdate: { taskId: "t", artifact: { artifactId: "1", parts: [{ text: "a" }] }, ...rest } });
    const state = (name: string) => eventOf({ statusUpdate: { taskId: "t", status: { state: name } } });
    const [first] = form.read(chunk({})).slots;
    expect(form.read(state("TASK_STATE_WORKING")).ended).toEqual([]);
    const again = form.read(chunk({}));
    expect(again.ended).toEqual([first?.channel]);
    expect(again.slots[0]?.channel).not.toBe(first?.channel);
    expect(form.read(state("TASK_STATE_INPUT_REQUIRED")).ended).toEqual([again.slots[0]?.channel]);
  });
});
