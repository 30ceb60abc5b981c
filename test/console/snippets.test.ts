import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import type { Connect } from "../../src/console/api/models.ts";
import { snippetsFor } from "../../src/console/app/snippets.ts";

const connect: Connect = {
  publicUrl: "https://gateway.example.com",
  issuer: "https://gateway.example.com",
  auth: {
    embedded: true,
    dynamicRegistration: true,
    issuers: ["https://gateway.example.com"],
    anonymous: false,
    scopes: [],
    keys: true,
  },
  mcp: [{ path: "/mcp", url: "https://gateway.example.com/mcp", servers: ["files"] }],
  agents: [{ name: "writer", url: "https://gateway.example.com/a2a/writer", cardUrl: "" }],
  models: {
    names: ["it's", "small"],
    openaiUrl: "https://gateway.example.com/v1",
    anthropicUrl: "https://gateway.example.com",
  },
};
const choice = {
  model: "small",
  tools: "https://gateway.example.com/mcp",
  agent: "https://gateway.example.com/a2a/writer",
};

test("there is a program for every client, with this gateway's addresses and the chosen model in it", () => {
  const found = snippetsFor(connect, choice);
  expect(found.map(({ name }) => name)).toEqual([
    "curl",
    "OpenAI SDK",
    "Anthropic SDK",
    "Claude Code",
    "LangGraph",
    "CrewAI",
    "curl, tools",
    "curl, agents",
  ]);
  for (const { text } of found) expect(text).toContain("https://gateway.example.com");
  for (const { text } of found.slice(0, 6)) expect(text).toContain("small");
});

test("what a gateway does not have, no program asks for", () => {
  const { openaiUrl: _, anthropicUrl: __, ...models } = connect.models;
  const found = snippetsFor({ ...connect, models }, { ...choice, model: undefined, agent: undefined });
  expect(found.map(({ name }) => name)).toEqual(["curl, tools"]);
});

test("programs of the shell are read by a shell, also where a name has an apostrophe", () => {
  const shell = snippetsFor(connect, { ...choice, model: "it's" }).filter(({ language }) => language === "sh");
  expect(shell.length).toBe(4);
  for (const { text } of shell) expect(spawnSync("sh", ["-n"], { input: text }).stderr.toString()).toBe("");
  const [curl] = shell;
  const words = spawnSync("sh", ["-c", `curl() { printf '%s\\n' "$@"; }\n${curl?.text}`], { encoding: "utf8" }).stdout;
  expect(words).toContain('{"model":"it\'s"');
});
