/* Callers with many streams open at once. Takes one command at a time from its parent. Runs as a process of its own, so that its work is in nobody's figure. */
import { Agent, request } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, scenarios } from "../messages.ts";
import { nowUs, readStamps } from "../timed-stream.ts";
import type { StreamPlan } from "../timed-stream.ts";

export interface ReadersJob {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Streams that come at a pace and are read at once. */
  readonly paced: number;
  readonly everyMs: number;
  readonly events: number;
  /** Of those, how many break their connection off after a third of it. */
  readonly leaving: number;
  /** Streams beside them that come as fast as they are taken, of which nothing is read after the first bytes. */
  readonly stopped: number;
}

/** What came in since the last look. */
export interface Look {
  readonly events: number;
  /** From the write of an event at the upstream to its arrival here, milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface ReadersResult {
  /** Streams that came whole: every event in its order, the end mark last. */
  readonly whole: number;
  /** Names of those that left, with the time at which they did, in microseconds. */
  readonly left: Readonly<Record<string, number>>;
}

export type Command = { readonly open: ReadersJob } | "look" | "read on" | "result";

const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
let streams: Stream[] = [];
let latenciesUs: number[] = [];

class Stream {
  readonly name: string;
  readonly opened: Promise<void>;
  /** Resolves with whether it came whole; "left" for one that left. */
  readonly ended: Promise<boolean | "left">;
  leftAtUs: number | undefined;
  readonly #expected: number;
  #request!: ClientRequest;
  #response: IncomingMessage | undefined;
  #text = "";
  #begun = "";
  #stamps = 0;
  #lastUs = 0;
  #done = false;

  constructor(job: ReadersJob, plan: StreamPlan, stops: boolean) {
    this.name = plan.stream;
    this.#expected = Number(plan.events);
    let settle: (whole: boolean | "left") => void = () => {};
    this.ended = new Promise((resolve) => (settle = resolve));
    this.opened = new Promise((resolve, reject) => {
      const body = JSON.stringify({ ...JSON.parse(scenarios["llm-stream"].body(ask())), metadata: plan });
      this.#request = request(job.url, {
        method: "POST",
        agent,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...job.headers },
      });
      this.#request.on("error", (error) => {
        reject(error);
        settle(this.leftAtUs === undefined ? false : "left");
      });
      this.#request.on("response", (response) => {
        this.#response = response;
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
        response.setEncoding("utf8");
        if (!stops) this.readOn();
        response.on("error", () => undefined);
        response.on("close", () => settle(this.leftAtUs === undefined ? this.#done : "left"));
        resolve();
      });
      this.#request.end(body);
    });
  }

  /** Reads what there is, and everything from now on. */
  readOn(): void {
    if (this.#response?.listenerCount("data") === 0) this.#response.on("data", (text: string) => this.#read(text));
  }

  leave(): void {
    this.leftAtUs = nowUs();
    this.#request.destroy();
  }

  #read(text: string): void {
    const atUs = nowUs();
    this.#text += text;
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end < 0) return;
      this.#take(this.#text.slice(0, end), atUs);
      this.#text = this.#text.slice(end + 2);
    }
  }

  #take(event: string, atUs: number): void {
    if (event === "data: [DONE]") this.#done = this.#expected === 0 || this.#stamps === this.#expected;
    if (!event.startsWith("data: {")) return;
    const { choices } = JSON.parse(event.slice(6)) as { choices?: { delta: { content?: string } }[] };
    /* A guard may cut texts anew: what one event begins the next one ends. */
    const { stamps, rest } = readStamps(this.#begun + (choices?.[0]?.delta.content ?? ""));
    this.#begun = rest;
    for (const writtenUs of stamps) {
      if (writtenUs < this.#lastUs) throw new Error("events came out of their order");
      this.#lastUs = writtenUs;
      this.#stamps++;
      if (this.#expected > 0) latenciesUs.push(atUs - writtenUs);
    }
  }
}

async function open(job: ReadersJob): Promise<void> {
  streams = [];
  const { paced, everyMs, events, stopped, leaving } = job;
  const add = (stops: boolean) => {
    const plan = stops ? { everyMs: "0", events: "0" } : { everyMs: String(everyMs), events: String(events) };
    const stream = new Stream(job, { stream: String(streams.length), ...plan }, stops);
    streams.push(stream);
    return stream;
  };
  for (let index = 0; index < paced + stopped; index++) {
    const stream = add(index >= paced);
    if (index < leaving) void stream.opened.then(() => setTimeout(() => stream.leave(), (everyMs * events) / 3));
    /* In groups, as callers come; all at once would measure the accept queue. */
    if (index % 25 === 24) await sleep(20);
  }
  await Promise.all(streams.map((stream) => stream.opened));
}

function look(): Look {
  const sorted = Float64Array.from(latenciesUs).sort();
  latenciesUs = [];
  const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) / 1_000;
  return { events: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}

async function result(): Promise<ReadersResult> {
  const ended = await Promise.all(streams.map((stream) => stream.ended));
  const left = streams.filter((_, index) => ended[index] === "left");
  return {
    whole: ended.filter((whole) => whole === true).length,
    left: Object.fromEntries(left.map((stream) => [stream.name, stream.leftAtUs ?? 0])),
  };
}

async function carryOut(command: Command): Promise<unknown> {
  if (command === "look") return look();
  if (command === "result") return result();
  if (command !== "read on") return open(command.open);
  for (const stream of streams) stream.readOn();
  return undefined;
}

process.on("message", (command: Command) => {
  carryOut(command).then(
    (done) => process.send?.({ done }),
    (error: Error) => process.send?.({ problem: error.message }),
  );
});
