import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../e2e/eventually.ts";
import { startApiServer } from "../api-server/api-server.ts";
import type { Json } from "../api-server/object-store.ts";
import { applyShop, startReplica, startShop } from "./cluster-scene.ts";

const shop = { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "shop" };
const sound: readonly (readonly [apiVersion: string, kind: string, sound: Json, wrong: Json])[] = [
  [
    "sallyport.dev/v1alpha1",
    "AccessPolicy",
    { rules: [{ name: "all", allow: "true" }] },
    { rules: [{ name: "all", allow: "true &&" }] },
  ],
  ["sallyport.dev/v1alpha1", "Budget", { limits: ["10k tokens/hour"] }, { limits: ["many tokens"] }],
  ["sallyport.dev/v1alpha1", "MCPServer", { url: "https://tools.example.com/mcp" }, { url: "tools" }],
  ["sallyport.dev/v1alpha1", "A2AAgent", { url: "https://agent.example.com/" }, { url: "agent" }],
  [
    "gateway.kgateway.dev/v1alpha1",
    "TrafficPolicy",
    {
      targetRefs: [shop],
      ai: { promptGuard: { request: { regex: { action: "REJECT", matches: [{ pattern: "secret" }] } } } },
    },
    {
      targetRefs: [shop],
      ai: { promptGuard: { request: { regex: { action: "REJECT", matches: [{ pattern: "(secret" }] } } } },
    },
  ],
  [
    "kuadrant.io/v1alpha1",
    "TokenRateLimitPolicy",
    { targetRef: shop, limits: { all: { rates: [{ limit: 1_000, window: "1m" }] } } },
    { targetRef: shop, limits: { all: { rates: [{ limit: 1_000, window: "0s" }] } } },
  ],
];

test("an object that is refused is told why in its status, and that it is in force once it is mended", async () => {
  const server = await startApiServer();
  onTestFinished(() => server.stop());
  applyShop(server, await startShop("one"));
  const put = ([apiVersion, kind, right, wrong]: (typeof sound)[number], isWrong: boolean) =>
    server.apply({
      apiVersion,
      kind,
      metadata: { name: "mine", namespace: "default" },
      spec: isWrong ? wrong : right,
    });
  for (const each of sound) put(each, true);
  await startReplica(server);
  const accepted = (kind: string) =>
    [...conditionsIn(server.get(kind, "default", "mine")["status"])].find(({ type }) => type === "Accepted");
  for (const [, kind] of sound)
    await eventually(() =>
      expect([kind, accepted(kind)]).toEqual([
        kind,
        expect.objectContaining({ status: "False", observedGeneration: 1, message: expect.stringMatching(/./) }),
      ]),
    );
  for (const each of sound) put(each, false);
  for (const [, kind] of sound)
    await eventually(() =>
      expect([kind, accepted(kind)]).toEqual([
        kind,
        expect.objectContaining({ status: "True", observedGeneration: 2 }),
      ]),
    );
});

/* Policies of others have theirs by Gateway. */
function* conditionsIn(status: unknown): Generator<Json> {
  const { conditions = [], ancestors = [] } = (status ?? {}) as { conditions?: Json[]; ancestors?: Json[] };
  yield* conditions;
  for (const ancestor of ancestors) yield* ancestor["conditions"] as Json[];
}
