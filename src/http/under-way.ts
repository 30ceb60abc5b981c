import { GatewayError } from "../core/errors.ts";
import { newRequestId } from "../core/ids.ts";
import { createOpenSet } from "../core/open-set.ts";
import type { RenderedError } from "../core/step.ts";
import { createBufferBudget } from "./body.ts";
import { createDeadlines } from "./deadlines.ts";
import type { EdgeOptions } from "./edge.ts";
import type { FrontChecks } from "./front-checks.ts";
import { ServerExchange } from "./incoming.ts";
import type { TakeRequest } from "./listener.ts";

/** What may be under way on one connection. Clients that pipeline are rare, and Node would start all of them at once. */
const MAX_PIPELINED = 32;

/** How an error is answered; `path` as far as the request's target could be read. */
export type Render = (error: GatewayError, path: string) => RenderedError;

/** The requests of one listener between their head and the end of their answer. */
export interface UnderWay {
  readonly count: number;
  /** Checks a request, hands it on and sees to it that it is answered. */
  readonly begin: TakeRequest;
  /** The youngest on this connection. */
  lastOn(socket: object): ServerExchange | undefined;
  /** From now on every connection ends with its present answer. */
  closeConnections(): void;
  /** Resolves once nothing is under way, at the latest after `ms`. */
  idle(ms: number): Promise<void>;
  abortAll(reason: GatewayError): void;
}

function ignore(): void {}

export function createUnderWay(options: EdgeOptions, checks: FrontChecks, render: Render): UnderWay {
  const { dispatch, clock, log } = options;
  const { limits } = options.config;
  const { canonicalize, checkOrigin } = checks;
  let closing = false;
  let onIdle: (() => void) | undefined;
  const active = createOpenSet<ServerExchange>();
  /* The requests under way on each connection, oldest first. */
  const pipelines = new WeakMap<object, ServerExchange[]>();
  const settings = {
    budget: options.budget ?? createBufferBudget(limits.buffers),
    bodyTimeoutMs: limits.requestTimeout,
    slowReaderMs: limits.slowReader,
    deadlines: createDeadlines(),
    draining: () => closing,
    closed: leave,
  };

  function fail(exchange: ServerExchange, thrown: unknown): void {
    const error = GatewayError.from(thrown);
    if (error.kind === "internal")
      log.error({ requestId: exchange.id, error: error.cause ?? error }, "a request failed inside the gateway");
    else log.debug({ requestId: exchange.id, kind: error.kind, cause: error.cause }, error.message);
    const { reply } = exchange;
    if (reply.started) {
      // Half an answer must not look like a whole one.
      if (!reply.ended || !exchange.res.writableEnded) reply.destroy();
      return;
    }
    const rendered = render(error, exchange.path);
    reply.send(rendered.status, rendered.headers, rendered.body);
  }

  const begin: TakeRequest = (req, res, expectsContinue) => {
    const exchange = new ServerExchange(newRequestId(clock.now()), req, res, settings, expectsContinue);
    const pipeline = pipelines.get(req.socket) ?? [];
    if (pipeline.length === 0) pipelines.set(req.socket, pipeline);
    pipeline.push(exchange);
    active.add(exchange);
    // Without a listener a reset inside a body would be an uncaught exception.
    req.on("error", ignore);
    try {
      if (pipeline.length > MAX_PIPELINED) {
        exchange.lastOnConnection = true;
        throw new GatewayError("overloaded", "Too many requests are under way on this connection.", {
          headers: { "retry-after": "1" },
        });
      }
      exchange.request = canonicalize(req);
      if (checkOrigin(exchange.request, exchange.reply)) return;
      const running = dispatch(exchange);
      if (running !== undefined)
        running.then(
          () => unanswered(exchange),
          (error: unknown) => fail(exchange, error),
        );
    } catch (error) {
      fail(exchange, error);
    }
  };

  function leave(exchange: ServerExchange): void {
    const pipeline = pipelines.get(exchange.req.socket);
    if (pipeline?.[0] === exchange) pipeline.shift();
    else pipeline?.splice(pipeline.indexOf(exchange), 1);
    active.delete(exchange);
    if (active.size === 0) onIdle?.();
  }

  function unanswered(exchange: ServerExchange): void {
    // A caller who has gone cannot be told anything; one who has half an answer must not wait for the rest.
    const { reply } = exchange;
    if (!reply.gone && !(reply.started && reply.ended))
      fail(exchange, new GatewayError("internal", "The gateway has no answer to this request."));
  }

  return {
    begin,
    get count() {
      return active.size;
    },
    lastOn: (socket) => pipelines.get(socket)?.at(-1),
    closeConnections() {
      closing = true;
    },
    idle(ms) {
      return new Promise((resolve) => {
        if (active.size === 0) return resolve();
        const timer = setTimeout(resolve, ms);
        onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
    abortAll(reason) {
      for (const exchange of active.all()) exchange.abort(reason);
    },
  };
}
