import type { ServerResponse } from "node:http";

/* A stream that a caller can time: each text says when it was written. Asked for in a request's `metadata`. */

/** How a stream is to come; numbers in digits, because that is all that metadata may hold. */
export interface StreamPlan {
  readonly stream: string;
  /** Milliseconds between two events; 0: as fast as they are taken, until told to end. */
  readonly everyMs: string;
  readonly events: string;
}

/** What the upstream knows of its timed streams. */
export interface UpstreamStreams {
  readonly open: number;
  /** Bytes that streams without a pace could hand over, and whether every one of them is waiting for its reader. */
  readonly floodBytes: number;
  readonly floodsWait: boolean;
  /** Names of streams whose caller has left before their end, with the time at which that was seen. */
  readonly left: Readonly<Record<string, number>>;
}

/* One clock for all processes of a machine: CLOCK_MONOTONIC. */
export const nowUs = (): number => Number(process.hrtime.bigint() / 1_000n);

/* In letters: a guard would hold digits back until it knows that they are no telephone number. */
const toLetters = (us: number): string => String(us).replace(/\d/g, (digit) => "abcdefghij"[Number(digit)] ?? "");
const stamp = /at ([a-j]{6,}) /g;
const LONGEST_STAMP = 32;

/** The times that stand in a text, in microseconds, oldest first, and what is left behind the last: the next one may have begun in it. */
export function readStamps(text: string): { readonly stamps: readonly number[]; readonly rest: string } {
  const stamps: number[] = [];
  let end = 0;
  for (const { 0: whole, 1: letters = "", index } of text.matchAll(stamp)) {
    stamps.push(Number(letters.replace(/[a-j]/g, (letter) => String("abcdefghij".indexOf(letter)))));
    end = index + whole.length;
  }
  return { stamps, rest: text.slice(Math.max(end, text.length - LONGEST_STAMP)) };
}

const head = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[{"index":0,"delta":{"content":"at `;
const tail = ` "},"logprobs":null,"finish_reason":null}],"usage":null}\n\n`;
const end = (events: number) =>
  `${head.slice(0, head.indexOf('"delta"'))}"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}\n\n` +
  `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[],"usage":{"prompt_tokens":200,"completion_tokens":${events},"total_tokens":${200 + events}}}\n\n` +
  "data: [DONE]\n\n";
/* Large events: what is looked at is where bytes stay, not what an event costs. */
const FILLING = `${"word ".repeat(819)}at `;

const open = new Set<TimedStream>();
const left: Record<string, number> = {};
let floodBytes = 0;

class TimedStream {
  readonly floods: boolean;
  waiting = false;
  readonly #response: ServerResponse;
  #sent = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, { stream, everyMs }: StreamPlan) {
    this.#response = response;
    this.floods = everyMs === "0";
    open.add(this);
    response.once("close", () => {
      clearInterval(this.#timer);
      open.delete(this);
      if (!response.writableFinished) left[stream] = nowUs();
    });
  }

  begin({ everyMs, events }: StreamPlan): void {
    this.#response.writeHead(200, { "content-type": "text/event-stream" });
    if (this.floods) this.#flood();
    else this.#pace(Number(everyMs), Number(events));
  }

  #pace(everyMs: number, events: number): void {
    // Streams do not begin in step, and so their events do not come in step.
    this.#timer = setTimeout(() => {
      this.#timer = setInterval(() => {
        this.#response.write(head + toLetters(nowUs()) + tail);
        if (++this.#sent < events) return;
        clearInterval(this.#timer);
        this.end();
      }, everyMs);
    }, Math.random() * everyMs);
  }

  #flood(): void {
    this.waiting = false;
    while (!this.#response.writableEnded) {
      const event = head.slice(0, -3) + FILLING + toLetters(nowUs()) + tail;
      floodBytes += event.length;
      this.#sent++;
      if (this.#response.write(event)) continue;
      this.waiting = true;
      this.#response.once("drain", () => this.#flood());
      return;
    }
  }

  end(): void {
    this.#response.end(end(this.#sent));
  }
}

/** Undefined: this request asks for no timed stream. */
export function readPlan(body: string): StreamPlan | undefined {
  if (!body.includes('"metadata"')) return undefined;
  return (JSON.parse(body) as { metadata?: StreamPlan }).metadata;
}

export function sendTimed(response: ServerResponse, plan: StreamPlan): void {
  new TimedStream(response, plan).begin(plan);
}

export function endFloods(): void {
  for (const stream of open) if (stream.floods) stream.end();
}

export function tellStreams(): UpstreamStreams {
  const floods = [...open].filter((stream) => stream.floods);
  return { open: open.size, floodBytes, floodsWait: floods.every((stream) => stream.waiting), left: { ...left } };
}

/** Before the next run. */
export function forgetStreams(): void {
  floodBytes = 0;
  for (const name of Object.keys(left)) delete left[name];
}
