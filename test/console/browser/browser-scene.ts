import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import Anthropic from "@anthropic-ai/sdk";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import OpenAI from "openai";
import type { Browser } from "playwright-core";
import { type QuickstartProcess, startQuickstartProcess } from "../../../src/cli/quickstart-process.ts";
import { officialClient, textMessage } from "../../a2a/clients.ts";
import { openPage, type SignedIn } from "./console-browser.ts";

export const trialKey = `trial-${randomUUID()}`;

/** The gateway of `console.yaml` with its samples, in a process of its own. */
export function startConsole(
  place: { readonly dataDir?: string; readonly port?: number } = {},
): Promise<QuickstartProcess> {
  process.env["TRIAL_KEY"] = trialKey;
  return startQuickstartProcess({ ...place, config: resolve(import.meta.dirname, "console.yaml") });
}

/** Signs in as one of the configured users, by the sign-in page of the gateway's own authorization server. */
export async function signIn(browser: Browser, consoleUrl: string, name: string, to = "/"): Promise<SignedIn> {
  const { page, close } = await openPage(browser, consoleUrl);
  await page.goto(to);
  await page.getByRole("link", { name: "Sign in", exact: true }).click();
  await page.locator('input[name="name"]').fill(name);
  await page.locator('input[name="password"]').fill(`${name}-password`);
  await page.locator('button[value="login"]').click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
  const state = await page.context().storageState();
  await close();
  return state;
}

const question = (content: string) => [{ role: "user" as const, content }];

/** Calls of every kind through official SDKs: answered, denied, failed and handed on. */
export async function makeTraffic(gateway: QuickstartProcess): Promise<void> {
  const token = await gateway.token();
  const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: token, maxRetries: 0 });
  const anthropic = new Anthropic({ baseURL: gateway.url, apiKey: token, maxRetries: 0 });
  for (let at = 0; at < 6; at++) {
    await openai.chat.completions.create({ model: "small", messages: question(`What is ${at} and ${at}?`) });
    await openai.chat.completions.create({ model: "llama", messages: question(`Say ${at} in words.`) });
  }
  await anthropic.messages.create({ model: "claude", max_tokens: 100, messages: question("Who are you?") });
  for (const model of ["gone", "large"])
    await openai.chat.completions.create({ model, messages: question("Hello?") }).catch(() => undefined);
  await readFiles(gateway, token);
  const agent = await officialClient(`${gateway.url}/a2a/researcher`, token);
  await agent.sendMessage(textMessage("What time is it?"));
}

/** One file that may be read, and one that lies outside. */
async function readFiles(gateway: QuickstartProcess, token: string): Promise<void> {
  const client = new Client({ name: "reader", version: "1.0.0" });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), { requestInit }));
  const { tools } = await client.listTools();
  const readFile = tools.find(({ name }) => name.endsWith("read_file"))?.name ?? "read_file";
  await client.callTool({ name: readFile, arguments: { path: "welcome.md" } });
  await client.callTool({ name: readFile, arguments: { path: "../secrets" } });
  await client.close();
}

/** A run of the trial tenant: some modest calls, one that writes far too much, and one for which nothing is left. */
export async function burnTrialBudget(gateway: QuickstartProcess): Promise<void> {
  const traceparent = `00-${randomUUID().replaceAll("-", "")}-00f067aa0ba902b7-01`;
  const openai = new OpenAI({
    baseURL: `${gateway.url}/v1`,
    apiKey: trialKey,
    maxRetries: 0,
    defaultHeaders: { traceparent },
  });
  const ask = (model: string, max_tokens: number) =>
    openai.chat.completions.create({ model, max_tokens, messages: question("Tell me more.") });
  await ask("small", 30);
  await ask("small", 30);
  await ask("wordy", 2_000);
  await ask("small", 30);
  for (let calls = 0; calls < 20; calls++) {
    const refused = await ask("small", 400).then(
      () => false,
      (thrown: unknown) => thrown instanceof OpenAI.RateLimitError,
    );
    if (refused) return;
  }
  throw new Error("the trial budget was not used up");
}
