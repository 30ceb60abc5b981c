import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { createOpenSet } from "../core/open-set.ts";
import type { GatewayExchange } from "./gateway-exchange.ts";

const sweepEveryMs = 1_000;
/* Well inside the minute within which a revocation must bite. */
const recheckEveryMs = 10_000;

/** Exchanges under way. A stream ends when the credential that opened it does: expired or revoked. */
export interface OpenExchanges {
  readonly size: number;
  add(exchange: GatewayExchange): void;
  remove(exchange: GatewayExchange): void;
  /** Ends every exchange whose credential no longer stands. */
  sweep(): void;
  close(): void;
}

/** `recheck` shows the credential again; it throws or rejects when it is no longer good. */
export function createOpenExchanges(clock: Clock, recheck: (exchange: GatewayExchange) => unknown): OpenExchanges {
  const open = createOpenSet<GatewayExchange>();
  const end = (exchange: GatewayExchange, thrown: unknown) => {
    /* A store that is down says nothing about the credential. */
    if (!(thrown instanceof GatewayError) || thrown.kind !== "unauthenticated") return;
    exchange.abort(
      new GatewayError("unauthenticated", "The credential that opened this stream is no longer valid.", {
        cause: thrown,
      }),
    );
  };
  const check = (exchange: GatewayExchange, now: number) => {
    const expiresAtMs = exchange.identified?.expiresAtMs;
    if (expiresAtMs !== undefined && expiresAtMs <= now) {
      exchange.abort(new GatewayError("unauthenticated", "The token that opened this stream has expired."));
      return;
    }
    if (now - exchange.recheckedAtMs < recheckEveryMs) return;
    exchange.recheckedAtMs = now;
    try {
      const pending = recheck(exchange);
      if (pending instanceof Promise) pending.catch((thrown: unknown) => end(exchange, thrown));
    } catch (thrown) {
      end(exchange, thrown);
    }
  };
  const sweep = () => {
    const now = clock.now();
    for (const exchange of open.all()) if (exchange.identified !== undefined) check(exchange, now);
  };
  /* One timer for all: a timer per request would cost more than the check. */
  const timer = setInterval(sweep, sweepEveryMs);
  timer.unref();
  return {
    get size() {
      return open.size;
    },
    add(exchange) {
      exchange.recheckedAtMs = exchange.request.receivedAtMs;
      open.add(exchange);
    },
    remove: (exchange) => open.delete(exchange),
    sweep,
    close: () => clearInterval(timer),
  };
}
