import { expect, test } from "vitest";
import { anonymousPrincipal } from "../../src/auth/principal-from.ts";
import { toCredential } from "../../src/auth/credential.ts";
import { createRemembered } from "../../src/auth/remembered.ts";
import type { Verdict } from "../../src/auth/token-verifier.ts";
import { testClock } from "./start-auth.ts";

const bad: Verdict = { ok: false, reason: "no", detail: "test" };
const good = (expiresAtMs = Number.POSITIVE_INFINITY): Verdict => ({
  ok: true,
  principal: { ...anonymousPrincipal, credentialId: "id-1" },
  audiences: undefined,
  expiresAtMs,
});

/** Counts how often a credential was really checked. */
function counting(verdict: () => Verdict) {
  const counts = new Map<string, number>();
  const check = (credential: string): Promise<Verdict> => {
    counts.set(credential, (counts.get(credential) ?? 0) + 1);
    return Promise.resolve(verdict());
  };
  return { check, of: (credential: string) => counts.get(credential) };
}

test("a flood of bad credentials does not push a good one out", async () => {
  const remembered = createRemembered(testClock());
  const checks = counting(() => good());
  await remembered.get(toCredential("token", "mine"), checks.check);
  for (let index = 0; index < 20_000; index += 1) {
    await remembered.get(toCredential("token", `bad-${index}`), () => Promise.resolve(bad));
  }
  expect(remembered.get(toCredential("token", "mine"), checks.check)).toMatchObject({ ok: true });
  expect(checks.of("mine")).toBe(1);
});

test("the oldest of too many good ones is forgotten and checked again", async () => {
  const remembered = createRemembered(testClock());
  const checks = counting(() => good());
  for (let index = 0; index <= 10_000; index += 1)
    await remembered.get(toCredential("token", `t-${index}`), checks.check);
  await remembered.get(toCredential("token", "t-10000"), checks.check);
  await remembered.get(toCredential("token", "t-0"), checks.check);
  expect([checks.of("t-10000"), checks.of("t-0")]).toEqual([1, 2]);
});

test("one that was good and has become bad is not checked on every request", async () => {
  const clock = testClock();
  const remembered = createRemembered(clock);
  let verdict = good(clock.now() + 1_000);
  const checks = counting(() => verdict);
  await remembered.get(toCredential("token", "t"), checks.check);
  clock.advance(2_000);
  verdict = bad;
  await remembered.get(toCredential("token", "t"), checks.check);
  await remembered.get(toCredential("token", "t"), checks.check);
  expect(checks.of("t")).toBe(2);
});

test("what was checked while something was revoked is not remembered", async () => {
  const remembered = createRemembered(testClock());
  const checks = counting(() => good());
  const running = remembered.get(toCredential("token", "t"), checks.check);
  remembered.forget("token:something");
  await running;
  await remembered.get(toCredential("token", "t"), checks.check);
  expect(checks.of("t")).toBe(2);
});

test("a check that fails is tried again, and a key is never taken for a token", async () => {
  const remembered = createRemembered(testClock());
  await expect(remembered.get(toCredential("token", "t"), () => Promise.reject(new Error("down")))).rejects.toThrow(
    "down",
  );
  expect(await remembered.get(toCredential("token", "t"), () => Promise.resolve(good()))).toMatchObject({ ok: true });
  expect(await remembered.get(toCredential("key", "t"), () => Promise.resolve(bad))).toMatchObject({ ok: false });
});

test("after a time without word of revocations everything good is checked again, what is under way included", async () => {
  const remembered = createRemembered(testClock());
  const checks = counting(() => good());
  await remembered.get(toCredential("token", "mine"), checks.check);
  let finish: (verdict: Verdict) => void = () => {};
  const slow = remembered.get(toCredential("token", "slow"), () => new Promise((resolve) => (finish = resolve)));
  remembered.forgetAll();
  finish(good());
  await slow;
  await remembered.get(toCredential("token", "mine"), checks.check);
  await remembered.get(toCredential("token", "slow"), checks.check);
  expect([checks.of("mine"), checks.of("slow")]).toEqual([2, 1]);
});
