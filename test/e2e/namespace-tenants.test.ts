import { expect, onTestFinished, test } from "vitest";
import { startStaticIssuer } from "../auth/static-issuer.ts";
import { startServicesScene } from "../services/services-scene.ts";
import { chat, startModels } from "./model-routes-scene.ts";

test("the namespace of a service account is its tenant, and callers without one have that of the route", async () => {
  const models = await startModels("it", "llama");
  const issuer = await startStaticIssuer();
  const scene = await startServicesScene(`
auth: {issuers: [{url: "${issuer.url}", types: any, audience: sallyport, claims: {tenant: kubernetes.io.namespace}}]}
pools: {p: {engine: openai-compatible, endpoints: ["${models.url}"]}}
routes: {default/chat: {auth: optional, tenant: default, rules: [{match: {path: /chat}, to: {pool: p}}]}}
budgets: [{name: one, per: tenant, limits: ["1 call/48h"]}]
`);
  onTestFinished(async () => {
    await scene.close();
    await models.close();
  });
  const ask = async (token?: string) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await chat(scene, "/chat/v1/chat/completions", "llama", { headers })).status;
  };
  /* As a cluster signs them: no type, no client, no scope. */
  const of = (namespace: string | undefined, name: string) =>
    issuer.token(
      ["sallyport"],
      {
        sub: `system:serviceaccount:${namespace}:${name}`,
        client_id: undefined,
        scope: undefined,
        ...(namespace !== undefined && {
          "kubernetes.io": { namespace, pod: { name: "p", uid: "1" }, serviceaccount: { name, uid: "2" } },
        }),
      },
      { typ: undefined },
    );
  expect([await ask(await of("team-a", "one")), await ask(await of("team-a", "two"))]).toEqual([200, 429]);
  expect(await ask(await of("team-b", "one"))).toBe(200);
  expect([await ask(await of(undefined, "one")), await ask()]).toEqual([200, 429]);
});
