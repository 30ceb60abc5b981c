import { describe, expect, test } from "vitest";
import { budgetsConfig } from "../../src/budgets/config.ts";
import { budget } from "../../src/k8s/kinds/budget.ts";
import { meaningOf, sample } from "./objects-from.ts";
import { backends, gw, route, target } from "./policy-input.ts";

describe("a Budget", () => {
  const meaning = (spec: object) =>
    meaningOf([gw(), route("a"), sample(budget, spec, { name: "b", namespace: "default" })], { backends });

  test("is for the callers of its namespace, whose tenant is its name, or for its targets", () => {
    const own = meaning({
      limits: ["500k tokens/min", "$200/day"],
      per: "principal",
      soft: "80%",
      where: 'llm.model == "x"',
    });
    expect(own.at("budgets")).toEqual([
      {
        name: "default/b",
        where: '(request.tenant == "default") && (llm.model == "x")',
        limits: ["500k tokens/min", "$200/day"],
        per: "principal",
        soft: "80%",
        mode: "enforce",
        onExhausted: "reject",
        maxWait: "10s",
        maxWaiting: 100,
        onStoreFailure: "closed",
        unknownPrice: "deny",
      },
    ]);
    expect(budgetsConfig.budgets.safeParse(own.at("budgets")).success).toBe(true);
    const attached = meaning({ limits: ["5 calls/90s"], targetRefs: [target("Gateway", "gw")] });
    expect(attached.at("budgets")).toMatchObject([{ where: '"Budget default/b" in request.tags' }]);
    expect(attached.statusOf("Budget", "b")).toMatchObject({
      conditions: [{ status: "True", reason: "Accepted" }, { status: "True" }],
    });
  });

  test("with an expression or a limit that is none is refused by its place", () => {
    /* Between our parentheses it would be for the calls of everybody. */
    expect(meaning({ limits: ["5 calls"], where: "true) || (true" }).problems).toHaveLength(1);
    expect(meaning({ limits: ["5 calls"], where: "principal.tenantt" }).problems).toEqual([
      expect.stringMatching(/^spec\.where: .*principal\.tenant/),
    ]);
    expect(meaning({ limits: ["5 calls/fortnight"] }).problems).toEqual([
      expect.stringMatching(/^spec\.limits\.0: .*a limit such as/),
    ]);
    expect(meaning({ limits: ["5 calls/min", "6 requests/min"] }).problems).toEqual([
      expect.stringMatching(/^spec\.limits\.1: this thing is limited above/),
    ]);
  });
});
