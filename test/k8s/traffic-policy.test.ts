import { describe, expect, test } from "vitest";
import { guardrailsConfig } from "../../src/guardrails/config.ts";
import { trafficPolicy } from "../../src/k8s/kinds/traffic-policy.ts";
import { meaningOf, sample, type Sample } from "./objects-from.ts";
import { backends, GROUP, gw, route, target } from "./policy-input.ts";

describe("a TrafficPolicy", () => {
  const guard = (request: object, ...targetRefs: object[]) => ({ targetRefs, ai: { promptGuard: { request } } });
  const rejecting = (pattern: string) => ({ regex: { action: "REJECT", matches: [{ pattern }] } });
  const meaning = (...objects: object[]) => meaningOf([gw(), route("a"), route("b"), ...objects], { backends });

  test("rejects and masks by patterns and by kinds of personal data, in requests and in answers", () => {
    const { at, problems } = meaning(
      sample(
        trafficPolicy,
        {
          targetRefs: [target("HTTPRoute", "a")],
          ai: {
            promptGuard: {
              request: {
                customResponse: { message: "No.", statusCode: 422 },
                webhook: { endpoint: { host: "guard.default.svc", port: 8000 } },
                regex: {
                  action: "REJECT",
                  matches: [{ pattern: "(?i)forget", name: "x" }],
                  builtins: ["SSN", "EMAIL"],
                },
              },
              response: { regex: { matches: [{ pattern: "key-[a-z]+" }], builtins: ["CREDIT_CARD", "PHONE_NUMBER"] } },
            },
          },
        },
        { name: "p" },
      ),
    );
    expect(problems).toEqual([]);
    const common = { on: ["llm"], where: '"TrafficPolicy default/p" in request.tags' };
    expect(at("routes", "default/a")).toMatchObject([{ tags: [{ tag: "TrafficPolicy default/p" }] }]);
    expect(at("routes", "default/b")).not.toMatchObject([{ tags: expect.anything() as unknown }]);
    const guards = at("guardrails");
    expect(guards).toEqual([
      { type: "webhook", url: "http://guard.default.svc:8000", direction: "input", ...common },
      {
        type: "pattern",
        direction: "input",
        reject: [{ regex: "forget", caseSensitive: false }],
        message: "No.",
        status: 422,
        ...common,
      },
      { type: "pii", mask: ["ssn", "email"], input: "reject", message: "No.", status: 422, ...common },
      {
        type: "pattern",
        direction: "output",
        mask: [{ regex: "key-[a-z]+", caseSensitive: true, buffer: true }],
        ...common,
      },
      { type: "pii", mask: ["card", "phone"], input: "pass", output: "mask", ...common },
    ]);
    expect(guardrailsConfig.guardrails.safeParse(guards).success).toBe(true);
  });

  test("masks requests when it says nothing else, and answers 403 with a message of its own when it rejects", () => {
    const masking = meaning(
      sample(
        trafficPolicy,
        guard({ regex: { matches: [{ pattern: "x{2,9}" }], builtins: ["EMAIL"] } }, target("HTTPRoute", "a")),
      ),
    );
    expect(masking.at("guardrails")).toMatchObject([
      { type: "pattern", direction: "input", mask: [{ regex: "x{2,9}" }] },
      { type: "pii", mask: ["email"], input: "mask" },
    ]);
    const rejected = meaning(sample(trafficPolicy, guard(rejecting("x"), target("HTTPRoute", "a"))));
    expect(rejected.at("guardrails")).toMatchObject([
      { message: "The request was rejected due to inappropriate content", status: 403 },
    ]);
  });

  test("never lifts another: those of the Gateway hold first, then its listener's, the route's and its rule's", () => {
    const { at, statusOf } = meaning(
      sample(trafficPolicy, guard(rejecting("rule"), target("HTTPRoute", "a", "chat")), { name: "a-rule" }),
      sample(trafficPolicy, guard(rejecting("one"), target("HTTPRoute", "a")), { name: "b-one" }),
      sample(trafficPolicy, guard(rejecting("listener"), target("Gateway", "gw", "http")), { name: "c-listener" }),
      sample(trafficPolicy, guard(rejecting("all"), target("Gateway", "gw")), { name: "d-all" }),
    );
    const found = at("guardrails") as readonly {
      readonly reject: readonly { readonly regex: string }[];
      readonly where: string;
    }[];
    expect(found.map(({ reject, where }) => [reject[0]!.regex, where])).toEqual(
      ["d-all", "c-listener", "b-one", "a-rule"].map((name) => [
        name.slice(2),
        `"TrafficPolicy default/${name}" in request.tags`,
      ]),
    );
    const tag = (name: string, more = {}) => ({ tag: `TrafficPolicy default/${name}`, ...more });
    const shared = [tag("d-all"), tag("c-listener")];
    expect(at("routes", "default/a")).toMatchObject([
      { tags: [...shared, tag("b-one"), tag("a-rule", { rules: ["chat"] })] },
    ]);
    expect(at("routes", "default/b")).toMatchObject([{ tags: shared }]);
    expect(statusOf("TrafficPolicy", "d-all")).toMatchObject({
      ancestors: [{ conditions: [{}, { reason: "Attached" }] }],
    });
  });

  test("of a route lifts nothing of its Gateway's with another word below ai", () => {
    const { at, warnings } = meaning(
      sample(trafficPolicy, guard(rejecting("all"), target("Gateway", "gw")), { name: "all" }),
      sample(trafficPolicy, { targetRefs: [target("HTTPRoute", "a")], ai: { routeType: "CHAT" } }, { name: "off" }),
    );
    expect(at("guardrails")).toMatchObject([{ reject: [{ regex: "all" }] }]);
    expect(at("routes", "default/a")).toMatchObject([{ tags: [{ tag: "TrafficPolicy default/all" }] }]);
    expect(warnings).toContain("spec: says nothing in `ai.promptGuard`: it has no effect");
  });

  test("and a second one on the same target both hold, the older one first", () => {
    const at = (name: string, day: string): Sample => ({
      name,
      generation: 2,
      creationTimestamp: `2026-11-${day}T00:00:00Z`,
    });
    const { at: pieces, statusOf } = meaning(
      sample(trafficPolicy, guard(rejecting("new"), target("HTTPRoute", "a")), at("a-new", "02")),
      sample(trafficPolicy, guard(rejecting("old"), target("HTTPRoute", "a")), at("old", "01")),
    );
    expect(pieces("guardrails")).toMatchObject([{ reject: [{ regex: "old" }] }, { reject: [{ regex: "new" }] }]);
    for (const name of ["old", "a-new"])
      expect(statusOf("TrafficPolicy", name)).toEqual({
        ancestors: [
          {
            ancestorRef: { group: GROUP, kind: "Gateway", namespace: "default", name: "gw" },
            controllerName: "sallyport.dev/gateway",
            conditions: [
              {
                type: "Accepted",
                status: "True",
                reason: "Valid",
                message: "The policy is accepted.",
                observedGeneration: 2,
              },
              {
                type: "Attached",
                status: "True",
                reason: "Attached",
                message: "Attached to all targets.",
                observedGeneration: 2,
              },
            ],
          },
        ],
      });
  });

  test.each([
    ["HTTPRoute", "a", "chta", /HTTPRoute a has no rule chta; did you mean chat\?/, ["a"]],
    ["Gateway", "gw", "htp", /Gateway gw has no listener htp; did you mean http\?/, ["a", "b"]],
  ] as const)(
    "for a part of a %s that is not there is refused, and what it is for is closed",
    (kind, name, part, why, closed) => {
      const { at, problems, statusOf } = meaning(
        sample(trafficPolicy, guard(rejecting("x"), target(kind, name, part)), { name: "p" }),
      );
      expect(problems).toEqual([expect.stringMatching(why)]);
      expect(problems[0]).toMatch(/^spec\.targetRefs\.0\.sectionName: /);
      expect(at("guardrails")).toEqual([]);
      for (const each of ["a", "b"] as const)
        expect([each, JSON.stringify(at("routes", `default/${each}`)).includes("could not be applied")]).toEqual([
          each,
          (closed as readonly string[]).includes(each),
        ]);
      expect(statusOf("TrafficPolicy", "p")).toMatchObject({
        ancestors: [{ conditions: [{ type: "Accepted", status: "False", reason: "TargetNotFound" }, {}] }],
      });
    },
  );

  test("of a Gateway leaves its ordinary services alone, and says so; one that names a route takes its Services for models", () => {
    const { warnings, at, statusOf } = meaning(
      sample(trafficPolicy, guard(rejecting("x"), target("Gateway", "gw")), { name: "all" }),
      sample(trafficPolicy, guard(rejecting("x"), target("HTTPRoute", "b")), { name: "near" }),
    );
    expect(at("routes", "default/a")).toMatchObject([{ rules: [{ to: [{ service: "default/m:80" }] }, {}] }]);
    expect(at("routes", "default/b")).toMatchObject([{ rules: [{ to: [{ pool: "default/m:80" }] }, {}] }]);
    expect(warnings).toEqual([
      expect.stringMatching(/^spec\.targetRefs\.0: is for calls of models, not for 1 route to Services: default\/a:/),
    ]);
    const attachedOf = (name: string) => JSON.stringify(statusOf("TrafficPolicy", name));
    expect(attachedOf("all")).toContain(
      '"Attached to calls of models by all targets, not for 1 route to Services: default/a."',
    );
    expect(attachedOf("near")).toContain('"Attached to all targets."');
  });

  test("of a Gateway that has ordinary services alone is attached to nothing, and of many names three", () => {
    const { statusOf } = meaningOf(
      [
        gw(),
        ...["a", "b", "c", "d"].map((name) => route(name)),
        sample(trafficPolicy, guard(rejecting("x"), target("Gateway", "gw")), { name: "all" }),
      ],
      { backends },
    );
    const message =
      "No route of the targets serves models; not for 4 routes to Services: default/a, default/b, default/c, ….";
    expect(statusOf("TrafficPolicy", "all")).toMatchObject({
      ancestors: [{ conditions: [{}, { type: "Attached", status: "False", reason: "Pending", message }] }],
    });
  });

  test("whose rejections would pass for answers is refused", () => {
    const { problems } = meaning(
      sample(
        trafficPolicy,
        guard({ ...rejecting("x"), customResponse: { statusCode: 200 } }, target("HTTPRoute", "a")),
      ),
    );
    expect(problems).toEqual([
      expect.stringMatching(/^spec\.ai\.promptGuard\.request\.customResponse\.statusCode: 400 at least/),
    ]);
  });

  test("that is for one of two gateways of a route is for what comes by its listeners alone", () => {
    const { at } = meaningOf(
      [
        gw("inside", "a", "b"),
        gw("outside"),
        route("r", "inside", "outside"),
        sample(trafficPolicy, guard(rejecting("x"), target("Gateway", "inside", "b"))),
      ],
      { backends },
    );
    expect(at("routes", "default/r")).toMatchObject([
      { tags: [{ tag: "TrafficPolicy default/it", listeners: ["default/inside/b"] }] },
    ]);
  });

  test("whose target is not there is a warning, and its status says so", () => {
    const { at, warnings, problems, statusOf } = meaningOf([
      sample(trafficPolicy, guard(rejecting("x"), target("HTTPRoute", "openai-route")), { name: "p" }),
    ]);
    expect([at("guardrails"), problems]).toEqual([[], []]);
    expect(warnings).toEqual([
      "spec.targetRefs.0: there is no HTTPRoute openai-route in namespace default: it has no effect there",
    ]);
    expect(statusOf("TrafficPolicy", "p")).toMatchObject({
      ancestors: [
        {
          ancestorRef: { group: GROUP, kind: "HTTPRoute", namespace: "default", name: "openai-route" },
          conditions: [
            { type: "Accepted", status: "True", reason: "Valid" },
            { type: "Attached", status: "False", reason: "TargetNotFound" },
          ],
        },
      ],
    });
  });

  test("with a pattern that cannot be proven fast is refused by its path, its status says why, and its route is closed", () => {
    const { at, problems, statusOf } = meaning(
      sample(trafficPolicy, guard(rejecting("(a+)+$"), target("HTTPRoute", "a")), { name: "p" }),
    );
    expect(problems).toEqual([
      expect.stringMatching(/^spec\.ai\.promptGuard\.request\.regex\.matches\.0\.pattern: the pattern can be slow/),
    ]);
    expect(at("guardrails")).toEqual([]);
    expect(statusOf("TrafficPolicy", "p")).toMatchObject({
      ancestors: [
        {
          conditions: [
            { type: "Accepted", status: "False", reason: "Invalid", message: expect.stringContaining("slow") },
            { type: "Attached", status: "False", reason: "Pending" },
          ],
        },
      ],
    });
    const to = [{ unresolved: "a policy of this route could not be applied" }];
    expect(at("routes", "default/a")).toMatchObject([{ rules: [{ to }, { to }] }]);
    expect(JSON.stringify(at("routes", "default/b"))).not.toContain("could not be applied");
  });

  test("with a part that is not honoured is refused by its path, and its status says which", () => {
    const { problems, statusOf, at } = meaning(
      sample(
        trafficPolicy,
        { ...guard(rejecting("x"), target("HTTPRoute", "a")), rateLimit: { local: {} } },
        { name: "p", generation: 7 },
      ),
    );
    const reason =
      "spec.rateLimit: not supported: of a TrafficPolicy `ai.promptGuard` alone is honoured here, with its fields of kgateway 2.0";
    expect(problems).toEqual([reason]);
    expect(statusOf("TrafficPolicy", "p")).toEqual({
      ancestors: [
        {
          ancestorRef: { group: GROUP, kind: "HTTPRoute", namespace: "default", name: "a" },
          controllerName: "sallyport.dev/gateway",
          conditions: [
            { type: "Accepted", status: "False", reason: "Invalid", message: reason, observedGeneration: 7 },
            {
              type: "Attached",
              status: "False",
              reason: "Pending",
              message: "The policy is not valid.",
              observedGeneration: 7,
            },
          ],
        },
      ],
    });
    expect(JSON.stringify(at("routes", "default/a"))).toContain("could not be applied");
    /* Where an API server has taken it, no field of it is left out as it would be elsewhere. */
    const promptGuard = { request: { ...rejecting("x"), scope: ["SystemPrompt"] } };
    const spec = { targetRefs: [target("HTTPRoute", "a")], ai: { promptGuard } };
    expect(meaningOf([sample(trafficPolicy, spec)], { source: "cluster" }).problems).toEqual([
      "spec.ai.promptGuard.request.scope: not supported: of a TrafficPolicy `ai.promptGuard` alone is honoured here, with its fields of kgateway 2.0",
    ]);
  });
});
