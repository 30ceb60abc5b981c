import { describe, expect, test } from "vitest";
import { budgetsConfig } from "../../src/budgets/config.ts";
import { tokenRateLimitPolicy } from "../../src/k8s/kinds/token-rate-limit-policy.ts";
import { meaningOf, sample } from "./objects-from.ts";
import { backends, gw, route, target } from "./policy-input.ts";

describe("a TokenRateLimitPolicy", () => {
  const rates = (limit: number, window = "1m") => ({ rates: [{ limit, window }] });
  const on = (spec: object, kind = "HTTPRoute", name = "a", sectionName?: string) => ({
    targetRef: target(kind, name, sectionName),
    ...spec,
  });
  const meaning = (...objects: object[]) => meaningOf([gw(), route("a"), route("b"), ...objects], { backends });
  const policy = (spec: object, name = "p") => sample(tokenRateLimitPolicy, spec, { name, generation: 1 });
  const budgets = (...objects: object[]) => {
    const { at } = meaning(...objects);
    return Object.fromEntries(
      (at("budgets") as readonly { readonly name: string }[]).map(({ name, ...rest }) => [name, rest]),
    );
  };

  test("is a budget for each limit, with each of its rates, its conditions and its counters in our words", () => {
    const { at, problems } = meaning(
      policy(
        on({
          when: [{ predicate: 'request.path == "/v1/chat/completions"' }],
          limits: {
            free: {
              rates: [
                { limit: 100, window: "1m" },
                { limit: 80, window: "60s" },
                { limit: 5000, window: "1h30m" },
              ],
              when: [
                { predicate: '"free" in auth.identity.groups' },
                { predicate: 'requestBodyJSON("/model") == "gpt-4o"' },
              ],
              counters: [{ expression: "auth.identity.userid" }, { expression: 'request.headers["x-team"]' }],
            },
          },
        }),
      ),
    );
    expect(problems).toEqual([]);
    const found = at("budgets");
    expect(found).toEqual([
      {
        name: "default/p/free",
        where:
          '("TokenRateLimitPolicy default/p/free" in request.tags) && (request.path == "/v1/chat/completions") && ("free" in principal.groups) && (llm.model == "gpt-4o")',
        per: 'string((has(principal.claims.userid) ? string(principal.claims.userid) : principal.subject)) + "\\n" + string(request.headers["x-team"])',
        limits: ["80 tokens/60s", "5000 tokens/1h30m"],
      },
    ]);
    expect(budgetsConfig.budgets.safeParse(found).success).toBe(true);
  });

  test("of a Gateway counts each route by itself", () => {
    expect(budgets(policy(on({ limits: { all: rates(10) } }, "Gateway", "gw")))).toEqual({
      "default/p/all": {
        where: '"TokenRateLimitPolicy default/p/all" in request.tags',
        per: "request.route",
        limits: ["10 tokens/1m"],
      },
    });
  });

  test("bare limits of a Gateway are defaults: a policy of a route takes their place whole", () => {
    const { statusOf } = meaning(
      policy(on({ limits: { all: rates(10) } }, "Gateway", "gw"), "wide"),
      policy(on({ limits: { own: rates(20) } }), "near"),
      policy(on({ limits: { b: rates(5) } }, "HTTPRoute", "b"), "other"),
    );
    const condition = (type: string, status: string, reason: string, message: string) => ({
      type,
      status,
      reason,
      message,
      observedGeneration: 1,
    });
    const accepted = condition("Accepted", "True", "Accepted", "TokenRateLimitPolicy has been accepted");
    expect(statusOf("TokenRateLimitPolicy", "near")).toEqual({
      observedGeneration: 1,
      conditions: [
        accepted,
        condition("Enforced", "True", "Enforced", "TokenRateLimitPolicy has been successfully enforced"),
      ],
    });
    expect(statusOf("TokenRateLimitPolicy", "wide")).toEqual({
      observedGeneration: 1,
      conditions: [
        accepted,
        condition(
          "Enforced",
          "False",
          "Overridden",
          "TokenRateLimitPolicy is overridden by [default/near default/other]",
        ),
      ],
    });
    const { at } = meaning(
      policy(on({ limits: { all: rates(10) } }, "Gateway", "gw"), "wide"),
      policy(on({ limits: { own: rates(20) } }), "near"),
    );
    const tag = (name: string) => [{ tags: [{ tag: `TokenRateLimitPolicy default/${name}` }] }];
    expect(at("routes", "default/a")).toMatchObject(tag("near/own"));
    expect(at("routes", "default/b")).toMatchObject(tag("wide/all"));
  });

  test.each([
    [
      "merged defaults add the names that nearer policies do not have",
      { defaults: { strategy: "merge" } },
      ["near/a 2", "near/own 3", "wide/all 1"],
    ],
    ["atomic defaults give way", { defaults: { strategy: "atomic" } }, ["near/a 2", "near/own 3"]],
    [
      "merged overrides win by name, and leave the others",
      { overrides: { strategy: "merge" } },
      ["near/own 3", "wide/a 9", "wide/all 1"],
    ],
    ["atomic overrides take the place of everything", { overrides: {} }, ["wide/a 9", "wide/all 1"]],
  ])("%s", (_, how, expected) => {
    const [[branch, strategy]] = Object.entries(how) as [[string, object]];
    const wide = { [branch]: { ...strategy, limits: { all: rates(1), a: rates(9) } } };
    const { at } = meaningOf(
      [
        gw(),
        route("a"),
        policy(on(wide, "Gateway", "gw"), "wide"),
        policy(on({ limits: { a: rates(2), own: rates(3) } }), "near"),
      ],
      { backends },
    );
    const found = (at("budgets") as readonly { readonly name: string; readonly limits: readonly string[] }[]).map(
      ({ name, limits }) => `${name.replace("default/", "")} ${limits[0]!.split(" ")[0]}`,
    );
    expect(found.toSorted()).toEqual(expected);
  });

  test("of two on one target the older is in force, and the other one's status and a warning name it", () => {
    const dated = (name: string, day: string, spec: object) =>
      sample(tokenRateLimitPolicy, spec, { name, generation: 1, creationTimestamp: `2026-11-${day}T00:00:00Z` });
    const { at, statusOf, warnings } = meaning(
      dated("a-new", "02", on({ limits: { new: rates(9) } })),
      dated("old", "01", on({ limits: { old: rates(1) } })),
    );
    expect(at("budgets")).toMatchObject([{ name: "default/old/old" }]);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^spec\.targetRef: TokenRateLimitPolicy default\/old is for the same target and goes before this one, of which nothing is in force/,
      ),
    ]);
    expect(statusOf("TokenRateLimitPolicy", "a-new")).toEqual({
      observedGeneration: 1,
      conditions: [
        {
          type: "Accepted",
          status: "False",
          reason: "Conflicted",
          message: expect.stringContaining("TokenRateLimitPolicy default/old is for the same target") as string,
          observedGeneration: 1,
        },
      ],
    });
    expect(statusOf("TokenRateLimitPolicy", "old")).toMatchObject({
      conditions: [
        { type: "Accepted", status: "True" },
        { type: "Enforced", status: "True" },
      ],
    });
    /* By name, where both say so: what one of them loses is told. */
    const merged = (limits: object) => on({ defaults: { strategy: "merge", limits } });
    const both = meaning(
      dated("new", "02", merged({ x: rates(9), y: rates(9) })),
      dated("old", "01", merged({ x: rates(1) })),
    );
    expect(both.at("budgets")).toMatchObject([{ name: "default/old/x" }, { name: "default/new/y" }]);
    expect(both.warnings).toEqual([expect.stringContaining("of which not x is in force")]);
    expect(both.statusOf("TokenRateLimitPolicy", "new")).toMatchObject({
      conditions: [
        { type: "Accepted", status: "True" },
        { type: "Enforced", status: "True", message: expect.stringContaining("partially") as string },
      ],
    });
  });

  test("for a part of its target that is not there is refused, and what it is for is closed", () => {
    for (const [kind, name, part, why] of [
      ["HTTPRoute", "a", "chta", /HTTPRoute a has no rule chta; did you mean chat\?/],
      ["Gateway", "gw", "https", /Gateway gw has no listener https; did you mean http\?/],
    ] as const) {
      const { at, problems, statusOf } = meaning(policy(on({ limits: { x: rates(1) } }, kind, name, part)));
      expect(problems).toEqual([expect.stringMatching(why)]);
      expect(at("budgets")).toEqual([]);
      expect(JSON.stringify(at("routes", "default/a"))).toContain("could not be applied");
      expect(statusOf("TokenRateLimitPolicy", "p")).toMatchObject({
        conditions: [{ type: "Accepted", status: "False", reason: "TargetNotFound" }],
      });
    }
  });

  test("with a condition that only makes sense between our parentheses is refused; a comment at its end stays one", () => {
    const withWhen = (predicate: string) =>
      meaning(policy(on({ limits: { x: { ...rates(1), when: [{ predicate }] } } })));
    expect(withWhen("true) || (true").problems).toHaveLength(1);
    const { at, problems } = withWhen("request.path != '' // x");
    expect(problems).toEqual([]);
    expect(budgetsConfig.budgets.safeParse(at("budgets")).success).toBe(true);
  });

  test("a policy of a rule is for that rule, and one that reaches no route or no target says so", () => {
    expect(budgets(policy(on({ limits: { x: rates(1) } }, "HTTPRoute", "a", "chat")))).toMatchObject({
      "default/p/x": { where: '"TokenRateLimitPolicy default/p/x" in request.tags' },
    });
    const { at } = meaning(policy(on({ limits: { x: rates(1) } }, "HTTPRoute", "a", "chat")));
    expect(at("routes", "default/a")).toMatchObject([
      { tags: [{ tag: "TokenRateLimitPolicy default/p/x", rules: ["chat"] }] },
    ]);
    const alone = meaningOf([gw("empty"), policy(on({ limits: { x: rates(1) } }, "Gateway", "empty"))]);
    expect(alone.statusOf("TokenRateLimitPolicy", "p")).toMatchObject({
      conditions: [
        { type: "Accepted", status: "True" },
        {
          type: "Enforced",
          status: "Unknown",
          reason: "Unknown",
          message: "TokenRateLimitPolicy is not in the path to any existing routes",
        },
      ],
    });
    const lost = meaningOf([policy(on({ limits: { x: rates(1) } }))]);
    expect(lost.statusOf("TokenRateLimitPolicy", "p")).toEqual({
      observedGeneration: 1,
      conditions: [
        {
          type: "Accepted",
          status: "False",
          reason: "TargetNotFound",
          message: "TokenRateLimitPolicy target a was not found",
          observedGeneration: 1,
        },
      ],
    });
  });

  test.each([
    [
      "when.0.predicate",
      { when: [{ predicate: 'request.query == "x"' }] },
      /the query of the address is not known here/,
    ],
    [
      "when.0.predicate",
      { when: [{ predicate: 'auth.identity.groups == "free"' }] },
      /list<string> == string; it is read here as `principal\.groups == "free"`/,
    ],
    [
      "when.0.predicate",
      { when: [{ predicate: 'requestBodyJSON("/temperature") == 1' }] },
      /requestBodyJSON of \/model/,
    ],
    ["when.0.predicate", { when: [{ predicate: "request.methd == 'GET'" }] }, /did you mean request\.method/],
    ["counters.0.expression", { counters: [{ expression: "source.port" }] }, /source\.port/],
    ["counters.0.expression", { counters: [{ expression: "auth.metadata.x" }] }, /AuthPolicy/],
    ["rates.0.window", { rates: [{ limit: 1, window: "500ms" }] }, /a second at least/],
    ["rates.0.limit", { rates: [{ limit: 0, window: "1m" }] }, /AccessPolicy/],
  ])("what cannot be honoured at %s is refused: %j", (place, limit, reason) => {
    const { problems, at, statusOf } = meaning(policy(on({ limits: { x: { ...rates(1), ...limit } } })));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^spec\\.limits\\.x\\.${place.replaceAll(".", "\\.")}: `));
    expect(problems[0]).toMatch(reason);
    expect(at("budgets")).toEqual([]);
    expect(statusOf("TokenRateLimitPolicy", "p")).toMatchObject({
      conditions: [
        { type: "Accepted", status: "False", reason: "Invalid" },
        { type: "Enforced", status: "False", reason: place.includes("rates") ? "Invalid" : "InvalidCelExpression" },
      ],
    });
  });

  test("that its CRD would refuse says so in its status, and closes its route", () => {
    const { statusOf, at } = meaning(policy(on({ limits: { x: rates(1, "1d") } })));
    expect(statusOf("TokenRateLimitPolicy", "p")).toEqual({
      observedGeneration: 1,
      conditions: [
        {
          type: "Accepted",
          status: "False",
          reason: "Invalid",
          message: expect.stringMatching(/is invalid: spec\.limits\.x\.rates\[0\]\.window: .*no days/) as string,
          observedGeneration: 1,
        },
      ],
    });
    expect(JSON.stringify(at("routes", "default/a"))).toContain("could not be applied");
    expect(JSON.stringify(at("routes", "default/b"))).not.toContain("could not be applied");
  });

  test("of a Gateway leaves its ordinary services alone, and says so", () => {
    const { warnings, at, statusOf } = meaning(
      policy(on({ overrides: { limits: { x: rates(1) } } }, "Gateway", "gw"), "wide"),
      policy(on({ limits: { x: rates(1) } }, "HTTPRoute", "b"), "near"),
    );
    expect(at("routes", "default/a")).toMatchObject([{ rules: [{ to: [{ service: "default/m:80" }] }, {}] }]);
    expect(at("routes", "default/b")).toMatchObject([{ rules: [{ to: [{ pool: "default/m:80" }] }, {}] }]);
    expect(warnings).toEqual([
      expect.stringMatching(/^spec\.targetRef: is for calls of models, not for 1 route to Services: default\/a:/),
    ]);
    const message = "TokenRateLimitPolicy has been partially enforced: not for 1 route to Services: default/a";
    expect(statusOf("TokenRateLimitPolicy", "wide")).toMatchObject({
      conditions: [{ status: "True" }, { type: "Enforced", status: "True", reason: "Enforced", message }],
    });
  });

  test("of a Gateway that has ordinary services alone is not said to be enforced", () => {
    const { statusOf } = meaning(policy(on({ limits: { x: rates(1) } }, "Gateway", "gw"), "wide"));
    expect(statusOf("TokenRateLimitPolicy", "wide")).toMatchObject({
      conditions: [
        { status: "True" },
        {
          type: "Enforced",
          status: "Unknown",
          message: expect.stringContaining("not for 2 routes to Services") as string,
        },
      ],
    });
  });
});
