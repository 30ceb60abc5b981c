import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createDeadlines } from "../../src/http/deadlines.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function deadline(expire: () => void = () => {}) {
  return { place: -1, dueTick: 0, expire: vi.fn<() => void>(expire) };
}

test("a deadline passes once, never early and at most 200 ms late", () => {
  const deadlines = createDeadlines();
  const [first, late] = [deadline(), deadline()];
  deadlines.set(first, 10_000);
  vi.advanceTimersByTime(4_099);
  // Set at the very end of a tick.
  deadlines.set(late, 1_000);
  vi.advanceTimersByTime(999);
  expect(late.expire).not.toHaveBeenCalled();
  vi.advanceTimersByTime(201);
  expect(late.expire).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(10_000 - 4_099 - 1_200 - 1);
  expect(first.expire).not.toHaveBeenCalled();
  vi.advanceTimersByTime(201);
  expect(first.expire).toHaveBeenCalledOnce();
});

test("one that was cleared does not pass, not even when another that passes clears it", () => {
  const deadlines = createDeadlines();
  const cleared = deadline();
  const first = deadline(() => deadlines.clear(second));
  const second = deadline(() => deadlines.clear(first));
  for (const each of [cleared, first, second]) deadlines.set(each, 500);
  deadlines.clear(cleared);
  vi.advanceTimersByTime(1_000);
  expect(first.expire.mock.calls.length + second.expire.mock.calls.length).toBe(1);
  expect(cleared.expire).not.toHaveBeenCalled();
});

test("no timer runs while nothing waits", () => {
  const deadlines = createDeadlines();
  const one = deadline();
  deadlines.set(one, 60_000);
  expect(vi.getTimerCount()).toBe(1);
  deadlines.clear(one);
  vi.advanceTimersByTime(100);
  expect(vi.getTimerCount()).toBe(0);
  const next = deadline();
  deadlines.set(next, 100);
  vi.advanceTimersByTime(300);
  expect(next.expire).toHaveBeenCalledOnce();
});
