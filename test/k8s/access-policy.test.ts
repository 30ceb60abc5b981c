import { describe, expect, test } from "vitest";
import { policiesSchema } from "../../src/authz/config.ts";
import { accessPolicy } from "../../src/k8s/kinds/access-policy.ts";
import { mcpServer } from "../../src/k8s/kinds/mcp-server.ts";
import { meaningOf, sample } from "./objects-from.ts";
import { backends, gw, route, target } from "./policy-input.ts";

describe("an AccessPolicy", () => {
  const tools = sample(mcpServer, { url: "http://tools:1/mcp" }, { name: "tools" });
  const meaning = (...objects: object[]) => meaningOf([gw(), route("a"), tools, ...objects], { backends });
  const rules = (spec: object, base = {}) =>
    meaningOf([gw(), route("a"), tools, sample(accessPolicy, spec, { name: "p" })], { backends, base }).at(
      "policies",
      "rules",
    );
  const known = 'principal.issuer != "urn:sallyport:anonymous"';
  const open = (mcp: string, llm = "") => [
    { name: "no AccessPolicy (mcp)", on: ["mcp"], allow: `${mcp}${known}` },
    { name: "no AccessPolicy (a2a)", on: ["a2a"], allow: known },
    {
      name: "no AccessPolicy (llm)",
      on: ["llm"],
      allow: `!("AccessPolicy" in request.tags) && ${llm}(!request.route.startsWith("/") || ${known})`,
    },
    { name: "no AccessPolicy (http)", on: ["http"], allow: '!("AccessPolicy" in request.tags)' },
  ];

  test("holds for its targets alone; what no AccessPolicy is for stays as open as it was", () => {
    const found = rules({
      targetRefs: [target("MCPServer", "tools")],
      rules: [
        { name: "read", allow: 'mcp.tool.name.startsWith("read_")', scopes: ["tools"], message: "No." },
        { name: "no secrets", deny: 'mcp.tool.name == "secrets"', mode: "shadow" },
        { name: "known", require: 'principal.tenant != ""' },
      ],
    });
    const tool = 'mcp.server == "default/tools"';
    expect(found).toEqual([
      {
        name: "default/p/read",
        on: ["mcp"],
        allow: `(${tool}) && (mcp.tool.name.startsWith("read_"))`,
        scopes: ["tools"],
        message: "No.",
      },
      { name: "default/p/no secrets", on: ["mcp"], deny: `(${tool}) && (mcp.tool.name == "secrets")`, mode: "shadow" },
      { name: "default/p/known", on: ["mcp"], require: `!(${tool}) || (principal.tenant != "")` },
      ...open('!(mcp.server in ["default/tools"]) && '),
    ]);
    expect(policiesSchema.safeParse({ rules: found }).success).toBe(true);
  });

  test("without targets holds for its namespace, each rule for the protocols that it names", () => {
    const found = rules({ rules: [{ name: "one", on: ["mcp", "http"], allow: "true" }] }) as readonly object[];
    expect(found.slice(0, 2)).toEqual([
      { name: "default/p/one (mcp)", on: ["mcp"], allow: '(mcp.server.startsWith("default/")) && (true)' },
      { name: "default/p/one (http)", on: ["http"], allow: '(request.route.startsWith("default/")) && (true)' },
    ]);
  });

  test("whose rules all only record closes nothing", () => {
    const found = rules({
      targetRefs: [target("MCPServer", "tools"), target("HTTPRoute", "a")],
      rules: [{ name: "trial", require: "false", mode: "shadow" }],
    });
    expect(found.slice(-4)).toEqual(open(""));
    const { at } = meaning(
      sample(
        accessPolicy,
        {
          targetRefs: [target("HTTPRoute", "a")],
          rules: [{ name: "trial", allow: "false", mode: "shadow" }],
        },
        { name: "p" },
      ),
    );
    expect(at("routes", "default/a")).toMatchObject([{ tags: [{ tag: "AccessPolicy default/p" }] }]);
  });

  test("for more than one expression can say is refused at its place, or leaves closed what none is for, and says so", () => {
    const names = Array.from({ length: 16 }, (_, index) => `${"n".repeat(250)}${index}`);
    const wordy = meaningOf([
      ...names.map((name) => sample(mcpServer, { url: "http://tools:1/mcp" }, { name, namespace: "n".repeat(63) })),
      sample(
        accessPolicy,
        {
          targetRefs: names.map((name) => target("MCPServer", name)),
          rules: [{ name: "one", allow: `principal.subject == "${"x".repeat(4_000)}"` }],
        },
        { name: "p", namespace: "n".repeat(63) },
      ),
    ]);
    expect(wordy.problems).toEqual([expect.stringMatching(/^spec\.rules\.0\.allow: .*8,?192/)]);
    const spaces = Array.from({ length: 250 }, (_, index) => `team-${index}`);
    const { at, problems, warnings } = meaningOf(
      spaces.map((namespace) =>
        sample(accessPolicy, { rules: [{ name: "one", on: ["mcp"], allow: "true" }] }, { name: "p", namespace }),
      ),
    );
    expect(problems).toEqual([]);
    const found = at("policies", "rules") as readonly { readonly name: string }[];
    expect(found.filter(({ name }) => name.startsWith("no AccessPolicy"))).toEqual([]);
    expect(warnings.at(-1)).toMatch(/^kind: AccessPolicies are for more .* closed too \(mcp, a2a, llm, http\)/);
    expect(policiesSchema.safeParse({ rules: found }).success).toBe(true);
  });

  test("of a route or a gateway holds for calls of models and of services by it", () => {
    const found = rules({
      targetRefs: [target("Gateway", "gw")],
      rules: [{ name: "one", allow: 'request.method == "GET"' }],
    });
    expect(found[0]).toEqual({
      name: "default/p/one",
      on: ["llm", "http"],
      allow: '("AccessPolicy default/p" in request.tags) && (request.method == "GET")',
    });
    const { at } = meaning(
      sample(
        accessPolicy,
        { targetRefs: [target("HTTPRoute", "a")], rules: [{ name: "one", allow: "true" }] },
        { name: "p" },
      ),
    );
    expect(at("routes", "default/a")).toMatchObject([
      { tags: [{ tag: "AccessPolicy default/p" }, { tag: "AccessPolicy" }] },
    ]);
  });

  test("beside rules of the configuration file adds to them; beside files of rules it is refused", () => {
    const spec = { rules: [{ name: "one", on: ["mcp"], allow: "true" }] };
    expect(rules(spec, { policies: { rules: [{ name: "x", allow: "true" }] } })).toHaveLength(1);
    const { problems } = meaningOf([sample(accessPolicy, spec)], { base: { policies: "./policies" } });
    expect(problems).toEqual([expect.stringMatching(/^kind: `policies` of the configuration file names files/)]);
  });

  test("with an expression that is none is refused by its place, its status says why, and what it is for is closed", () => {
    const { at, problems, statusOf } = meaning(
      sample(
        accessPolicy,
        {
          targetRefs: [target("MCPServer", "tools"), target("HTTPRoute", "a")],
          rules: [{ name: "x", on: ["mcp"], deny: 'mcp.tool.nam == "x"' }],
        },
        { name: "p", generation: 4 },
      ),
    );
    expect(problems).toEqual([expect.stringMatching(/^spec\.rules\.0\.deny: .*mcp\.tool\.name/)]);
    expect(at("policies", "rules")).toEqual([]);
    expect(statusOf("AccessPolicy", "p")).toEqual({
      observedGeneration: 4,
      conditions: [
        {
          type: "Accepted",
          status: "False",
          reason: "Invalid",
          message: expect.stringContaining("mcp.tool.name") as string,
          observedGeneration: 4,
        },
        {
          type: "ResolvedRefs",
          status: "True",
          reason: "ResolvedRefs",
          message: "All targets are there.",
          observedGeneration: 4,
        },
      ],
    });
    expect(at("mcp", "servers", "default/tools")).toMatchObject([
      { url: expect.stringContaining(".invalid/") as string },
    ]);
    expect(at("routes", "default/a")).toMatchObject([
      { rules: [{ to: [{ unresolved: expect.any(String) as string }] }, {}] },
    ]);
    /* Each makes sense between parentheses alone, and would be for more than the targets. */
    for (const allow of ["true) || (true", "true // x", 'mcp.tool.name == "a") || (1 == 1'])
      expect([
        allow,
        meaning(sample(accessPolicy, { targetRefs: [target("MCPServer", "tools")], rules: [{ name: "x", allow }] }))
          .problems.length,
      ]).toEqual([allow, allow.includes("//") ? 0 : 1]);
    const { problems: strange } = meaning(
      sample(accessPolicy, {
        targetRefs: [target("MCPServer", "tools")],
        rules: [{ name: "x", on: ["a2a"], deny: "true" }],
      }),
    );
    expect(strange).toEqual(["spec.rules.0.on: no target is of a2a: they are of mcp"]);
  });

  test("that cannot even be read closes its namespace", () => {
    const { at, statusOf } = meaning(sample(accessPolicy, { rules: [] }, { name: "p", generation: 1 }));
    expect(statusOf("AccessPolicy", "p")).toEqual({
      observedGeneration: 1,
      conditions: [
        {
          type: "Accepted",
          status: "False",
          reason: "Invalid",
          message: expect.stringContaining("spec.rules") as string,
          observedGeneration: 1,
        },
      ],
    });
    expect(at("mcp", "servers", "default/tools")).toMatchObject([
      { url: expect.stringContaining(".invalid/") as string },
    ]);
    expect(at("routes", "default/a")).toMatchObject([
      { rules: [{ to: [{ unresolved: expect.any(String) as string }] }, {}] },
    ]);
  });

  test("whose targets are not there is in force nowhere, and says so", () => {
    const { statusOf, warnings } = meaning(
      sample(
        accessPolicy,
        { targetRefs: [target("A2AAgent", "gone")], rules: [{ name: "x", allow: "true" }] },
        { name: "p" },
      ),
    );
    expect(warnings.at(-1)).toBe(
      "spec.targetRefs.0: there is no A2AAgent gone in namespace default: it has no effect there",
    );
    expect(statusOf("AccessPolicy", "p")).toMatchObject({
      conditions: [
        { type: "Accepted", status: "False", reason: "TargetNotFound" },
        { type: "ResolvedRefs", status: "False", reason: "TargetNotFound" },
      ],
    });
  });
});
