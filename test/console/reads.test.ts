import { expect, test } from "vitest";
import type { Chain, ChainList } from "../../src/console/api/chains.ts";
import type { Connect, Models } from "../../src/console/api/models.ts";
import type { Overview } from "../../src/console/api/overview.ts";
import type { ExplainedOperation, Policies, RuleTrial } from "../../src/console/api/policies.ts";
import { type Scene, startScene } from "./console-scene.ts";

const budgets = `
budgets:
  - { name: each, per: principal, limits: ["200 tokens/day"] }
  - { name: all, limits: ["1M tokens/day", "$10/day"] }
`;

/** The only operation of a request. */
async function operationOf({ admin }: Scene, requestId: string) {
  const { body } = await admin<Chain>("GET", `/api/chains/${requestId}`);
  const [node] = body.children;
  if (node === undefined) throw new Error("the chain has one call");
  return node.record;
}

async function explain(scene: Scene, requestId: string): Promise<ExplainedOperation> {
  const { operationId, chainId } = await operationOf(scene, requestId);
  const known = await scene.admin<ExplainedOperation>("GET", `/api/operations/${operationId}?chain=${chainId}`);
  const searched = await scene.admin<ExplainedOperation>("GET", `/api/operations/${operationId}`);
  expect(searched).toEqual(known);
  return known.body;
}

test("the overview has what happened since the start, in buckets without gaps, and what is left of budgets", async () => {
  const scene = await startScene(budgets);
  for (const [caller, model, text] of [
    ["alice", "small", "Hello?"],
    ["bob", "small", "fail"],
    ["carl", "small", "Hello?"],
    ["alice", "pooled", "Hello?"],
  ] as const)
    await scene.ask(caller, model, text);
  for (const [window, buckets, bucketMs] of [
    ["15m", 60, 15_000],
    ["1h", 60, 60_000],
    ["24h", 96, 900_000],
  ] as const) {
    const { body } = await scene.admin<Overview>("GET", `/api/overview?window=${window}`);
    expect(body).toMatchObject({ window, bucketMs, inFlight: 0 });
    expect(body.totals).toMatchObject({ calls: 4, ok: 2, denied: 1, failed: 1, inputTokens: 20, outputTokens: 40 });
    expect(body.totals).toMatchObject({ costNanos: 100_000, byProtocol: { llm: 4, mcp: 0, a2a: 0 } });
    expect(body.totals.latency.p50).toBeGreaterThan(0);
    expect(body.buckets).toHaveLength(buckets);
    expect(body.buckets.reduce((sum, { calls }) => sum + calls, 0)).toBe(4);
    const starts = body.buckets.map(({ startMs }) => startMs);
    expect(starts.slice(1).every((start, at) => start - (starts[at] ?? 0) === bucketMs)).toBe(true);
    expect(body.tops.models[0]).toMatchObject({ calls: expect.any(Number), tokens: 30, costNanos: 50_000 });
    expect(body.tops.tenants.find(({ name }) => name === "blue")).toMatchObject({ calls: 2, tokens: 60 });
    expect(body.tops.denials).toEqual([{ name: "default", calls: 1, failed: 0, tokens: 0, costNanos: 0 }]);
    expect(body.tops.failing).toMatchObject([{ name: "small", calls: 1 }]);
    const each = body.budgets.find(({ name }) => name === "each");
    expect(each?.counters[0]).toMatchObject({
      key: "urn:sallyport:key#alice",
      unit: "tokens",
      amount: 200,
      used: 60,
      share: 0.3,
    });
    expect(each?.counters[0]?.perMinute).toBeGreaterThan(0);
    expect(body.budgets.find(({ name }) => name === "all")?.counters).toHaveLength(2);
  }
  expect((await scene.admin("GET", "/api/overview?window=2h")).status).toBe(400);
});

test("chains are listed by time, cost and calls, found by what they are about, and paged without a gap", async () => {
  const scene = await startScene();
  const asked: string[] = [];
  for (let count = 0; count < 7; count++)
    asked.push((await scene.ask(count % 2 === 0 ? "alice" : "bob", "small")).requestId);
  const denied = await scene.ask("carl", "small");
  const list = async (query: string) => (await scene.admin<ChainList>("GET", `/api/chains?${query}`)).body;
  const all = await list("");
  expect(all).toMatchObject({ total: 8, complete: true });
  expect(all.chains[0]).toMatchObject({
    chainId: denied.requestId,
    principal: "urn:sallyport:key#carl",
    tenant: "red",
    outcome: "denied",
    denied: 1,
    operations: 1,
    calls: 1,
    targets: ["small"],
  });
  expect((await list("sort=cost&limit=1")).chains[0]).toMatchObject({
    costNanos: 50_000,
    inputTokens: 10,
    outcome: "ok",
  });
  expect(await list("outcome=denied")).toMatchObject({ total: 1 });
  expect(await list("q=KEY%23bob")).toMatchObject({ total: 3 });
  expect(await list("q=blue")).toMatchObject({ total: 4 });
  expect((await list(`q=${asked[3]}`)).chains.map(({ chainId }) => chainId)).toEqual([asked[3]]);
  const paged: string[] = [];
  for (let after = ""; ;) {
    const page = await list(`limit=3${after}`);
    paged.push(...page.chains.map(({ chainId }) => chainId));
    if (page.next === undefined) break;
    after = `&after=${encodeURIComponent(page.next)}`;
  }
  expect(paged).toEqual(all.chains.map(({ chainId }) => chainId));
  for (const query of ["limit=501", "sort=name", "after=x", "outcome=fine", "other=1", `q=${"x".repeat(257)}`])
    expect((await scene.admin("GET", `/api/chains?${query}`)).status, query).toBe(400);
});

test("chains are found by the rule that denied, the budget that refused, the kind of the error, the time and what they took", async () => {
  const scene = await startScene(budgets);
  const secret = await scene.ask("alice", "secret");
  for (let count = 0; count < 3; count++) await scene.ask("bob", "small");
  const full = await scene.ask("bob", "small");
  const failed = await scene.ask("alice", "small", "fail");
  const list = async (query: Record<string, string | number>) => {
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, `${value}`]),
    );
    return (await scene.admin<ChainList>("GET", `/api/chains?${search}`)).body;
  };
  const ids = async (query: Record<string, string | number>) =>
    (await list(query)).chains.map(({ chainId }) => chainId);
  const rule = "nobody asks for the secret one";
  for (const query of [{ rule }, { q: "THE SECRET ONE" }])
    expect(await ids({ ...query, outcome: "denied" })).toEqual([secret.requestId]);
  expect(await ids({ rule: "default" })).toEqual([]);
  for (const query of [{ budget: "each" }, { error: "budget_exhausted" }, { q: "budget exhausted" }])
    expect(await ids(query), JSON.stringify(query)).toEqual([full.requestId]);
  expect(await ids({ error: "upstream_invalid" })).toEqual([]);
  const [row] = (await list({ outcome: "failed" })).chains;
  expect(row).toMatchObject({ chainId: failed.requestId, errors: [expect.any(String)], rules: [], budgets: [] });
  expect(await ids({ error: row!.errors[0]! })).toEqual([failed.requestId]);
  const { beganAtMs, durationMs } = row!;
  expect(await ids({ from: beganAtMs, to: beganAtMs + durationMs })).toContain(failed.requestId);
  expect(await ids({ from: beganAtMs + durationMs + 1_000 })).toEqual([]);
  expect(await ids({ to: beganAtMs - 1, outcome: "failed" })).toEqual([]);
  const counter = { charged: "each", under: "200 tokens/day", key: "urn:sallyport:key#bob", sort: "used" };
  const used = await list(counter);
  expect(used.chains.map(({ tenant, used: taken }) => [tenant, taken])).toEqual(
    Array.from({ length: 3 }, () => ["red", { amount: 30, unit: "tokens" }]),
  );
  expect(await list({ ...counter, key: "urn:sallyport:key#carl" })).toMatchObject({ total: 0 });
  expect(await list({ charged: "all" })).toMatchObject({ total: 3 });
  for (const query of ["sort=used", "key=x", "charged=all&sort=used", "from=soon"])
    expect((await scene.admin("GET", `/api/chains?${query}`)).status, query).toBe(400);
});

test("chains without a call are left out where only calls are asked for, and are there otherwise", async () => {
  const scene = await startScene();
  const { requestId } = await scene.ask("alice", "small");
  const listed = await scene.listModels("alice");
  const ids = async (query: string) =>
    (await scene.admin<ChainList>("GET", `/api/chains?${query}`)).body.chains.map(({ chainId }) => chainId);
  expect((await ids("")).toSorted()).toEqual([requestId, listed].toSorted());
  expect(await ids("only=calls")).toEqual([requestId]);
  expect((await scene.admin("GET", "/api/chains?only=handshakes")).status).toBe(400);
});

test("a denied call says which rule denied it, where that stands, and what to change", async () => {
  const scene = await startScene();
  const secret = await explain(scene, (await scene.ask("alice", "secret")).requestId);
  expect(secret.summary).toBe(
    'chat.completions of model secret of vllm was denied by the rule "nobody asks for the secret one": the rule matched.',
  );
  expect(secret.rule).toMatchObject({ effect: "deny", expression: 'llm.model == "secret"', hits: { denied: 1 } });
  expect(secret.rule?.source).toMatch(/policies\.yaml:\d+$/);
  expect(secret.sameRules).toBe(true);
  expect(secret.steps.map(({ text }) => text).join("\n")).not.toContain("llm.model");
  expect(secret.advice[0]).toMatch(
    /^The rule is at .*policies\.yaml:\d+\. Change it so that it does not match this call/,
  );
  const unknown = await explain(scene, (await scene.ask("carl", "small")).requestId);
  expect(unknown.summary).toContain("denied by default, since no rule allowed it");
  expect(unknown.advice[1]).toContain("it has no groups");
  expect(unknown.steps[0]).toMatchObject({
    step: "caller",
    text: "urn:sallyport:key#carl of tenant red, groups: none",
  });
});

test("a call without budget says which counter was full, and leads to the calls that used it up", async () => {
  const scene = await startScene(budgets);
  const spent = [];
  for (let count = 0; count < 3; count++) spent.push((await scene.ask("alice", "small")).requestId);
  await scene.ask("bob", "small");
  const { requestId } = await scene.ask("alice", "small");
  const { summary, steps, advice, usedBy } = await explain(scene, requestId);
  expect(summary).toMatch(
    /was refused: the budget each \(200 tokens\/day, of urn:sallyport:key#alice\) had 110 tokens left of 200 tokens, and this call needed room for 1\d\d tokens\.$/,
  );
  expect(steps).toContainEqual({
    step: "budget",
    verdict: "refused",
    text: expect.stringContaining("the budget each"),
  });
  expect(advice.join(" ")).not.toMatch(/below|20\d\d-/);
  expect(usedBy).toMatchObject({ budget: "each", unit: "tokens", amount: 200, booked: 90, calls: 3, complete: true });
  expect(usedBy?.principals).toEqual([{ principal: "urn:sallyport:key#alice", booked: 90, share: 0.45, calls: 3 }]);
  expect(new Set(usedBy?.chains.map(({ chainId }) => chainId))).toEqual(new Set(spent));
  expect(usedBy?.chains[0]).toMatchObject({
    principal: "urn:sallyport:key#alice",
    booked: 30,
    share: 0.15,
    calls: 1,
    dearest: { target: "small", booked: 30 },
  });
});

test("an operation that is not on record is not found", async () => {
  const { admin } = await startScene();
  expect(await admin("GET", "/api/operations/nothing")).toMatchObject({ status: 404 });
});

test("rules are shown with their source and how often each decided", async () => {
  const scene = await startScene();
  await scene.ask("alice", "small");
  await scene.ask("alice", "secret");
  await scene.ask("carl", "small");
  const { body } = await scene.admin<Policies>("GET", "/api/policies");
  expect(body).toMatchObject({ mode: "rules", deniedByDefault: 1 });
  expect(body.rules.map(({ name, effect, hits }) => [name, effect, hits.allowed, hits.denied])).toEqual([
    ["nobody asks for the secret one", "deny", 0, 1],
    ["analysts", "allow", 1, 0],
  ]);
});

test("a rule is tried on recorded calls: what it would change, and what nobody can tell", async () => {
  const scene = await startScene();
  await scene.ask("alice", "small");
  await scene.ask("bob", "small");
  await scene.ask("carl", "small");
  const attempt = async (rule: object) => (await scene.admin<RuleTrial>("POST", "/api/policies/try", rule)).body;
  expect(await attempt({ deny: 'principal.tenant == "red"' })).toMatchObject({
    looked: 3,
    matches: 2,
    newlyDenied: 1,
    newlyAllowed: 0,
    unchanged: 2,
    undecidable: 0,
    cases: [{ principal: "urn:sallyport:key#bob", would: "deny", target: "small" }],
  });
  expect(await attempt({ allow: 'llm.model == "small"', on: "llm" })).toMatchObject({ newlyAllowed: 1, unchanged: 2 });
  expect(await attempt({ require: '"analyst" in principal.groups' })).toMatchObject({ newlyDenied: 0, unchanged: 3 });
  expect(await attempt({ deny: "llm.messages.size() > 3", on: ["llm"] })).toMatchObject({
    undecidable: 3,
    cases: [{ would: "unknown", missing: "llm.messages" }, {}, {}],
  });
  const guarded = 'principal.tenant == "blue" && llm.messages.size() > 3';
  expect(await attempt({ deny: guarded, on: "llm" })).toMatchObject({ undecidable: 1, unchanged: 2 });
  expect(await attempt({ deny: 'mcp.tool.name == "x"', on: "mcp" })).toMatchObject({ looked: 0 });
  for (const rule of [
    { deny: "llm.modle == 'x'", on: "llm" },
    {},
    { allow: "true", deny: "true" },
    { allow: "true", records: 0 },
  ])
    expect((await scene.admin("POST", "/api/policies/try", rule)).status).toBe(400);
});

test("models are shown with who serves them, pools with their endpoints, and the newest picks with their scores", async () => {
  const scene = await startScene();
  const { requestId } = await scene.ask("alice", "pooled");
  const { body } = await scene.admin<Models>("GET", "/api/models");
  expect(body.models.find(({ name }) => name === "pooled")).toMatchObject({
    pool: "local",
    price: { perInputToken: 1_000 },
  });
  expect(body.pools).toMatchObject([{ pool: "local", endpoints: [{ name: "local-0", state: "well", requests: 0 }] }]);
  expect(body.picks).toMatchObject([{ pool: "local", model: "pooled", chainId: requestId }]);
  expect((await scene.admin("PUT", "/api/endpoints/local-0/drain")).status).toBe(204);
  const drained = await scene.admin<Models>("GET", "/api/models");
  expect(drained.body.pools[0]?.endpoints[0]?.state).toBe("draining");
});

test("what snippets need is told: addresses, names, and how to get a credential", async () => {
  const scene = await startScene();
  const { body } = await scene.admin<Connect>("GET", "/api/connect");
  expect(body).toMatchObject({
    publicUrl: scene.publicUrl,
    auth: { embedded: true, tokenUrl: `${scene.publicUrl}/oauth/token`, anonymous: false },
    models: { names: ["small", "secret", "pooled"], openaiUrl: `${scene.publicUrl}/v1`, anthropicUrl: scene.publicUrl },
    agents: [],
    mcp: [],
  });
});

test("of a chain that burnt its budget the calls that did are its own, whoever else was charged in that budget", async () => {
  const scene = await startScene("budgets: [{ name: one-run, per: chain, limits: [3 calls] }]");
  const trace = (digit: string) => ({ traceparent: `00-${digit.repeat(32)}-00f067aa0ba902b7-01` });
  await scene.ask("bob", "small", "Hello?", trace("b"));
  const asked = [];
  for (let count = 0; count < 4; count++) asked.push(await scene.ask("alice", "small", "Hello?", trace("a")));
  expect(asked.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  const { body: chain } = await scene.admin<Chain>("GET", `/api/chains/${asked[3]?.requestId}`);
  const refused = chain.children.map(({ record }) => record).find(({ refusals }) => refusals !== undefined);
  const path = `/api/operations/${refused?.operationId}?chain=${chain.chainId}`;
  const { body } = await scene.admin<ExplainedOperation>("GET", path);
  expect(body.record.refusals).toMatchObject([{ budget: "one-run", limit: "3 calls", key: chain.chainId, used: 3 }]);
  expect(body.usedBy).toMatchObject({
    booked: 3,
    complete: true,
    chains: [{ chainId: chain.chainId, booked: 3, share: 1, calls: 3 }],
  });
  expect(body.usedBy?.chains).toHaveLength(1);
  expect(body.advice[0]).toContain("it ends with its chain");
});
