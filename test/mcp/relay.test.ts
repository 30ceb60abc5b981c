import { Client as LegacyClient } from "@modelcontextprotocol/sdk/client/index.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectLegacy, connectModern } from "./clients.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";
import { startServer } from "./start-server.ts";
import type { RunningServer } from "./start-server.ts";

let clock: RunningServer;
let notes: RunningServer;
let gateway: Harness;

beforeAll(async () => {
  [clock, notes] = await Promise.all([startServer("tools/clock/server.ts"), startServer("tools/notes/server.ts")]);
  gateway = await startHarness({
    mcp: {
      servers: {
        notes: { url: notes.url },
        clock: { url: clock.url },
        files: { command: ["node", "tools/files/server.ts", "--stdio"] },
      },
      routes: { "/mcp": { servers: ["notes", "clock", "files"] } },
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await Promise.all([clock.close(), notes.close()]);
});

const TOOLS = [
  "add_minutes",
  "ask_user",
  "count_down",
  "list_files",
  "minutes_between",
  "read_file",
  "read_note",
  "reindex",
  "write_file",
  "write_note",
];

describe.each(["session-era", "stateless"] as const)(
  "a %s client in front of three servers of different eras",
  (era) => {
    const connect = async () =>
      era === "stateless" ? await connectModern(gateway.url()) : (await connectLegacy(gateway.url())).client;

    test("sees the tools, prompts and every page of the resources of all of them", async () => {
      const client = await connect();
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name).toSorted()).toEqual(TOOLS);
      const { resources } = await client.listResources();
      expect(resources.filter(({ uri }) => uri.startsWith("note:"))).toHaveLength(60);
      expect(resources.some(({ uri }) => uri === "file:///notes.md")).toBe(true);
      const { prompts } = await client.listPrompts();
      expect(prompts.map(({ name }) => name)).toEqual(["summarize"]);
      await client.close();
    });

    test("calls a tool of each", async () => {
      const client = await connect();
      const calls = [
        { name: "add_minutes", arguments: { instant: "2026-11-23T09:00:00Z", minutes: 90 } },
        { name: "read_note", arguments: { id: "note-7" } },
        { name: "read_file", arguments: { path: "notes.md" } },
      ];
      const results = await Promise.all(calls.map((call) => client.callTool(call)));
      expect(results.map(({ content }) => (content as { text: string }[])[0]!.text)).toEqual([
        "2026-11-23T10:30:00.000Z",
        "This is note 7.",
        expect.stringContaining("# Notes"),
      ]);
      await client.close();
    });

    test("reads resources and prompts", async () => {
      const client = await connect();
      expect((await client.readResource({ uri: "note:///note-3" })).contents[0]).toMatchObject({
        text: "This is note 3.",
      });
      expect((await client.readResource({ uri: "file:///people.csv" })).contents[0]).toMatchObject({
        text: expect.stringContaining("Alice"),
      });
      expect(
        (await client.getPrompt({ name: "summarize", arguments: { id: "note-1" } })).messages[0]!.content,
      ).toMatchObject({ text: "Summarize this note: This is note 1." });
      await client.close();
    });

    test.each(["count_down", "reindex"])("gets the progress of %s step by step", async (name) => {
      const steps: number[] = [];
      const call = { name, arguments: name === "count_down" ? { from: 4 } : { steps: 4 } };
      const onprogress = ({ progress }: { readonly progress: number }) => void steps.push(progress);
      const client = await (era === "stateless"
        ? connectModern(gateway.url())
        : connectLegacy(gateway.url()).then(({ client }) => client));
      if (client instanceof LegacyClient) await client.callTool(call, undefined, { onprogress });
      else await client.callTool(call, { onprogress });
      expect(steps).toEqual([1, 2, 3, 4]);
      await client.close();
    });

    test("is told of an unknown tool", async () => {
      const client = await connect();
      await expect(client.callTool({ name: "no_such_tool", arguments: {} })).rejects.toMatchObject({
        code: -32602,
        message: expect.stringContaining("Unknown tool: no_such_tool"),
      });
      await client.close();
    });
  },
);
