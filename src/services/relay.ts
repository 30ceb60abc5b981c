import { type AbortSignalLike, tighterMs, withinMs } from "../core/abort.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { BodyStream } from "../core/exchange.ts";
import type { OperationContext } from "../core/step.ts";
import { neverSent } from "../http/upstream-errors.ts";
import type { UpstreamResponse } from "../http/upstream.ts";
import { copyBody } from "./copied-body.ts";
import type { Endpoints } from "./endpoints.ts";
import { toAnswerHeaders, toServiceHeaders } from "./headers.ts";
import { createMirrors, type MirrorsOptions } from "./mirrors.ts";
import { editPath } from "./path-edit.ts";
import type { RuleRoute } from "./rule-route.ts";
import type { Backend } from "./rule.ts";

export interface RelayOptions extends MirrorsOptions {
  readonly clock: Clock;
}

/** Sends the request of an operation to a backend and its answer to the caller. */
export type Relay = (context: OperationContext, route: RuleRoute, backend: Backend) => Promise<void>;

/** Up to here an answer of known length goes out in one write, with its head. */
const WHOLE_BYTES = 16_384;

export function createRelay(options: RelayOptions): Relay {
  const { services, upstream, clock } = options;
  const mirrors = createMirrors(options);

  /** One address after the other, as long as none has seen any of the request. */
  async function ask(call: Call, signal: AbortSignalLike): Promise<UpstreamResponse> {
    const { service, body } = call;
    const { timeouts } = service.config;
    let failure: unknown;
    for (const endpoint of service.inOrder()) {
      try {
        return await upstream.request({
          url: endpoint.url,
          trust: "configured",
          method: call.method,
          path: call.path,
          headers: { ...call.headers, host: call.host ?? endpoint.url.host },
          stream: body,
          verbatim: true,
          signal,
          headersTimeoutMs: timeouts.answer,
          idleTimeoutMs: timeouts.idle,
        });
      } catch (error) {
        if (!neverSent(error) || signal.aborted) throw error;
        service.rest(endpoint);
        failure = error;
      }
    }
    throw failure;
  }

  return async (context, route, { service: name = "", edits }) => {
    const service = services.get(name);
    if (service === undefined) throw new GatewayError("internal", "This route leads to no service.");
    const { exchange } = context;
    const { request, reply } = exchange;
    const path = editPath(request.path, edits.path, route.prefix);
    const host = edits.host ?? request.headers["host"];
    const whole = request.query === "" ? path : `${path}?${request.query}`;
    const mirrored = mirrors.choose(edits);
    const given = exchange.bodyStream();
    const copying = given === undefined || mirrored.length === 0 ? undefined : copyBody(given, mirrored.length);
    for (const [index, each] of mirrored.entries())
      mirrors.send(each, { exchange, path: whole, host, edits }, copying?.copies[index]);
    const call: Call = {
      service,
      method: request.method,
      path: whole,
      host,
      headers: toServiceHeaders(exchange, edits, service.config.credentials?.headers),
      body: copying?.body ?? given,
    };
    const { requestMs, backendMs } = route.rule;
    const limitMs = tighterMs(requestMs, clock.now() - request.receivedAtMs, backendMs);
    await withinMs(context.signal, limitMs, tooSlow, async (signal) => {
      const response = await ask(call, signal);
      context.upstreamStatus = response.status;
      context.firstByteMs = clock.now() - context.startedAtMs;
      context.answering?.();
      const headers = toAnswerHeaders(response, edits, route.rule.cors?.answer(request));
      await pass(response, headers);
    }).finally(() => copying?.stop());

    async function pass(response: UpstreamResponse, headers: ReturnType<typeof toAnswerHeaders>): Promise<void> {
      const { status } = response;
      if (request.method === "HEAD" || status === 204 || status === 304) {
        response.discard();
        reply.open(status, headers);
        return reply.end();
      }
      const length = response.headers["content-length"];
      if (length !== undefined && Number(length) <= WHOLE_BYTES)
        return reply.send(status, headers, await response.bytes(WHOLE_BYTES));
      reply.open(status, headers);
      for await (const chunk of response.body) {
        const full = reply.write(chunk);
        if (full !== undefined) await full;
      }
      reply.end();
    }
  };
}

interface Call {
  readonly service: Endpoints;
  readonly method: string;
  readonly path: string;
  /** What the service is told; that of its address where there is none. */
  readonly host: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: BodyStream | undefined;
}

const tooSlow = () =>
  new GatewayError("upstream_timeout", "The service did not answer within the time that its route gives it.");
