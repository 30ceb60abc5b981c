import { expect, test } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import type { Principal } from "../../src/core/principal.ts";
import type { GatewayExchange } from "../../src/gateway/gateway-exchange.ts";
import { createOpenExchanges } from "../../src/gateway/open-exchanges.ts";

function setup(recheck: () => unknown, expiresAtMs?: number) {
  const clock = { nowMs: 0, now: () => clock.nowMs, monotonic: () => clock.nowMs };
  const ended: GatewayError[] = [];
  const exchange = {
    place: -1,
    recheckedAtMs: 0,
    request: { receivedAtMs: 0 },
    identified: { expiresAtMs } as Principal,
    abort: (reason: GatewayError) => void ended.push(reason),
  } as unknown as GatewayExchange;
  const open = createOpenExchanges(clock, recheck);
  open.add(exchange);
  const at = (nowMs: number) => {
    clock.nowMs = nowMs;
    open.sweep();
    return ended.length;
  };
  return { open, exchange, at, ended };
}

test("a stream ends when its token expires", () => {
  const { at, ended, open } = setup(() => undefined, 5_000);
  expect(at(4_999)).toBe(0);
  expect(at(5_000)).toBe(1);
  expect(ended[0]).toMatchObject({ kind: "unauthenticated" });
  open.close();
});

test("a stream ends when its credential is revoked, at the next look", () => {
  let revoked = false;
  const { at, open } = setup(() => {
    if (revoked) throw new GatewayError("unauthenticated", "revoked");
  });
  expect(at(10_000)).toBe(0);
  revoked = true;
  expect(at(15_000)).toBe(0);
  expect(at(20_000)).toBe(1);
  open.close();
});

test("a store that is down does not end streams", () => {
  const { at, open } = setup(() => {
    throw new GatewayError("state_unavailable", "down");
  });
  expect(at(10_000)).toBe(0);
  open.close();
});

test("what has ended is forgotten", () => {
  const { open, exchange, at } = setup(() => undefined, 1);
  open.remove(exchange);
  expect(open.size).toBe(0);
  expect(at(100_000)).toBe(0);
  open.close();
});
