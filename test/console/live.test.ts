import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Response as ExpressResponse } from "express";
import { expect, onTestFinished, test } from "vitest";
import type { Tick } from "../../src/console/api/overview.ts";
import { createLive } from "../../src/console/live.ts";
import { createTraffic } from "../../src/observability/traffic.ts";
import { startScene } from "./console-scene.ts";
import { openPage } from "./page.ts";

interface LiveEvent {
  readonly event: string;
  readonly data: Tick & { readonly reason?: string };
}

/** The events of a stream as they come. */
async function* eventsOf(response: globalThis.Response): AsyncGenerator<LiveEvent> {
  let text = "";
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const [, event = "", data = ""] = /^event: (.*)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      if (event !== "") yield { event, data: JSON.parse(data) as LiveEvent["data"] };
    }
  }
}

test("a page is told each second what was counted since, and that the gateway stops", async () => {
  const scene = await startScene("budgets: [{ name: each, per: principal, limits: [200 tokens/day] }]");
  const page = openPage(scene.consoleUrl);
  await page.signIn("vera", "vera-password");
  const response = await page.open("/api/live");
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  await scene.ask("alice", "small");
  const seen: Tick[] = [];
  let end: LiveEvent | undefined;
  for await (const event of eventsOf(response)) {
    if (event.event === "end") end = event;
    else seen.push(event.data);
    if (seen.length === 2) void scene.gateway.drain();
  }
  expect(seen.reduce((sum, { calls }) => sum + calls, 0)).toBe(1);
  expect(seen.find(({ calls }) => calls === 1)).toMatchObject({
    ok: 1,
    outputTokens: 20,
    costNanos: 50_000,
    budgets: [{ name: "each", key: "urn:sallyport:key#alice", share: 0.15 }],
  });
  expect(end?.data.reason).toBe("stopping");
});

const nothing = { traffic: createTraffic(Date), inFlight: () => 0, budgets: async () => [], clock: Date, tickMs: 5 };

/** A response whose connection takes nothing, or whatever comes. */
function openResponse(stalled: boolean): ExpressResponse & { readonly said: () => string } {
  const chunks: Buffer[] = [];
  const socket = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      if (!stalled) done();
    },
  });
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  response.assignSocket(socket as Socket);
  return Object.assign(response as ExpressResponse, { said: () => Buffer.concat(chunks).toString() });
}

test("a page whose session has ended is told so, and one that does not read is dropped", async () => {
  const live = createLive({
    ...nothing,
    budgets: async () => [
      {
        name: "x".repeat(2_000),
        mode: "enforce",
        onExhausted: "reject",
        more: 0,
        counters: [
          {
            key: "k",
            limit: "l",
            unit: "calls",
            amount: 1,
            used: 1,
            share: 1,
            startsAtMs: null,
            endsAtMs: null,
            perMinute: null,
            exhaustedAtMs: null,
          },
        ],
      },
    ],
  });
  onTestFinished(() => live.close());
  let isSignedIn = true;
  const reading = openResponse(false);
  live.open(reading, async () => isSignedIn);
  const stalled = openResponse(true);
  live.open(stalled, async () => true);
  const dropped = new Promise((resolve) => stalled.on("close", resolve));
  await dropped;
  expect(stalled.destroyed).toBe(true);
  isSignedIn = false;
  await new Promise((resolve) => reading.on("finish", resolve));
  expect(reading.said()).toMatch(/event: end\ndata: \{"reason":"session"\}\n\n/);
});

test("a hundred pages may look on at a time", () => {
  const live = createLive(nothing);
  onTestFinished(() => live.close());
  for (let count = 0; count < 100; count++) live.open(openResponse(false), async () => true);
  expect(() => live.open(openResponse(false), async () => true)).toThrow("100 pages look on already");
});
