import { describe, expect, test } from "vitest";
import { tokenRateLimitPolicy } from "../../src/k8s/kinds/token-rate-limit-policy.ts";
import { trafficPolicy } from "../../src/k8s/kinds/traffic-policy.ts";
import { crdRuleCases, tokens, traffic } from "./crd-rule-cases.ts";
import { faultsOf } from "./objects-from.ts";

describe("the CEL rules of CRDs, run by the gateway's own engine after the defaults", () => {
  test.each(
    crdRuleCases.map(([kind, message, invalid, valid]) => ({ kind: kind.kind, of: kind, message, invalid, valid })),
  )("$kind, $message", ({ of, message, invalid, valid }) => {
    expect(faultsOf(of, invalid)).toContain(message);
    expect(faultsOf(of, valid)).toEqual([]);
  });

  test("every rule of these kinds is shown refusing something", () => {
    const shown = new Set(
      crdRuleCases.map(([kind, message]) => `${kind.kind} ${message.slice(message.indexOf(": ") + 2)}`),
    );
    const all = [...new Set(crdRuleCases.map(([kind]) => kind))].flatMap(({ kind, rules }) =>
      rules.map(({ message }) => `${kind} ${message}`),
    );
    expect(all.filter((rule) => !shown.has(rule))).toEqual([]);
    expect(new Set(all).size).toBe(shown.size);
  });

  test("a field that is known and not honoured is refused by its path, and why", () => {
    expect(faultsOf(trafficPolicy, { ...traffic("Gateway"), rateLimit: { local: {} } })).toEqual([
      "spec.rateLimit: not supported: of a TrafficPolicy `ai.promptGuard` alone is honoured here, with its fields of kgateway 2.0",
    ]);
    const request = { moderation: { openAIModeration: {} } };
    expect(faultsOf(trafficPolicy, { ...traffic("Gateway"), ai: { promptGuard: { request } } })).toEqual([
      expect.stringMatching(/^spec\.ai\.promptGuard\.request\.moderation: not supported: .*webhook/),
    ]);
    expect(faultsOf(trafficPolicy, { ...traffic("Gateway"), shape: 1 })).toEqual([expect.stringContaining("shape")]);
    expect(faultsOf(tokenRateLimitPolicy, tokens({ limits: { a: { rates: [{ limit: 1, window: "1d" }] } } }))).toEqual([
      expect.stringMatching(/^spec\.limits\.a\.rates\.0\.window: .*no days/),
    ]);
  });
});
