import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Breaker, type BreakerState } from "../../src/gateway/breaker.ts";
import { createBreakers } from "../../src/gateway/breakers.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { createTestClock } from "../state/test-clock.ts";

function setUp(random = 0.5) {
  const clock = createTestClock();
  const states: BreakerState[] = [];
  const breaker = new Breaker(
    clock,
    () => random,
    (state) => states.push(state),
  );
  /** Calls that are let through and end so. */
  const call = (health: "well" | "sick", times = 1): void => {
    for (let count = 0; count < times; count++) {
      const entered = breaker.enter();
      if (typeof entered === "object") throw new Error(entered.reason);
      breaker.left(entered === "probe", health);
    }
  };
  return { clock, states, breaker, call };
}

test("of more upstreams than anyone configures, the one known for longest is forgotten", () => {
  const breakers = createBreakers(createTestClock(), createMetrics().meter);
  const [first, second] = [breakers.of("0"), breakers.of("1")];
  for (let number = 2; number <= 10_000; number++) breakers.of(String(number));
  expect(breakers.of("1")).toBe(second);
  expect(breakers.of("0")).not.toBe(first);
});

describe("a circuit breaker", () => {
  test("opens after five failures in a row, not after four and a success", () => {
    const { breaker, call } = setUp();
    call("sick", 4);
    call("well");
    call("sick", 4);
    expect(breaker.state).toBe("closed");
    call("sick");
    expect(breaker.state).toBe("open");
    expect(breaker.enter()).toEqual({ reason: "circuit_open", limited: false, waitMs: 100 });
  });

  test("opens when half of twenty calls in ten seconds have failed, though never five in a row", () => {
    const { breaker, call, clock } = setUp();
    for (let pair = 0; pair < 9; pair++) {
      call("well");
      call("sick");
    }
    clock.pass(11_000);
    call("well");
    call("sick");
    expect(breaker.state).toBe("closed");
    for (let pair = 0; pair < 9; pair++) {
      expect(breaker.state).toBe("closed");
      call("well");
      call("sick");
    }
    expect(breaker.state).toBe("open");
  });

  test("lets one call through after its rest, and all others once that has ended well", () => {
    const { breaker, call, clock, states } = setUp();
    call("sick", 5);
    clock.pass(99);
    expect(breaker.enter()).toMatchObject({ reason: "circuit_open" });
    clock.pass(1);
    expect(breaker.enter()).toBe("probe");
    expect(breaker.enter()).toMatchObject({ reason: "circuit_open" });
    breaker.left(true, "well");
    expect(breaker.enter()).toBe("call");
    expect(states).toEqual(["open", "half-open", "closed"]);
  });

  test("rests for a tenth of the time it has been down, and never for more than five seconds, whatever the jitter", () => {
    for (const [random, factor] of [
      [0, 0.8],
      [0.5, 1],
      [1, 1.2],
    ] as const) {
      const { breaker, call, clock } = setUp(random);
      call("sick", 5);
      expect(breaker.waitMs).toBe(100 * factor);
      for (let downMs = 0; downMs < 100_000;) {
        downMs += breaker.waitMs;
        clock.pass(breaker.waitMs);
        call("sick");
        expect(breaker.waitMs).toBe(Math.round(factor * Math.min(4_000, Math.max(100, downMs / 10))));
      }
      clock.pass(5_000);
      call("well");
      call("sick", 5);
      expect(breaker.waitMs).toBe(100 * factor);
    }
  });

  test("lets most of what could be answered be answered by an upstream that is up and down by the second", () => {
    const { breaker, clock } = setUp();
    const answered = { could: 0, were: 0 };
    let wasted = 0;
    for (let ms = 0; ms < 600_000; ms += 10) {
      const up = Math.floor(ms / 1_000) % 2 === 0;
      if (up) answered.could++;
      const entered = breaker.enter();
      if (typeof entered !== "object") {
        breaker.left(entered === "probe", up ? "well" : "sick");
        if (up) answered.were++;
        else wasted++;
      }
      clock.pass(10);
    }
    expect(answered.were).toBeGreaterThan(0.9 * answered.could);
    expect(wasted).toBeLessThan(0.2 * answered.could);
  });

  test("sends another probe when the first has said nothing: its caller went away, or it hangs", () => {
    const { breaker, call, clock } = setUp();
    call("sick", 5);
    clock.pass(100);
    expect(breaker.enter()).toBe("probe");
    breaker.left(true, "unknown");
    expect(breaker.enter()).toBe("probe");
    clock.pass(9_999);
    expect(breaker.enter()).toMatchObject({ reason: "circuit_open" });
    clock.pass(1);
    expect(breaker.enter()).toBe("probe");
  });

  test("takes no notice of calls that began before it opened", () => {
    const { breaker, call, clock } = setUp();
    call("sick", 5);
    breaker.left(false, "well");
    breaker.left(false, "sick");
    expect([breaker.state, breaker.waitMs]).toEqual(["open", 100]);
    clock.pass(100);
    expect(breaker.enter()).toBe("probe");
    breaker.left(false, "well");
    expect(breaker.state).toBe("half-open");
  });

  test("leaves an upstream alone for as long as it asked, a minute at most", () => {
    const { breaker, clock } = setUp();
    breaker.hold(7_000, true);
    breaker.hold(3_000, false);
    expect(breaker.enter()).toEqual({ reason: "retry_later", limited: true, waitMs: 7_000 });
    clock.pass(7_000);
    expect(breaker.enter()).toBe("call");
    breaker.hold(315_360_000_000, false);
    expect(breaker.waitMs).toBe(60_000);
  });

  test("never lets more than one call through at a time while an upstream is not known to be well", () => {
    const step = fc.oneof(
      fc.record({ pass: fc.integer({ min: 1, max: 3_000 }) }),
      fc.record({ end: fc.constantFrom("well" as const, "sick" as const, "unknown" as const) }),
      fc.constant("enter" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { breaker, call, clock } = setUp();
        call("sick", 5);
        let probes = 0;
        let probedForMs = 0;
        for (const each of steps) {
          if (each === "enter") {
            const entered = breaker.enter();
            /* One that hangs is given up after ten seconds. */
            if (entered === "probe") {
              expect(probes === 0 || probedForMs >= 10_000).toBe(true);
              probes++;
              probedForMs = 0;
            }
            if (entered === "call") expect(breaker.state).toBe("closed");
          } else if ("pass" in each) {
            clock.pass(each.pass);
            probedForMs += each.pass;
          } else if (probes > 0) {
            breaker.left(true, each.end);
            if (--probes > 0) return;
          }
        }
      }),
    );
  });
});
