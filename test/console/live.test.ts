import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { setTimeout } from "node:timers/promises";
import type { Response as ExpressResponse } from "express";
import { expect, onTestFinished, test } from "vitest";
import type { Tick } from "../../src/console/api/overview.ts";
import { createLive, type Viewer } from "../../src/console/live.ts";
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

const viewer = (mayGoOn: Viewer["mayGoOn"] = async () => true): Viewer => ({
  session: undefined,
  endsAtMs: undefined,
  mayGoOn,
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
  live.open(
    reading,
    viewer(async () => isSignedIn),
  );
  const stalled = openResponse(true);
  live.open(stalled, viewer());
  const dropped = new Promise((resolve) => stalled.on("close", resolve));
  await dropped;
  expect(stalled.destroyed).toBe(true);
  isSignedIn = false;
  await new Promise((resolve) => reading.on("finish", resolve));
  expect(reading.said()).toMatch(/event: end\ndata: \{"reason":"session"\}\n\n/);
});

test("a hundred pages may look on at a time, and four of one session", () => {
  const live = createLive(nothing);
  onTestFinished(() => live.close());
  for (let count = 0; count < 4; count++) live.open(openResponse(false), { ...viewer(), session: "one" });
  expect(() => live.open(openResponse(false), { ...viewer(), session: "one" })).toThrow("4 pages of this session");
  for (let count = 4; count < 100; count++) live.open(openResponse(false), viewer());
  expect(() => live.open(openResponse(false), viewer())).toThrow("100 pages look on already");
});

/** A clock that a test sets, and a page that has finished. */
function openStream(options: Partial<Parameters<typeof createLive>[0]>, seen: Partial<Viewer>) {
  const clock = { nowMs: 1_000_000, now: (): number => clock.nowMs };
  const live = createLive({ ...nothing, ...options, clock });
  onTestFinished(() => live.close());
  const response = openResponse(false);
  const ended = new Promise((resolve) => response.on("finish", resolve));
  live.open(response, { ...viewer(), ...seen });
  return { clock, response, ended };
}

function hang(): Promise<never> {
  return new Promise(() => undefined);
}
function away(): Promise<never> {
  return Promise.reject(new Error("the store is away"));
}
type Stores = readonly [string, () => Promise<[]>, () => Promise<boolean>];
const stores: readonly Stores[] = [
  ["the store is well", () => Promise.resolve([]), () => Promise.resolve(true)],
  ["the store is away", away, away],
  ["the store hangs", hang, hang],
];

test.for(stores)("a stream ends with its session by the clock, while %s", async ([, budgets, mayGoOn]) => {
  const { clock, response, ended } = openStream({ budgets }, { mayGoOn, endsAtMs: 1_010_000 });
  await setTimeout(60);
  expect(response.writableEnded).toBe(false);
  clock.nowMs = 1_010_000;
  await ended;
  expect(response.said()).toMatch(/event: end\ndata: \{"reason":"session"\}\n\n/);
});

test("a stream goes on for a minute while nobody can check its session, and then ends", async () => {
  let isAway = true;
  let asked = 0;
  const mayGoOn = () => {
    asked += 1;
    return isAway ? away() : Promise.resolve(true);
  };
  const { clock, response, ended } = openStream({}, { mayGoOn });
  /* Two: the answer to the first has then been heard. */
  async function checks(): Promise<void> {
    for (const until = asked + 2; asked < until;) await setTimeout(5);
  }
  clock.nowMs += 60_000;
  await checks();
  expect(response.writableEnded).toBe(false);
  isAway = false;
  await checks();
  isAway = true;
  clock.nowMs += 60_000;
  await checks();
  expect(response.writableEnded).toBe(false);
  clock.nowMs += 1;
  await ended;
  expect(response.said()).toContain('"reason":"session"');
});

test("asked for its headers alone the stream answers at once, and takes no place", async () => {
  const { consoleUrl, adminToken } = await startScene();
  const page = openPage(consoleUrl);
  await page.send("POST", "/api/session", { token: adminToken });
  for (let count = 0; count < 8; count++) {
    const response = await page.send("HEAD", "/api/live");
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  }
});

test("a page of another port of this host is given nothing, whatever cookie comes along", async () => {
  const { consoleUrl, adminToken } = await startScene();
  const page = openPage(consoleUrl);
  await page.send("POST", "/api/session", { token: adminToken });
  const asked = async (path: string, site: string) => {
    const response = await page.open(path, { "sec-fetch-site": site });
    await response.body?.cancel();
    return response.status;
  };
  for (const path of ["/api/live", "/api/session", "/api/chains", "/api/operations/x", "/api/journal"])
    for (const site of ["same-site", "cross-site"]) expect(await asked(path, site), `${site} ${path}`).toBe(403);
  for (const site of ["same-origin", "none"]) expect(await asked("/api/chains", site)).toBe(200);
});

test("one session has four streams, and another gets its own", async () => {
  const { consoleUrl, adminToken } = await startScene();
  const signedIn = async () => {
    const page = openPage(consoleUrl);
    await page.send("POST", "/api/session", { token: adminToken });
    return page;
  };
  const [one, other] = [await signedIn(), await signedIn()];
  const open = [];
  for (let count = 0; count < 4; count++) open.push(await one.open("/api/live"));
  expect(open.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const more = await one.open("/api/live");
  expect([more.status, more.headers.get("retry-after")]).toEqual([503, "10"]);
  open.push(await other.open("/api/live"));
  expect(open.at(-1)?.status).toBe(200);
  for (const response of open) await response.body?.cancel();
});
