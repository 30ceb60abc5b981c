import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Reply } from "../../core/exchange.ts";
import type { AnswerEvent, OperationContext } from "../../core/step.ts";
import { createEventCutter } from "../../http/event-cutter.ts";
import type { Cut } from "../../http/event-cutter.ts";
import type { UpstreamResponse } from "../../http/upstream.ts";
import type { Dialect, StreamTail } from "../dialects/dialect.ts";
import { saySomething } from "../dialects/prelude.ts";
import { createKeepAlive } from "./keep-alive.ts";
import { StreamJudge } from "./stream-judge.ts";
import { StreamWriter } from "./stream-writer.ts";
import { toFrame } from "./to-frame.ts";
import { passTranslated } from "./translate-stream.ts";

const EVENT_LIMIT_BYTES = 1_048_576;

export interface StreamRelayOptions {
  readonly context: OperationContext;
  readonly response: UpstreamResponse;
  readonly clock: Clock;
  readonly keepAliveMs: number;
  /** Whether a keep-alive may be the first byte: after it, no other model can step in. Not while the first token has a limit. */
  readonly keepAliveMayOpen: boolean;
  /** False: the usage was asked for by the gateway alone, and its chunk is taken out. */
  readonly wantsUsage: boolean;
  /** Must not appear in what a provider says went wrong. */
  readonly secrets: readonly string[];
  /** The provider's wire format, and the caller's. */
  readonly from: Dialect;
  readonly to: Dialect;
  /** An estimate, for a dialect that says at the start what is known only at the end. */
  readonly inputTokens: number;
  /** Headers beside those the provider's answer gives. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Passes a stream on, whole event by whole event, with back pressure. A stream that breaks off ends with an error event and
 * without its end mark. Rejects with what went wrong even where the caller has been told in the stream.
 */
export async function relayStream(options: StreamRelayOptions): Promise<void> {
  const { context, response, secrets, wantsUsage, from, to } = options;
  const { reply, id } = context.exchange;
  requireEventStream(response);
  const translated = from !== to;
  const judge = new StreamJudge({
    dialect: from,
    wantsUsage: wantsUsage || translated,
    secrets,
    parse: translated || context.answer !== undefined,
    translated,
    began: () => context.answering?.(),
  });
  const writer = new StreamWriter(options, () => keepAlive.touch());
  const cutter = createEventCutter(EVENT_LIMIT_BYTES);
  const keepAlive = createKeepAlive(options.keepAliveMs, () => writer.beat());
  const { answer } = context;
  const tail = answer === undefined ? undefined : to.createStreamTail();
  const followed =
    answer &&
    ((event: AnswerEvent) => {
      tail?.follow(event.value);
      return answer(event);
    });
  const pass = choosePass(options, judge, writer, followed);
  try {
    for await (const chunk of response.body) {
      const cut = cutter.push(chunk);
      const pending = cut === undefined ? undefined : pass(cut);
      if (pending !== undefined) await pending;
      if (judge.done) break;
    }
    const rest = judge.done ? undefined : cutter.flush();
    if (rest !== undefined) await pass(rest);
    const failure = judge.ending();
    if (failure !== undefined) throw failure;
    reply.end();
  } catch (thrown) {
    response.cancel();
    let error = GatewayError.from(context.signal.aborted ? context.signal.reason : thrown);
    if (tail !== undefined && answer !== undefined && !writer.stuck && endsAsLength(error, reply.started)) {
      const refused = await endAsLength(tail, error, answer, writer).catch(GatewayError.from);
      if (refused === undefined) return reply.end();
      error = refused;
    }
    if (reply.started) endBadly(reply, writer.stuck, judge.errorShown ? undefined : to.toErrorEvent(error, id));
    throw error;
  } finally {
    keepAlive.stop();
    context.usage = judge.usage;
    context.answerTokens = judge.events;
  }
}

type Pass = (cut: Cut) => Promise<void> | undefined;

function choosePass(
  { from, to, wantsUsage, ...form }: StreamRelayOptions,
  judge: StreamJudge,
  writer: StreamWriter,
  answer: OperationContext["answer"],
): Pass {
  if (from !== to) {
    const createdS = Math.floor(form.clock.now() / 1_000);
    const scribe = to.createStreamScribe({ createdS, wantsUsage, inputTokens: form.inputTokens });
    const reader = from.createStreamReader();
    return (cut) => passTranslated(cut, { judge, reader, scribe, writer, dialect: to.name, answer });
  }
  if (answer === undefined) return (cut) => passCut(cut, judge, writer);
  return (cut) => passJudged(cut, judge, writer, to, answer);
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
    kept.length === 0
      ? undefined
      : writer.write(kept.length === 1 ? (kept[0] as Buffer) : Buffer.concat(kept), judge.begun);
  if (failure === undefined) return pending;
  return Promise.resolve(pending).then(() => Promise.reject(failure));
}

/** Each event through the steps that look at answers; the end mark is the last. */
async function passJudged(
  cut: Cut,
  judge: StreamJudge,
  writer: StreamWriter,
  dialect: Dialect,
  answer: NonNullable<OperationContext["answer"]>,
): Promise<void> {
  for (const event of cut.events) {
    if (event.data === undefined) continue;
    const { failure, value, keep } = judge.judge(event.data);
    if (failure !== undefined) throw failure;
    const bytes = Buffer.from(event.data);
    const name = dialect.nameEvent(value);
    const events = await answer({ value, bytes, last: judge.done, ...(name === undefined ? {} : { name }) });
    const out = events.flatMap((each) => {
      if (each.bytes !== bytes) return [toFrame(each)];
      return keep ? [cut.bytes.subarray(event.start, event.end)] : [];
    });
    if (out.length === 0) continue;
    const begun = writer.open || (judge.begun && saySomething(dialect.name, events));
    const pending = writer.write(Buffer.concat(out), begun);
    if (pending !== undefined) await pending;
  }
}

/* A budget was used up in the middle: the answer ends as one that has reached its bound, which every client understands. Where guards have held all of it back, another model may still step in. */
function endsAsLength({ data }: GatewayError, started: boolean): boolean {
  return data?.["endAs"] === "length" && (started || data["onExhausted"] !== "fallback");
}

async function endAsLength(
  tail: StreamTail,
  { data }: GatewayError,
  answer: NonNullable<OperationContext["answer"]>,
  writer: StreamWriter,
): Promise<undefined> {
  const tokens = data?.["outputTokens"];
  for (const event of tail.end(typeof tokens === "number" ? tokens : 0))
    for (const shown of await answer(event)) await writer.write(toFrame(shown), true);
}

/** Never with an end mark after it: an SDK would take that for success. */
function endBadly(reply: Reply, stuck: boolean, errorEvent: string | undefined): void {
  if (stuck) return reply.destroy();
  if (errorEvent !== undefined) void reply.write(errorEvent);
  reply.end();
}
