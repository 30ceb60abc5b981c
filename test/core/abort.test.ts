import { getEventListeners, once } from "node:events";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { firstAbort, LightAbortSignal, toAbortSignal, type AbortSignalLike } from "../../src/core/abort.ts";

const reason = new Error("gone");

/** A signal of either kind, and what aborts it. */
interface Abortable {
  readonly signal: AbortSignalLike;
  abort(): void;
}

const makers: readonly (readonly [string, () => Abortable])[] = [
  ["an AbortSignal", makeReal],
  ["a light signal", makeLight],
];

function makeReal(): Abortable {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(reason) };
}

function makeLight(): Abortable {
  const signal = new LightAbortSignal();
  return { signal, abort: () => signal.abort(reason) };
}

describe.each(makers)("%s", (_, make) => {
  test("tells every listener once, functions and objects, and says why", () => {
    const { signal, abort } = make();
    const told: string[] = [];
    signal.addEventListener("abort", () => told.push(`function ${String(signal.aborted)}`), { once: true });
    signal.addEventListener("abort", { handleEvent: () => told.push("object") });
    expect(signal.aborted).toBe(false);
    expect(signal.reason).toBeUndefined();
    expect(() => signal.throwIfAborted()).not.toThrow();
    abort();
    abort();
    expect(told).toEqual(["function true", "object"]);
    expect(signal.reason).toBe(reason);
    expect(() => signal.throwIfAborted()).toThrow(reason);
  });

  test("a listener added twice is told once, and one added too late is not told", () => {
    const { signal, abort } = make();
    const listeners = [vi.fn<() => void>(), vi.fn<() => void>()];
    for (const listener of [...listeners, ...listeners]) signal.addEventListener("abort", listener);
    abort();
    for (const listener of listeners) expect(listener).toHaveBeenCalledOnce();
    const late = vi.fn<() => void>();
    signal.addEventListener("abort", late);
    abort();
    expect(late).not.toHaveBeenCalled();
  });

  test("one that another removes while all are told is not told any more", () => {
    const { signal, abort } = make();
    const removed = vi.fn<() => void>();
    const last = vi.fn<() => void>();
    const remover = () => {
      signal.removeEventListener("abort", remover);
      signal.removeEventListener("abort", removed);
      abort();
    };
    for (const listener of [remover, removed, last]) signal.addEventListener("abort", listener);
    abort();
    expect(removed).not.toHaveBeenCalled();
    expect(last).toHaveBeenCalledOnce();
  });

  test("makes a signal that Node's own functions take", async () => {
    const { signal, abort } = make();
    const waiting = once(new EventTarget(), "never", { signal: toAbortSignal(signal) });
    abort();
    await expect(waiting).rejects.toMatchObject({ name: "AbortError", cause: reason });
    expect(toAbortSignal(signal).reason).toBe(reason);
  });
});

test("whatever is added and removed, both kinds tell the same listeners in the same order", () => {
  const step = fc.record({ add: fc.boolean(), who: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (list) => {
      const [expected, told] = makers.map(([, make]) => {
        const { signal, abort } = make();
        const names: number[] = [];
        const listeners = Array.from({ length: 6 }, (_, who) => () => void names.push(who));
        for (const { add, who } of list) {
          const listener = listeners[who] ?? (() => {});
          if (add) signal.addEventListener("abort", listener);
          else signal.removeEventListener("abort", listener);
        }
        abort();
        return names;
      });
      expect(told).toEqual(expected);
    }),
    { numRuns: 300, seed: 20_261_123 },
  );
});

test("a listener that throws does not keep the others from being told, and its error is not lost", async () => {
  const signal = new LightAbortSignal();
  const others = [vi.fn<() => void>(), vi.fn<() => void>()];
  const broken = new Error("a listener broke");
  // What throws on a tick of its own reaches the process: here instead of vitest.
  const tick = vi.spyOn(process, "nextTick").mockImplementation((callback) => {
    expect(callback).toThrow(broken);
  });
  try {
    signal.addEventListener("abort", others[0] ?? (() => {}));
    signal.addEventListener("abort", () => {
      throw broken;
    });
    signal.addEventListener("abort", others[1] ?? (() => {}));
    signal.abort(reason);
    expect(tick).toHaveBeenCalledOnce();
  } finally {
    tick.mockRestore();
  }
  for (const other of others) expect(other).toHaveBeenCalledOnce();
});

test("asking again for a library's signal adds no listener to one that lives long", () => {
  const signal = new LightAbortSignal();
  const add = vi.spyOn(signal, "addEventListener");
  const made = new Set(Array.from({ length: 100 }, () => toAbortSignal(signal)));
  expect(made.size).toBe(1);
  expect(add).toHaveBeenCalledOnce();
  const real = new AbortController().signal;
  expect(toAbortSignal(real)).toBe(real);
});

test("a library's signal for what has ended already has ended too", () => {
  const signal = new LightAbortSignal();
  signal.abort(reason);
  expect(toAbortSignal(signal).aborted).toBe(true);
});

test("waiting for the first of several ends with any of them, and leaves nothing on those that live on", async () => {
  for (const [, make] of makers) {
    const ending = new AbortController().signal;
    const call = make();
    const waiting = firstAbort(call.signal, ending);
    expect(getEventListeners(ending, "abort")).toHaveLength(1);
    call.abort();
    await waiting;
    expect(getEventListeners(ending, "abort")).toHaveLength(0);
    await firstAbort(ending, call.signal);
    expect(getEventListeners(ending, "abort")).toHaveLength(0);
  }
});
