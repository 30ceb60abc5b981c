import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import type { Harness } from "../harness.ts";
import { answer } from "./model-server.ts";
import { startGateway, startServers, until } from "./pool-scene.ts";

/** One picture of so many bytes in base64, different each time. */
const pictures = {
  openai: (bytes: number) => ({
    type: "image_url",
    image_url: { url: `data:image/png;base64,${randomBytes(bytes * 0.75).toString("base64")}` },
  }),
  anthropic: (bytes: number) => ({
    type: "image",
    source: { type: "base64", media_type: "image/png", data: randomBytes(bytes * 0.75).toString("base64") },
  }),
};
type Dialect = keyof typeof pictures;
const dialects = Object.keys(pictures) as Dialect[];

const prefix = "the same beginning ".repeat(800);
const text = (words: string) => ({ type: "text", text: words });

interface Pick {
  readonly picked: string;
  readonly endpoints: readonly { readonly name: string; readonly cachedTokens: number }[];
}

/** Where a call went, and what was thought to be cached there. */
async function ask({ url }: Harness, dialect: Dialect, content: readonly object[]): Promise<[string, number]> {
  const response = await fetch(`${url}/${dialect === "openai" ? "chat/completions" : "messages"}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-sallyport-explain": "1" },
    body: JSON.stringify({ model: "llama", max_tokens: 10, messages: [{ role: "user", content }] }),
  });
  expect(response.status).toBe(200);
  await response.text();
  const { picked, endpoints } = JSON.parse(response.headers.get("x-sallyport-pick")!) as Pick;
  return [picked, endpoints.find(({ name }) => name === picked)!.cachedTokens];
}

describe.each(dialects)("calls with pictures at a pool: %s", (dialect) => {
  it("push nothing else out of what is known of an endpoint's cache", async () => {
    const gateway = await startGateway(await startServers(1));
    const question = [text(prefix)];
    await ask(gateway, dialect, question);
    const [, before] = await ask(gateway, dialect, question);
    expect(before).toBeGreaterThan(3_000);
    for (let count = 0; count < 20; count++)
      await ask(gateway, dialect, [pictures[dialect](600_000), text("What is it?")]);
    expect((await ask(gateway, dialect, question))[1]).toBe(before);
  });

  it("under way keep nobody away from where a prompt's beginning is", async () => {
    const servers = await startServers(2);
    const gateway = await startGateway(servers);
    const [holder] = await ask(gateway, dialect, [text(prefix)]);
    const open: ServerResponse[] = [];
    for (const server of servers) server.onCall = (response) => void open.push(response);
    const picture = ask(gateway, dialect, [text(prefix), pictures[dialect](100_000)]);
    await until(() => open.length === 1, "the picture under way");
    for (const server of servers) server.onCall = answer;
    expect((await ask(gateway, dialect, [text(prefix), text("And that?")]))[0]).toBe(holder);
    answer(open[0]!);
    expect((await picture)[0]).toBe(holder);
  });
});
