import { beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../../e2e/eventually.ts";
import { ApiFailure } from "../api-server/api-failure.ts";
import { type ApiServer, startApiServer } from "../api-server/api-server.ts";
import { leaseName } from "../../../src/k8s/api/lease-name.ts";
import {
  applyShop,
  controllerName,
  endpoints,
  httpRoute,
  mainGateway,
  type Replica,
  service,
  startReplica,
  startShop,
} from "./cluster-scene.ts";

let server: ApiServer;
beforeEach(async () => {
  server = await startApiServer();
  return () => server.stop().catch(() => undefined);
});

const statusOf = (kind: string, name: string) =>
  server.get(kind, kind === "GatewayClass" ? undefined : "default", name)["status"] as Record<
    string,
    Record<string, unknown>[]
  >;
const puts = () => server.requests.filter(({ verb, subresource }) => verb === "update" && subresource === "status");
const says = async (replica: Replica, path: string) => {
  const answer = await replica.ask(path);
  return answer.status === 200 ? answer.text() : answer.status;
};

describe("a gateway that follows a cluster", () => {
  test("serves what is there, and says so in the status of each object", async () => {
    applyShop(server, await startShop("one"));
    const replica = await startReplica(server);
    expect(await says(replica, "/shop")).toBe("one");
    await eventually(async () => {
      await replica.cluster.idle();
      expect(statusOf("HTTPRoute", "shop")["parents"]).toHaveLength(1);
    });
    expect(statusOf("HTTPRoute", "shop")).toMatchObject({
      parents: [
        {
          parentRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "main" },
          controllerName,
          conditions: expect.arrayContaining([
            expect.objectContaining({ type: "Accepted", status: "True", reason: "Accepted", observedGeneration: 1 }),
            expect.objectContaining({ type: "ResolvedRefs", status: "True", reason: "ResolvedRefs" }),
          ]),
        },
      ],
    });
    expect(statusOf("Gateway", "main")["conditions"]).toEqual(
      expect.arrayContaining([expect.objectContaining({ type: "Accepted", status: "True" })]),
    );
    expect(statusOf("GatewayClass", "sallyport")["conditions"]).toEqual(
      expect.arrayContaining([expect.objectContaining({ type: "Accepted", status: "True" })]),
    );
    /* What was written comes back over the watches, and is no reason to write or to translate again. */
    const { length } = puts();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(puts()).toHaveLength(length);
    expect(replica.count.reloads).toBe(0);
  });

  test("takes up what comes, changes and goes", async () => {
    const [one, two] = [await startShop("one"), await startShop("two")];
    applyShop(server, one);
    const replica = await startReplica(server);
    server.apply(httpRoute("late", "/late"));
    await eventually(async () => expect(await says(replica, "/late")).toBe("one"));
    server.apply(endpoints("shop", two));
    await eventually(async () => expect(await says(replica, "/shop")).toBe("two"));
    server.delete("HTTPRoute", "default", "late");
    await eventually(async () => expect(await says(replica, "/late")).toBe(404));
    expect(await says(replica, "/shop")).toBe("two");
  });

  test("an object that cannot be honoured is out, told why, and holds nothing else back", async () => {
    applyShop(server, await startShop("one"));
    const replica = await startReplica(server);
    const bad = httpRoute("bad", "/bad");
    server.apply({ ...bad, spec: { ...bad.spec, rules: [{ matches: "not a list" }] } });
    server.apply(httpRoute("good", "/good"));
    await eventually(async () => expect(await says(replica, "/good")).toBe("one"));
    await eventually(() =>
      expect(statusOf("HTTPRoute", "bad")["parents"]?.[0]).toMatchObject({
        conditions: expect.arrayContaining([expect.objectContaining({ type: "Accepted", status: "False" })]),
      }),
    );
    expect(await says(replica, "/bad")).toBe(404);
    expect(
      replica.log.lines.find(({ message }) => message.includes("cannot be honoured"))?.fields["problem"],
    ).toContain("httproutes default/bad");
    expect(await replica.page()).toContain("sallyport_kubernetes_refused_objects 1");
    server.apply(httpRoute("bad", "/bad"));
    await eventually(async () => expect(await says(replica, "/bad")).toBe("one"));
    await eventually(() =>
      expect(statusOf("HTTPRoute", "bad")["parents"]?.[0]).toMatchObject({
        conditions: expect.arrayContaining([
          expect.objectContaining({ type: "Accepted", status: "True", observedGeneration: 2 }),
        ]),
      }),
    );
  });

  test("what cannot be put in force leaves what is, and its statuses", async () => {
    applyShop(server, await startShop("one"));
    const replica = await startReplica(server);
    await eventually(() => expect(statusOf("HTTPRoute", "shop")["parents"]).toBeDefined());
    await replica.cluster.idle();
    replica.refuse = new Error("no room");
    server.apply(httpRoute("late", "/late"));
    await eventually(() =>
      expect(replica.log.lines.some(({ level, fields }) => level === "error" && fields["reason"] === "no room")).toBe(
        true,
      ),
    );
    await replica.cluster.idle();
    expect(statusOf("HTTPRoute", "late")).toBeUndefined();
    expect(await says(replica, "/shop")).toBe("one");
    replica.refuse = undefined;
    server.apply(httpRoute("later", "/later"));
    await eventually(async () => expect(await says(replica, "/late")).toBe("one"));
  });

  test("a storm of objects is put in force in few goes, and told to each of them", async () => {
    applyShop(server, await startShop("one"));
    const replica = await startReplica(server);
    for (let count = 0; count < 1_000; count++) {
      server.apply(httpRoute(`r${count}`, `/r/${count}`));
      if (count % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await eventually(async () => expect(await says(replica, "/r/999")).toBe("one"), 400);
    expect(replica.count.reloads).toBeLessThanOrEqual(5);
    await eventually(() => expect(statusOf("HTTPRoute", "r999")?.["parents"]).toHaveLength(1), 600);
    await replica.cluster.idle();
    const written = puts().filter(({ resource }) => resource.kind === "HTTPRoute").length;
    expect(written).toBeGreaterThanOrEqual(1_001);
    expect(written).toBeLessThan(1_100);
  }, 60_000);

  test("goes on with what it knows while the server is away, and catches up", async () => {
    applyShop(server, await startShop("one"));
    const replica = await startReplica(server);
    await server.stop();
    server.apply(httpRoute("late", "/late"));
    await eventually(async () => expect(await replica.page()).toContain("sallyport_kubernetes_reachable 0"));
    expect(await says(replica, "/shop")).toBe("one");
    await server.start();
    await eventually(async () => expect(await says(replica, "/late")).toBe("one"));
  });

  test("needs none of the kinds that are not installed, or may not be read", async () => {
    for (const plural of ["inferencepools", "trafficpolicies", "tokenratelimitpolicies", "budgets"])
      server.uninstalled.add(plural);
    server.intercept = ({ resource }) =>
      resource.plural === "mcpservers" ? new ApiFailure(403, "Forbidden", "mcpservers is forbidden") : undefined;
    applyShop(server, await startShop("one"));
    const replica = await startReplica(server);
    expect(await says(replica, "/shop")).toBe("one");
    expect(replica.log.lines.filter(({ level }) => level === "error").map(({ message }) => message)).toEqual([
      "not allowed to list mcpservers.sallyport.dev: give the service account get, list and watch on them; the other kinds go on without",
    ]);
  });

  test("follows the namespaces that are named, and no others", async () => {
    applyShop(server, await startShop("one"));
    const replica = await startReplica(server, { namespaces: ["default", "empty"] });
    expect(await says(replica, "/shop")).toBe("one");
    const asked = server.requests.filter(({ resource }) => resource.plural === "httproutes");
    expect(new Set(asked.map(({ namespace }) => namespace))).toEqual(new Set(["default", "empty"]));
  });

  test("fetches Secrets, ConfigMaps and pods only where something asks for them, one Secret at a time", async () => {
    applyShop(server, await startShop("one"));
    const secret = (name: string) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace: "default" },
      type: "kubernetes.io/tls",
      data: { "tls.crt": "dmVyeS1zZWNyZXQ=", "tls.key": "dmVyeS1zZWNyZXQ=" },
    });
    server.apply(secret("named"));
    server.apply(secret("unnamed"));
    const replica = await startReplica(server);
    const asked = () =>
      server.requests.filter(({ resource }) => ["secrets", "configmaps", "pods"].includes(resource.plural));
    expect(asked()).toEqual([]);
    server.apply(
      mainGateway({
        protocol: "HTTPS",
        port: 443,
        tls: { mode: "Terminate", certificateRefs: [{ group: "", kind: "Secret", name: "named" }] },
      }),
    );
    await eventually(() => expect(asked().length).toBeGreaterThan(1));
    expect([...new Set(asked().map(({ namespace, query }) => `${namespace} ${query["fieldSelector"]}`))]).toEqual([
      "default metadata.name=named",
    ]);
    server.apply(mainGateway());
    await eventually(async () => expect(await says(replica, "/shop")).toBe("one"));
    await eventually(() =>
      expect([...server.watches].some(({ request }) => request.resource.plural === "secrets")).toBe(false),
    );
    expect(JSON.stringify(replica.log.lines)).not.toMatch(/very-secret|dmVyeS1zZWNyZXQ/);
  });

  test("Services that nothing leads to come and go without being taken up, until something does", async () => {
    applyShop(server, await startShop("one"));
    const replica = await startReplica(server);
    await replica.cluster.idle();
    const taken = async () =>
      [...(await replica.page()).matchAll(/kubernetes_translation_seconds_count\{[^}]*\} (\d+)/g)]
        .map(([, count]) => Number(count))
        .reduce((sum, count) => sum + count, 0);
    const before = await taken();
    const two = await startShop("two");
    for (let count = 0; count < 20; count++) {
      server.apply(service(`other${count}`));
      server.apply(endpoints(`other${count}`, two));
    }
    await eventually(async () => expect(await replica.page()).toContain('kubernetes_objects{kind="services"} 21'));
    await replica.cluster.idle();
    expect(await taken()).toBe(before);
    server.apply(httpRoute("late", "/late", "other7"));
    await eventually(async () => expect(await says(replica, "/late")).toBe("two"));
    server.apply(endpoints("other7", await startShop("three")));
    await eventually(async () => expect(await says(replica, "/late")).toBe("three"));
    /* One that was not there when it was asked for counts as well. */
    server.apply(httpRoute("later", "/later", "missing"));
    await eventually(async () => expect(await says(replica, "/later")).toBe(500));
    server.apply(service("missing"));
    server.apply(endpoints("missing", two));
    await eventually(async () => expect(await says(replica, "/later")).toBe("two"));
  });

  test("a Service that comes to have an address that a server of another namespace names takes it from there", async () => {
    applyShop(server, await startShop("one"));
    server.apply({
      apiVersion: "sallyport.dev/v1alpha1",
      kind: "MCPServer",
      metadata: { name: "tools", namespace: "stranger" },
      spec: { url: "http://10.96.0.12:8080/mcp" },
    });
    const replica = await startReplica(server);
    const accepted = () => JSON.stringify(server.get("MCPServer", "stranger", "tools")["status"]);
    await eventually(() => expect(accepted()).toContain('"reason":"Accepted"'));
    await replica.cluster.idle();
    const redis = service("redis");
    server.apply({ ...redis, spec: { ...redis.spec, clusterIP: "10.96.0.12" } });
    await eventually(() => expect(accepted()).toContain("of another namespace"));
    server.delete("Service", "default", "redis");
    await eventually(() => expect(accepted()).toContain('"reason":"Accepted"'));
  });

  test("a listener whose port is taken is told so", async () => {
    const taken = await startShop("taken");
    applyShop(server, await startShop("one"));
    const gateway = mainGateway();
    const listeners = [...gateway.spec.listeners, { name: "other", port: taken, protocol: "HTTP" }];
    server.apply({ ...gateway, spec: { ...gateway.spec, listeners } });
    const replica = await startReplica(server, {
      base: `kubernetes: {platformNamespaces: [default], ports: {80: 0, ${taken}: ${taken}}}`,
    });
    const conditions = () => {
      const status = statusOf("Gateway", "main")?.["listeners"]?.find(({ name }) => name === "other");
      return status?.["conditions"];
    };
    await eventually(() =>
      expect(conditions()).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ type: "Programmed", status: "False", message: expect.stringContaining("in use") }),
        ]),
      ),
    );
    expect(await says(replica, "/shop")).toBe("one");
  });

  test("leaves nothing open, and an entry for another replica to take over, when it ends", async () => {
    applyShop(server, await startShop("one"));
    const replica = await startReplica(server);
    await eventually(() =>
      expect(server.get("Lease", "sallyport", "sallyport")).toMatchObject({
        spec: { holderIdentity: expect.stringMatching(/./) },
      }),
    );
    await replica.close();
    await eventually(() => expect(server.watches.size).toBe(0));
    expect(server.get("Lease", "sallyport", "sallyport")).toMatchObject({ spec: { holderIdentity: "" } });
    const { length } = server.requests;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.requests).toHaveLength(length);
  });
});

describe("statuses", () => {
  test("two replicas do not write over each other, and the second takes over when the first ends", async () => {
    applyShop(server, await startShop("one"));
    const first = await startReplica(server);
    await eventually(() => expect(statusOf("HTTPRoute", "shop")?.["parents"]).toBeDefined());
    const second = await startReplica(server);
    await Promise.all([first.cluster.idle(), second.cluster.idle()]);
    server.apply(httpRoute("late", "/late"));
    await eventually(() => expect(statusOf("HTTPRoute", "late")?.["parents"]).toBeDefined());
    await first.cluster.idle();
    const { length } = puts();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(puts()).toHaveLength(length);
    expect(puts().filter(({ name }) => name === "late")).toHaveLength(1);
    expect(await second.page()).toContain("sallyport_kubernetes_status_writer 0");
    expect(second.log.lines.filter(({ message }) => message === "another replica writes statuses")).toHaveLength(1);

    await first.close();
    server.apply(httpRoute("later", "/later"));
    await eventually(() => expect(statusOf("HTTPRoute", "later")?.["parents"]).toBeDefined());
    expect(await second.page()).toContain("sallyport_kubernetes_status_writer 1");
  });

  test("gateways of other namespaces, or of another controller, write theirs at the same time", async () => {
    const scopes = [[], ["default"], ["agents"], ["agents", "default"]];
    const names = scopes.map((namespaces) => leaseName("sallyport.dev/gateway", namespaces));
    expect(names[0]).toBe("sallyport");
    expect(new Set([...names, leaseName("example.com/other", [])]).size).toBe(5);
    for (const name of names) expect(name).toMatch(/^sallyport(-[0-9a-f]{12})?$/);
    expect(leaseName("sallyport.dev/gateway", ["default", "agents", "default"])).toBe(names[3]);

    applyShop(server, await startShop("one"));
    const inAgents = { ...mainGateway(), metadata: { name: "main", namespace: "agents" } };
    server.apply(inAgents);
    await startReplica(server, { namespaces: ["default"] });
    await eventually(() => expect(statusOf("Gateway", "main")?.["conditions"]).toBeDefined());
    await startReplica(server, { namespaces: ["agents"] });
    await eventually(() => expect(server.get("Gateway", "agents", "main")["status"]).toBeDefined());
  });

  test("an entry of ours goes when the object is no longer ours, and those of others stay", async () => {
    applyShop(server, await startShop("one"));
    await startReplica(server);
    await eventually(() => expect(statusOf("HTTPRoute", "shop")?.["parents"]).toHaveLength(1));
    const theirs = {
      parentRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "other" },
      controllerName: "example.com/other",
      conditions: [
        {
          type: "Accepted",
          status: "True",
          reason: "Accepted",
          message: "",
          lastTransitionTime: "2026-01-01T00:00:00Z",
        },
      ],
    };
    const shop = httpRoute("shop", "/shop");
    const elsewhere = { ...shop, spec: { ...shop.spec, parentRefs: [{ ...shop.spec.parentRefs[0], name: "other" }] } };
    server.apply({ ...elsewhere, status: { parents: [theirs, ...(statusOf("HTTPRoute", "shop")["parents"] ?? [])] } });
    await eventually(() => expect(statusOf("HTTPRoute", "shop")["parents"]).toEqual([theirs]));
  });

  test("times change with the status of a condition alone, also over a change of the object", async () => {
    applyShop(server, await startShop("one"));
    await startReplica(server);
    const condition = (type: string) =>
      (statusOf("HTTPRoute", "shop")?.["parents"]?.[0]?.["conditions"] as Record<string, unknown>[] | undefined)?.find(
        (each) => each["type"] === type,
      );
    await eventually(() => expect(condition("Accepted")).toMatchObject({ observedGeneration: 1 }));
    const before = condition("Accepted")?.["lastTransitionTime"];
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    server.apply(httpRoute("shop", "/shop", "nowhere"));
    await eventually(() =>
      expect(condition("ResolvedRefs")).toMatchObject({
        status: "False",
        reason: "BackendNotFound",
        observedGeneration: 2,
      }),
    );
    expect(condition("Accepted")).toMatchObject({ observedGeneration: 2, lastTransitionTime: before });
    expect(condition("ResolvedRefs")?.["lastTransitionTime"]).not.toBe(before);
  });
});
