import { expect, test } from "vitest";
import { accessPolicy } from "../../src/k8s/kinds/access-policy.ts";
import { gateway } from "../../src/k8s/kinds/gateway.ts";
import { httpRoute } from "../../src/k8s/kinds/http-route.ts";
import { meaningOf, sample } from "./objects-from.ts";

const all = { namespaces: { from: "All" } };
const gatewayOf = (namespace: string) =>
  sample(
    gateway,
    { gatewayClassName: "sallyport", listeners: [{ name: "http", port: 80, protocol: "HTTP", allowedRoutes: all }] },
    { name: "gw", namespace },
  );
const routeAt = (home: string) =>
  sample(
    httpRoute,
    { parentRefs: [{ name: "gw", namespace: home }], hostnames: [`${home}.example.com`], rules: [{}] },
    { name: home, namespace: "team" },
  );

test("a policy whose targets cannot be told closes what its namespace has, and what others attach to its Gateways", () => {
  const unreadable = sample(accessPolicy, { targetRefs: "gw", rules: [] }, { namespace: "infra" });
  const { at } = meaningOf([gatewayOf("infra"), gatewayOf("other"), routeAt("infra"), routeAt("other"), unreadable]);
  const isClosed = (name: string) => JSON.stringify(at("routes", name)).includes("could not be applied");
  expect([isClosed("team/infra"), isClosed("team/other")]).toEqual([true, false]);
});
