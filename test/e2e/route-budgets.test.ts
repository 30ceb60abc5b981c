import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServicesScene, startServicesScene } from "../services/services-scene.ts";
import { type Served, startModels } from "./model-routes-scene.ts";

let models: Served;
let scene: ServicesScene;

beforeAll(async () => {
  models = await startModels("it", "llama", "tuned");
  const to = "to: {pool: default/p}";
  scene = await startServicesScene(`
pools:
  default/p: {engine: openai-compatible, endpoints: ["${models.url}"]}
  default/priced: {engine: openai-compatible, endpoints: ["${models.url}"], price: {input: "$0", output: "$1000000"}}
routes:
  default/tokens: {auth: optional, rules: [{match: {path: /tokens}, ${to}}]}
  default/calls: {auth: optional, rules: [{match: {path: /calls}, ${to}}]}
  default/others: {auth: optional, rules: [{match: {path: /others}, ${to}}]}
  default/users: {auth: optional, rules: [{match: {path: /users}, ${to}}]}
  default/named: {auth: optional, rules: [{match: {path: /named}, ${to}}]}
  default/unpriced: {auth: optional, rules: [{match: {path: /unpriced}, ${to}}]}
  default/priced: {auth: optional, rules: [{match: {path: /priced}, to: {pool: default/priced}}]}
budgets:
  - {name: default/tokens, where: 'request.route == "default/tokens"', limits: ["25 output tokens/90s"]}
  - {name: default/calls, where: 'request.route in ["default/calls", "default/others"]', per: request.route, limits: ["2 calls/48h"]}
  - {name: default/users, where: 'request.route == "default/users"', per: 'request.headers["x-team"]', limits: ["1 call/48h"]}
  - {name: default/named, where: 'request.route == "default/named"', limits: ["1 call/48h on tuned"]}
  - {name: default/dollars, where: 'request.route in ["default/priced", "default/unpriced"]', limits: ["$25/48h"]}
`);
});
afterAll(async () => {
  await scene.close();
  await models.close();
});

const ask = (
  path: string,
  { model = "llama", headers = {} }: { model?: string; headers?: Record<string, string> } = {},
) =>
  scene.ask(`${path}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model, max_tokens: 10, messages: [{ role: "user", content: "so?" }] }),
  });
const statuses = async (...calls: readonly Parameters<typeof ask>[]) => {
  const given = [];
  for (const call of calls) given.push((await ask(...call)).status);
  return given;
};

test("a budget of one route counts its calls alone, in a window of any length", async () => {
  expect(await statuses(["/tokens"], ["/tokens"])).toEqual([200, 200]);
  const refused = await ask("/tokens");
  expect(refused.status).toBe(429);
  expect(refused.headers["content-type"]).toBe("application/json");
  const waitS = Number(refused.headers["retry-after"]);
  expect(waitS).toBeGreaterThan(0);
  expect(waitS).toBeLessThanOrEqual(90);
  expect(JSON.parse(refused.text())).toMatchObject({
    error: {
      type: "rate_limit_error",
      code: "budget_exhausted",
      message: expect.stringContaining("The budget default/tokens (25 output tokens/90s) has 5 output tokens left"),
    },
  });
});

test("`per: request.route` gives each route a counter of its own", async () => {
  expect(await statuses(["/calls"], ["/calls"], ["/calls"], ["/others"])).toEqual([200, 200, 429, 200]);
});

test("an expression gives each of its values a counter of its own", async () => {
  const of = (user: string) => ["/users", { headers: { "x-team": user } }] as const;
  expect(await statuses([...of("ada")], [...of("ada")], [...of("bob")])).toEqual([200, 429, 200]);
});

test("a limit on a model that no entry has counts what callers call by that name", async () => {
  const tuned = ["/named", { model: "tuned" }] as const;
  expect(await statuses([...tuned], [...tuned], ["/named"])).toEqual([200, 429, 200]);
});

test("a pool's price is that of all it serves; without one a budget in dollars refuses", async () => {
  expect(await statuses(["/priced"], ["/priced"], ["/priced"])).toEqual([200, 200, 429]);
  expect((await ask("/unpriced")).text()).toContain("nobody knows what llama costs");
});
