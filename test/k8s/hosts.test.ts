import { describe, expect, test } from "vitest";
import type { TranslateOptions } from "../../src/k8s/options.ts";
import { translated } from "./meaning.ts";

const GROUP = "gateway.networking.k8s.io";
const ours = `
apiVersion: ${GROUP}/v1
kind: GatewayClass
metadata: {name: sallyport}
spec: {controllerName: sallyport.dev/gateway}
`;
interface Said {
  readonly namespace: string;
  readonly day?: number;
  readonly annotations?: string;
}
const metadata = (name: string, { namespace, day = 1, annotations = "{}" }: Said) =>
  `{name: ${name}, namespace: ${namespace}, generation: 3, creationTimestamp: "2026-11-0${day}T00:00:00Z", annotations: ${annotations}}`;
const listener = (hostname?: string, port = 80) =>
  `{name: it, port: ${port}, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}${hostname === undefined ? "" : `, hostname: "${hostname}"`}}`;
const gateway = (said: Said, ...listeners: readonly string[]) => `
apiVersion: ${GROUP}/v1
kind: Gateway
metadata: ${metadata("gw", said)}
spec: {gatewayClassName: sallyport, listeners: [${listeners.join(", ")}]}
`;
const route = (said: Said, spec: string, parent = `{name: gw, namespace: ${said.namespace}}`) => `
apiVersion: ${GROUP}/v1
kind: HTTPRoute
metadata: ${metadata("r", said)}
spec: {parentRefs: [${parent}], ${spec}}
`;
const cluster = (
  documents: readonly string[],
  base: Record<string, unknown> = {},
  platform: readonly string[] = [],
) => {
  const options: Partial<TranslateOptions> = { base, platformNamespaces: platform };
  return translated([ours, ...documents].join("\n---\n"), "cluster", options);
};

const shop = { namespace: "shop" };
const late = { namespace: "late", day: 2 };
const condition = (type: string, status: string, reason = type, message: unknown = "") => ({
  ...{ type, status, reason, message, observedGeneration: 3 },
});
/** The conditions of the one listener of a namespace's Gateway. */
const listenerOf = ({ statuses }: ReturnType<typeof cluster>, namespace: string) => {
  const found = statuses.find((each) => each.kind === "Gateway" && each.namespace === namespace);
  return (found?.status["listeners"] as { conditions: unknown[] }[])[0]?.conditions;
};
const served = [
  condition("Accepted", "True"),
  condition("Programmed", "True"),
  condition("ResolvedRefs", "True"),
  condition("Conflicted", "False", "NoConflicts"),
];
const refused = (message: string) => [
  condition("Accepted", "False", "HostnameConflict", message),
  condition("Programmed", "False", "Invalid", message),
  condition("ResolvedRefs", "True"),
  condition("Conflicted", "True", "HostnameConflict", message),
];
const by = (what: string) => `${what} on port 80 is for Gateways of namespace shop, by Gateway gw`;

describe("a host of a port is for the namespace of the oldest Gateway that serves it", () => {
  test.for<[what: string, first: string | undefined, second: string | undefined, message: string]>([
    ["the same host", "a.example.com", "a.example.com", by("a.example.com")],
    ["one inside of its wildcard", "*.example.com", "b.example.com", by("b.example.com")],
    ["a wildcard inside of it", "*.example.com", "*.b.example.com", by("*.b.example.com")],
    [
      "any host, as it",
      undefined,
      undefined,
      `${by("every host without a listener of its own")}: give this listener a hostname`,
    ],
  ])("%s is refused to a younger one of another namespace", ([, first, second, message]) => {
    const found = cluster([gateway(late, listener(second)), gateway(shop, listener(first))]);
    expect(listenerOf(found, "shop")).toEqual(served);
    expect(listenerOf(found, "late")).toEqual(refused(message));
    expect(Object.keys(found.value["listeners"] as object)).toEqual(["shop/gw/it"]);
    expect(found.statuses.find((each) => each.kind === "Gateway" && each.namespace === "late")?.status).toMatchObject({
      conditions: [
        condition("Accepted", "False", "ListenersNotValid", "not served: it"),
        condition("Programmed", "False", "Invalid", "not served: it"),
      ],
    });
  });

  test.for<[what: string, first: string | undefined, second: string | undefined, port: number]>([
    ["a wildcard around it", "a.example.com", "*.example.com", 80],
    ["another host", "a.example.com", "b.example.com", 80],
    ["a host beside any", undefined, "a.example.com", 80],
    ["any beside a host", "a.example.com", undefined, 80],
    ["the same on another port", "a.example.com", "a.example.com", 443],
  ])("%s is not", ([, first, second, port]) => {
    const found = cluster([gateway(late, listener(second, port)), gateway(shop, listener(first))]);
    expect(listenerOf(found, "shop")).toEqual(served);
    expect(listenerOf(found, "late")).toEqual(served);
  });

  test.for<[what: string, second: string, message: string]>([
    ["its host", "a.example.com", `${by("a.example.com")} and HTTPRoute shop/r`],
    ["a wildcard around it", "*.example.com", `${by("a.example.com inside of *.example.com")} and HTTPRoute shop/r`],
  ])("also one that a route brings: %s is refused to others", ([, second, message]) => {
    const hosts = "hostnames: [a.example.com]";
    const found = cluster([gateway(late, listener(second)), gateway(shop, listener()), route(shop, hosts)]);
    expect(listenerOf(found, "late")).toEqual(refused(message));
    expect(found.routes["shop/r"]).toMatchObject({ listeners: ["shop/gw/it"] });
    /* A route that the listener does not let in brings nothing. */
    const closed = listener().replace("All", "Same");
    const strange = route({ namespace: "strange" }, hosts, "{name: gw, namespace: shop}");
    expect(listenerOf(cluster([gateway(late, listener(second)), gateway(shop, closed), strange]), "late")).toEqual(
      served,
    );
  });

  test("Gateways of one namespace share a host as the Gateway API has it", () => {
    const second = gateway({ ...shop, day: 2 }, listener("a.example.com")).replace("name: gw", "name: more");
    const found = cluster([second, gateway(shop, listener("a.example.com"))]);
    expect(found.statuses.filter(({ kind }) => kind === "Gateway").map(({ status }) => status)).toEqual([
      expect.objectContaining({ listeners: [expect.objectContaining({ conditions: served })] }),
      expect.objectContaining({ listeners: [expect.objectContaining({ conditions: served })] }),
    ]);
    expect(Object.keys(found.value["listeners"] as object)).toEqual(["shop/gw/it"]);
  });

  describe("a host that a route brings is as old as the route", () => {
    const shared = { namespace: "infra" };
    const parent = "{name: gw, namespace: infra}";
    const accepted = (found: ReturnType<typeof cluster>) =>
      (found.statusOf("HTTPRoute", "r") as { parents: { conditions: unknown[] }[] } | undefined)?.parents.map(
        ({ conditions }) => conditions[0],
      );

    test.for<[what: string, listens: string, host: string, platform: readonly string[]]>([
      ["the host of a listener", "a.example.com", "a.example.com", []],
      ["one inside of a listener's wildcard", "*.example.com", "a.example.com", []],
      ["the host of a listener, at a Gateway of the platform's", "a.example.com", "a.example.com", ["infra"]],
    ])("%s that is older is not the route's", ([, listens, host, platform]) => {
      const young = route({ namespace: "third", day: 4 }, `hostnames: [fine.test, "${host}"]`, parent);
      const found = cluster([gateway(shared, listener()), gateway(late, listener(listens)), young], {}, platform);
      expect(listenerOf(found, "late")).toEqual(served);
      expect(accepted(found)).toEqual([
        condition(
          "Accepted",
          "False",
          "HostnameConflict",
          `${host} on port 80 is for Gateways of namespace late, by Gateway gw`,
        ),
      ]);
      expect(found.routes).toEqual({});
      const old = route({ namespace: "third", day: 1 }, `hostnames: [fine.test, "${host}"]`, parent);
      const before = cluster([gateway(shared, listener()), gateway(late, listener(listens)), old], {}, platform);
      const message = `${host === listens ? host : `${host} inside of ${listens}`} on port 80 is for Gateways of namespace infra, by Gateway gw`;
      expect(listenerOf(before, "late")).toEqual(refused(`${message} and HTTPRoute third/r`));
      expect(accepted(before)).toEqual([condition("Accepted", "True")]);
    });

    test("a wildcard leaves listeners inside of it that are older, and gets the rest", () => {
      const wide = route({ namespace: "third", day: 4 }, 'hostnames: ["*.com"]', parent);
      const found = cluster([gateway(shared, listener()), gateway(late, listener("a.example.com")), wide]);
      expect(listenerOf(found, "late")).toEqual(served);
      expect(accepted(found)).toEqual([condition("Accepted", "True")]);
      expect(found.routes["third/r"]).toMatchObject({ listeners: ["infra/gw/it"] });
    });

    test("at a wildcard, one inside of it that is another listener's is not the route's", () => {
      const young = route({ namespace: "third", day: 4 }, "hostnames: [a.example.com]", parent);
      const found = cluster([
        gateway({ ...shared, day: 3 }, listener("*.com")),
        gateway(late, listener("a.example.com")),
        young,
      ]);
      expect(listenerOf(found, "late")).toEqual(served);
      expect(accepted(found)).toEqual([
        condition(
          "Accepted",
          "False",
          "HostnameConflict",
          "a.example.com on port 80 is for Gateways of namespace late, by Gateway gw",
        ),
      ]);
    });

    test("no route is older than its Gateway", () => {
      const old = route({ namespace: "third", day: 1 }, "hostnames: [a.example.com]", parent);
      const found = cluster([
        gateway({ ...shared, day: 3 }, listener()),
        gateway(late, listener("a.example.com")),
        old,
      ]);
      expect(listenerOf(found, "late")).toEqual(served);
      expect(accepted(found)).toEqual([expect.objectContaining({ status: "False", reason: "HostnameConflict" })]);
    });

    test("a namespace has its host at its own Gateway and at a shared one", () => {
      const both = route({ ...late, day: 1 }, "hostnames: [a.example.com]", `${parent}, {name: gw}`);
      const found = cluster([gateway(shared, listener()), gateway(late, listener("a.example.com")), both]);
      expect(listenerOf(found, "late")).toEqual(served);
      expect(found.routes["late/r"]).toMatchObject({ listeners: ["infra/gw/it", "late/gw/it"] });
    });

    test("a host that the platform's listener names is the platform's, whoever came first", () => {
      const old = route({ namespace: "third", day: 1 }, "hostnames: [a.example.com]");
      const own = gateway({ namespace: "third" }, listener());
      const found = cluster([own, old, gateway({ ...shared, day: 4 }, listener("a.example.com"))], {}, ["infra"]);
      expect(listenerOf(found, "infra")).toEqual(served);
      expect(accepted(found)).toEqual([expect.objectContaining({ status: "False", reason: "HostnameConflict" })]);
    });
  });

  test("namespaces of the platform share hosts with one another", () => {
    const both = [gateway(late, listener()), gateway(shop, listener())];
    const found = cluster(both, {}, ["late", "shop"]);
    expect([listenerOf(found, "late"), listenerOf(found, "shop")]).toEqual([served, served]);
    expect(translated(both.join("\n---\n")).problems).toEqual([]);
  });

  test("those of the platform's namespaces come before older ones", () => {
    const found = cluster([gateway(late, listener()), gateway(shop, listener())], {}, ["late"]);
    expect(listenerOf(found, "late")).toEqual(served);
    expect(listenerOf(found, "shop")).toEqual(
      refused(
        "every host without a listener of its own on port 80 is for Gateways of namespace late, by Gateway gw: give this listener a hostname",
      ),
    );
  });

  test("in a folder it is a problem of all", () => {
    const documents = [gateway(late, listener("a.example.com")), gateway(shop, listener("a.example.com"))];
    const { problems } = translated(documents.join("\n---\n"), "folder", { platformNamespaces: [] });
    expect(problems).toEqual([`spec.listeners[0]: ${by("a.example.com")}`]);
  });
});

describe("the hosts that the configuration names", () => {
  const base = {
    publicUrl: "https://gw.example.com",
    listen: { allowedHosts: ["alias.example.com:8443", "*.pods.example.com", "*"] },
    routes: { shop: { hosts: ["shop.example.com", "*.shop.test"] } },
    listeners: { partners: { hostname: "partners.example.com" } },
  };
  const only = (what: string) => `${what}: the namespaces under \`kubernetes.platformNamespaces\` alone may name it`;

  test.for<[host: string, message: string]>([
    ["gw.example.com", "gw.example.com is a host of the gateway itself"],
    ["alias.example.com", "alias.example.com is a host of the gateway itself"],
    ["*.pods.example.com", "*.pods.example.com is a host of the gateway itself"],
    ["one.pods.example.com", "one.pods.example.com is a host of the gateway itself"],
    ["localhost", "localhost is a host of the gateway itself"],
    ["shop.example.com", "shop.example.com is a host of the configuration"],
    ["one.shop.test", "one.shop.test is a host of the configuration"],
    ["partners.example.com", "partners.example.com is a host of the configuration"],
  ])("%s is the platform's, for listeners and for routes", ([host, message]) => {
    const asListener = cluster([gateway(shop, listener(host))], base);
    expect(listenerOf(asListener, "shop")).toEqual(refused(only(message)));
    expect(asListener.value["listeners"]).toBeUndefined();
    const asRoute = cluster([gateway(shop, listener()), route(shop, `hostnames: ["${host}", fine.test]`)], base);
    expect(asRoute.routes).toEqual({});
    expect(asRoute.statusOf("HTTPRoute", "r")).toEqual({
      parents: [
        {
          parentRef: { group: GROUP, kind: "Gateway", name: "gw", namespace: "shop" },
          controllerName: "sallyport.dev/gateway",
          conditions: [
            condition("Accepted", "False", "HostnameConflict", only(message)),
            condition("ResolvedRefs", "True"),
          ],
        },
      ],
    });
    const platform = cluster([gateway(shop, listener(host)), route(shop, `hostnames: ["${host}"]`)], base, ["shop"]);
    expect(listenerOf(platform, "shop")).toEqual(served);
    expect(platform.routes["shop/r"]).toMatchObject({ hosts: [host] });
  });

  test.for([["a.localhost"], ["*.localhost"]])("%s is nobody's, unless it is named", ([host = ""]) => {
    expect(listenerOf(cluster([gateway(shop, listener(host))], base), "shop")).toEqual(served);
    const named = { publicUrl: "http://a.localhost:4000", listen: { allowedHosts: ["*.localhost"] } };
    expect(listenerOf(cluster([gateway(shop, listener(host))], named), "shop")).toEqual(
      refused(only(`${host} is a host of the gateway itself`)),
    );
  });

  test("are for routes of others where a listener of the platform's is for that host, which lets them in", () => {
    const named = route(shop, "hostnames: [gw.example.com]", "{name: gw, namespace: infra}");
    const found = cluster([gateway({ namespace: "infra" }, listener("gw.example.com")), named], base, ["infra"]);
    expect(found.routes["shop/r"]).toMatchObject({
      yields: true,
      hosts: ["gw.example.com"],
      listeners: ["infra/gw/it"],
    });
    expect(cluster([gateway({ namespace: "infra" }, listener()), named], base, ["infra"]).routes).toEqual({});
  });

  test("are left by a wildcard around those of the gateway, and taken by one around a route's", () => {
    const named = { publicUrl: base.publicUrl };
    expect(listenerOf(cluster([gateway(shop, listener("*.com"))], named), "shop")).toEqual(served);
    /* The gateway has no place of its own on other ports. */
    const elsewhere = [gateway(shop, listener("*.com", 443))];
    expect(listenerOf(cluster(elsewhere, named), "shop")).toEqual(
      refused(only("gw.example.com inside of *.com is a host of the gateway itself")),
    );
    expect(listenerOf(cluster(elsewhere, named, ["shop"]), "shop")).toEqual(served);
    expect(listenerOf(cluster([gateway(shop, listener("*.test"))], base), "shop")).toEqual(
      refused(only("*.shop.test inside of *.test is a host of the configuration")),
    );
  });

  test("routes of other namespaces give way to the gateway's own paths, whatever hosts they name", () => {
    const said = [gateway(shop, listener()), route(shop, 'hostnames: ["*.example.com"]')];
    expect(cluster(said, { publicUrl: base.publicUrl }).routes["shop/r"]).toMatchObject({ yields: true });
    expect(cluster(said, {}, ["shop"]).routes["shop/r"]).not.toHaveProperty("yields");
    expect(translated(said.join("\n---\n")).routes["shop/r"]).not.toHaveProperty("yields");
  });

  test("and the gateway's own paths are served by listeners of the platform's alone", () => {
    const asked = { ...shop, annotations: '{sallyport.dev/own-paths: "true"}' };
    const said = [gateway(asked, listener("shop.test"))];
    const stranger = cluster(said);
    expect(stranger.value["listeners"]).toEqual({ "shop/gw/it": { hostname: "shop.test", publicPort: 80 } });
    expect(stranger.warnings).toEqual([
      'metadata.annotations["sallyport.dev/own-paths"]: is for Gateways of the namespaces under `kubernetes.platformNamespaces`: passed over',
    ]);
    expect(cluster(said, {}, ["shop"]).value["listeners"]).toMatchObject({ "shop/gw/it": { own: true } });
  });
});
