import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Reply } from "../core/exchange.ts";
import type { OperationContext } from "../core/step.ts";
import type { UpstreamResponse } from "../http/upstream.ts";
import { toAnswerHeaders } from "./answer-headers.ts";
import { toOpenaiErrorEvent } from "./dialects/openai-errors.ts";
import { createEventCutter } from "./event-cutter.ts";
import type { Cut } from "./event-cutter.ts";
import { createKeepAlive } from "./keep-alive.ts";
import { StreamJudge } from "./stream-judge.ts";

const EVENT_LIMIT_BYTES = 1_048_576;

export interface StreamRelayOptions {
  readonly context: OperationContext;
  readonly response: UpstreamResponse;
  readonly clock: Clock;
  readonly keepAliveMs: number;
  /** False: the usage was asked for by the gateway alone, and its chunk is taken out. */
  readonly wantsUsage: boolean;
  /** Must not appear in what a provider says went wrong. */
  readonly secrets: readonly string[];
}

/**
 * Passes a stream on, whole event by whole event, with back pressure. A stream that breaks off ends with an error event and
 * without `[DONE]`. Rejects with what went wrong even where the caller has been told in the stream.
 */
export async function relayStream(options: StreamRelayOptions): Promise<void> {
  const { context, response, secrets, wantsUsage } = options;
  const { reply } = context.exchange;
  requireEventStream(response);
  const judge = new StreamJudge({ wantsUsage, secrets, parse: context.answer !== undefined });
  const writer = new StreamWriter(options);
  const cutter = createEventCutter(EVENT_LIMIT_BYTES);
  const keepAlive = createKeepAlive(options.keepAliveMs, () => writer.beat());
  const pass = (cut: Cut) =>
    context.answer === undefined ? passCut(cut, judge, writer) : passJudged(cut, judge, writer, context.answer);
  try {
    for await (const chunk of response.body) {
      const cut = cutter.push(chunk);
      const pending = cut === undefined ? undefined : pass(cut);
      if (pending !== undefined) await pending;
      if (judge.done) break;
      keepAlive.touch();
    }
    const rest = judge.done ? undefined : cutter.flush();
    if (rest !== undefined) await pass(rest);
    const failure = judge.ending();
    if (failure !== undefined) throw failure;
    reply.end();
  } catch (thrown) {
    response.discard();
    const error = GatewayError.from(context.signal.aborted ? context.signal.reason : thrown);
    if (reply.started) endBadly(reply, error, writer.stuck, judge.errorShown);
    throw error;
  } finally {
    keepAlive.stop();
    context.usage = judge.usage;
  }
}

function requireEventStream(response: UpstreamResponse): void {
  const contentType = response.headers["content-type"];
  if (contentType !== undefined && /^text\/event-stream\s*(?:;|$)/i.test(contentType)) return;
  response.discard();
  throw new GatewayError("upstream_invalid", "The provider answered a request for a stream with something else.", {
    cause: new Error(`content-type ${contentType}`),
  });
}

/** Nothing looks at the answer: the bytes of a cut go out as they are, but for events the caller is not to see. */
function passCut(cut: Cut, judge: StreamJudge, writer: StreamWriter): Promise<void> | undefined {
  const kept: Buffer[] = [];
  let from = 0;
  let failure: GatewayError | undefined;
  for (const event of cut.events) {
    // A comment may not come first: until then the answer can still be an error with a status of its own.
    const verdict = event.data === undefined ? { keep: writer.open || event.start > from } : judge.judge(event.data);
    if (verdict.keep) continue;
    if (from < event.start) kept.push(cut.bytes.subarray(from, event.start));
    from = event.end;
    failure = verdict.failure;
    if (failure !== undefined) {
      from = cut.bytes.length;
      break;
    }
  }
  if (from < cut.bytes.length) kept.push(from === 0 ? cut.bytes : cut.bytes.subarray(from));
  const pending =
    kept.length === 0 ? undefined : writer.write(kept.length === 1 ? (kept[0] as Buffer) : Buffer.concat(kept));
  if (failure === undefined) return pending;
  return Promise.resolve(pending).then(() => Promise.reject(failure));
}

/** Each event through the steps that look at answers; `[DONE]` is the last. */
async function passJudged(
  cut: Cut,
  judge: StreamJudge,
  writer: StreamWriter,
  answer: NonNullable<OperationContext["answer"]>,
): Promise<void> {
  for (const event of cut.events) {
    if (event.data === undefined) continue;
    const verdict = judge.judge(event.data);
    if (verdict.failure !== undefined) throw verdict.failure;
    const bytes = Buffer.from(event.data);
    const events = await answer({ value: verdict.value, bytes, last: judge.done });
    if (!verdict.keep) continue;
    const out = events.map((each) =>
      each.bytes === bytes
        ? cut.bytes.subarray(event.start, event.end)
        : Buffer.concat([Buffer.from("data: "), each.bytes, Buffer.from("\n\n")]),
    );
    const pending = out.length === 0 ? undefined : writer.write(Buffer.concat(out));
    if (pending !== undefined) await pending;
  }
}

/** Never with `[DONE]` after it: an SDK would take that for success. */
function endBadly(reply: Reply, error: GatewayError, stuck: boolean, errorShown: boolean): void {
  if (stuck) return reply.destroy();
  if (!errorShown) void reply.write(toOpenaiErrorEvent(error));
  reply.end();
}

/* The caller's side of the stream: opened by the first thing written, so that a failure before it keeps its status. */
class StreamWriter {
  /** A write waits for a slow reader. */
  stuck = false;
  readonly #options: StreamRelayOptions;
  readonly #reply: Reply;

  constructor(options: StreamRelayOptions) {
    this.#options = options;
    this.#reply = options.context.exchange.reply;
  }

  get open(): boolean {
    return this.#reply.started;
  }

  /** A comment in a silence. It may come first: the provider has accepted the request. */
  beat(): void {
    if (!this.stuck) void this.write(": keepalive\n\n");
  }

  write(bytes: Buffer | string): Promise<void> | undefined {
    if (!this.#reply.started) this.#start();
    const pending = this.#reply.write(bytes);
    return pending === undefined ? undefined : this.#waitFor(pending);
  }

  #start(): void {
    const { context, response, clock } = this.#options;
    context.firstByteMs = clock.now() - context.startedAtMs;
    this.#reply.open(200, {
      ...toAnswerHeaders(response.headers["content-type"] ?? "text/event-stream", response.headers),
      "cache-control": "no-cache",
      // A buffering proxy on the way would hold events back.
      "x-accel-buffering": "no",
    });
  }

  /* The signal ends the wait: a reader who never reads must not outlive the credential. */
  async #waitFor(pending: Promise<void>): Promise<void> {
    const { signal } = this.#options.context;
    this.stuck = true;
    let abort = () => {};
    const aborted = new Promise<void>((resolve) => {
      abort = resolve;
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) resolve();
    });
    try {
      await Promise.race([pending, aborted]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
    if (signal.aborted) throw GatewayError.from(signal.reason);
    this.stuck = false;
  }
}
