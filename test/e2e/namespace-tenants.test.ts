import { expect, onTestFinished, test } from "vitest";
import { startStaticIssuer } from "../auth/static-issuer.ts";
import { KEY, startEcho, startServicesScene } from "../services/services-scene.ts";
import { chat, startModels } from "./model-routes-scene.ts";

const STRANGER = "sp_0123456789abcdef_" + "s".repeat(43);

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

test("the tenant of a route counts its callers, and proves nothing of them: no rule takes it for theirs", async () => {
  const echo = await startEcho("echo");
  const scene = await startServicesScene(`
services: {echo: "${echo.url}"}
routes:
  team-a/open: {auth: optional, tenant: team-a, rules: [{match: {path: /a}, to: echo}]}
  other/open: {auth: optional, tenant: other, rules: [{match: {path: /other}, to: echo}]}
auth: {keys: {member: {secret: ${KEY}, tenant: team-a}, stranger: {secret: ${STRANGER}}}}
policies:
  rules:
    - {name: members, on: http, allow: 'principal.tenant == "team-a"'}
    - {name: counted, on: http, allow: 'request.path.endsWith("/counted") && request.tenant == "team-a"'}
`);
  onTestFinished(async () => {
    await scene.close();
    await echo.close();
  });
  const ask = async (path: string, key?: string) =>
    (await scene.ask(path, { headers: key === undefined ? {} : { authorization: `Bearer ${key}` } })).status;
  expect([await ask("/a"), await ask("/a", STRANGER), await ask("/a", KEY)]).toEqual([403, 403, 200]);
  expect(await ask("/other", KEY)).toBe(200);
  /* What a call is counted for can be read, under a name of its own. */
  expect([await ask("/a/counted"), await ask("/other/counted"), await ask("/other/counted", KEY)]).toEqual([
    200, 403, 200,
  ]);
});

test("answers that the tenant's own callers share are not for callers who only use its route", async () => {
  const models = await startModels("it", "llama");
  const scene = await startServicesScene(`
auth: {keys: {one: {secret: ${KEY}, tenant: team-a}, other: {secret: ${STRANGER}, tenant: team-a}}}
pools: {p: {engine: openai-compatible, endpoints: ["${models.url}"]}}
routes: {team-a/chat: {auth: optional, tenant: team-a, rules: [{match: {path: /chat}, to: {pool: p}}]}}
cache: {share: tenant}
`);
  onTestFinished(async () => {
    await scene.close();
    await models.close();
  });
  const ask = async (key?: string) => {
    const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
    return String((await chat(scene, "/chat/v1/chat/completions", "llama", { headers })).headers["cache-status"]);
  };
  expect(await ask(KEY)).toContain("fwd=");
  expect(await ask(STRANGER)).toContain("hit");
  expect(await ask()).toContain("fwd=");
  expect(await ask()).toContain("hit");
});
