import { LightAbortSignal } from "../../src/core/abort.ts";
import { systemClock } from "../../src/core/clock.ts";
import type { Reply } from "../../src/core/exchange.ts";
import type { OperationContext } from "../../src/core/step.ts";
import type { UpstreamResponse } from "../../src/http/upstream.ts";
import { dialects } from "../../src/inference/dialects/registry.ts";
import type { DialectName } from "../../src/inference/model-call.ts";
import { relayStream } from "../../src/inference/relay/relay-stream.ts";
import { relayWhole } from "../../src/inference/relay/relay-whole.ts";

/* The relays of the gateway between a caller and a provider that are not on sockets: tens of thousands of cuts are quick. */

/** A caller's connection that keeps what is written to it. */
export function createReply(): Reply & { readonly written: readonly Buffer[] } {
  const written: Buffer[] = [];
  let status = 0;
  return {
    written,
    get started() {
      return status !== 0;
    },
    get status() {
      return status;
    },
    setHeader() {},
    send(sent, _headers, body = "") {
      status = sent;
      written.push(Buffer.from(body));
    },
    open(opened) {
      status = opened;
    },
    write: (chunk) => void written.push(Buffer.from(chunk)),
    end() {},
    destroy() {
      written.length = 0;
    },
  };
}

export type Answer = OperationContext["answer"];

/** As much of an operation as relays look at. */
export const contextOf = (reply: Reply, answer: Answer): OperationContext =>
  ({
    id: "operation",
    exchange: { reply, id: "exchange" },
    signal: new LightAbortSignal(),
    startedAtMs: 0,
    answer,
  }) as unknown as OperationContext;

export function responseOf(chunks: readonly Buffer[], contentType: string): UpstreamResponse {
  return {
    status: 200,
    headers: { "content-type": contentType },
    body: (async function* () {
      yield* chunks;
    })(),
    bytes: async () => Buffer.concat(chunks),
    discard() {},
    cancel() {},
  };
}

/** What arrives, and how it ended. */
export interface Relayed {
  readonly arrived: Buffer;
  readonly failure: unknown;
  readonly usage: OperationContext["usage"];
}

export interface ModelRelay {
  stream(chunks: readonly Buffer[], answer: Answer): Promise<Relayed>;
  whole(body: Buffer, answer: Answer): Promise<Relayed>;
}

/** The way from a provider of one dialect to a caller of the same or the other. */
export function createModelRelay(caller: DialectName, provider: DialectName): ModelRelay {
  const common = { clock: systemClock, from: dialects[provider], to: dialects[caller], headers: {} };
  async function run(answer: Answer, relay: (context: OperationContext) => Promise<void>): Promise<Relayed> {
    const reply = createReply();
    const context = contextOf(reply, answer);
    const failure = await relay(context).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return { arrived: Buffer.concat(reply.written), failure, usage: context.usage };
  }
  return {
    stream: (chunks, answer) =>
      run(answer, (context) =>
        relayStream({
          ...common,
          context,
          response: responseOf(chunks, "text/event-stream"),
          keepAliveMs: 60_000,
          keepAliveMayOpen: false,
          wantsUsage: false,
          secrets: [],
          inputTokens: 7,
        }),
      ),
    whole: (body, answer) =>
      run(answer, (context) => relayWhole({ ...common, context, response: responseOf([body], "application/json") })),
  };
}
