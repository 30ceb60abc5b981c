import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../../e2e/eventually.ts";
import { ApiFailure } from "../api-server/api-failure.ts";
import { type ApiServer, startApiServer } from "../api-server/api-server.ts";
import { standardResources } from "../api-server/resources.ts";
import { applyShop, httpRoute, type Replica, startReplica, startShop } from "./cluster-scene.ts";

let server: ApiServer;
beforeEach(async () => {
  server = await startApiServer();
  return () => server.stop().catch(() => undefined);
});

const broken = new ApiFailure(500, "InternalError", "conversion webhook failed");
const fail = (plural: string, failure = broken) => {
  server.intercept = ({ resource }) => (resource.plural === plural ? failure : undefined);
};
const mend = () => {
  server.intercept = () => undefined;
};
const says = async (replica: Replica, path: string) => {
  const answer = await replica.ask(path);
  return answer.status === 200 ? answer.text() : answer.status;
};
const tool = {
  apiVersion: "sallyport.dev/v1alpha1",
  kind: "MCPServer",
  metadata: { name: "tools", namespace: "default" },
  spec: { url: "https://tools.example.com/mcp" },
};
const urlOfTools = ({ gateway }: Replica) => {
  const found = gateway.epochs.current().config.mcp?.servers["default/tools"];
  return found !== undefined && "url" in found ? found.url : undefined;
};

describe("a kind that cannot be read when a gateway starts", () => {
  test.for([
    ["trafficpolicies", 500],
    ["tokenratelimitpolicies", 500],
    ["accesspolicies", 500],
    ["budgets", 500],
    ["gatewayclasses", 404],
    ["gateways", 404],
    ["httproutes", 404],
  ] as const)(
    "%s: no route is served (%i) and the gateway is not ready, until it can be read",
    async ([plural, status]) => {
      applyShop(server, await startShop("one"));
      fail(plural);
      const replica = await startReplica(server);
      expect(await says(replica, "/shop")).toBe(status);
      expect(replica.cluster.doubts()).toEqual([
        { text: expect.stringMatching(new RegExp(`^${plural}\\.\\S+: conversion webhook failed$`)), closes: true },
      ]);
      expect(await replica.page()).toContain(`sallyport_kubernetes_unknown{kind="${plural}"} 1`);
      expect(await replica.page()).toContain("sallyport_kubernetes_reachable 1");
      mend();
      /* Not before it is in force. */
      await eventually(() => expect(replica.cluster.doubts()).toEqual([]));
      expect(await says(replica, "/shop")).toBe("one");
      expect(await replica.page()).toContain(`sallyport_kubernetes_unknown{kind="${plural}"} 0`);
    },
  );

  test.for([
    ["services", 500],
    ["endpointslices", 503],
  ] as const)("%s: what leads to them is answered %i, and the gateway is ready", async ([plural, status]) => {
    applyShop(server, await startShop("one"));
    fail(plural);
    const replica = await startReplica(server);
    expect(await says(replica, "/shop")).toBe(status);
    expect(replica.cluster.doubts().map(({ closes }) => closes)).toEqual([false]);
    mend();
    await eventually(async () => expect(await says(replica, "/shop")).toBe("one"));
  });

  test.for(["mcpservers", "a2aagents", "inferencepools", "referencegrants", "namespaces"])(
    "%s: a route that names none of them is served",
    async (plural) => {
      applyShop(server, await startShop("one"));
      fail(plural);
      const replica = await startReplica(server);
      expect(await says(replica, "/shop")).toBe("one");
    },
  );

  test.for([
    ["accesspolicies", true],
    ["budgets", true],
    ["trafficpolicies", false],
  ] as const)("%s: whether servers of tools are out of reach: %s", async ([plural, closed]) => {
    server.apply(tool);
    fail(plural);
    const replica = await startReplica(server);
    expect(String(urlOfTools(replica)).includes(".invalid")).toBe(closed);
    mend();
    await eventually(() => expect(String(urlOfTools(replica))).toBe("https://tools.example.com/mcp"));
  });

  test("of one namespace alone closes what belongs to that one", async () => {
    applyShop(server, await startShop("one"));
    server.intercept = ({ resource, namespace }) =>
      resource.plural === "trafficpolicies" && namespace === "other" ? broken : undefined;
    const replica = await startReplica(server, { namespaces: ["default", "other"] });
    expect(await says(replica, "/shop")).toBe("one");
    expect(replica.cluster.doubts()).toEqual([
      {
        text: "trafficpolicies.gateway.kgateway.dev of namespace other: conversion webhook failed",
        closes: false,
      },
    ]);
  });

  test("that may not be read closes what it may guard, and routes are told so", async () => {
    applyShop(server, await startShop("one"));
    fail("accesspolicies", new ApiFailure(403, "Forbidden", "accesspolicies is forbidden"));
    const replica = await startReplica(server);
    expect(await says(replica, "/shop")).toBe(500);
    await eventually(() =>
      expect(server.get("HTTPRoute", "default", "shop")["status"]).toMatchObject({
        parents: [
          {
            conditions: expect.arrayContaining([
              expect.objectContaining({
                type: "Accepted",
                status: "False",
                reason: "Pending",
                message: expect.stringContaining("AccessPolicy objects"),
              }),
            ]),
          },
        ],
      }),
    );
    mend();
    await eventually(async () => expect(await says(replica, "/shop")).toBe("one"));
    await eventually(() =>
      expect(server.get("HTTPRoute", "default", "shop")["status"]).toMatchObject({
        parents: [
          { conditions: expect.arrayContaining([expect.objectContaining({ type: "Accepted", status: "True" })]) },
        ],
      }),
    );
  });

  test("leaves statuses to replicas that know it", async () => {
    applyShop(server, await startShop("one"));
    fail("gateways");
    const replica = await startReplica(server);
    await replica.cluster.idle();
    expect(server.requests.some(({ resource }) => resource.kind === "Lease")).toBe(false);
    mend();
    await eventually(() => expect(server.get("HTTPRoute", "default", "shop")["status"]).toBeDefined());
  });
});

describe("a kind that can no longer be read while a gateway runs", () => {
  test("stays as it was read last, and the others go on", async () => {
    applyShop(server, await startShop("one"));
    const replica = await startReplica(server);
    fail("accesspolicies");
    for (const watch of server.watches) if (watch.request.resource.plural === "accesspolicies") watch.end();
    await eventually(() =>
      expect(replica.log.lines.map(({ message }) => message)).toContain(
        "accesspolicies.sallyport.dev cannot be followed; what is known of them stays in force",
      ),
    );
    server.apply(httpRoute("late", "/late"));
    await eventually(async () => expect(await says(replica, "/late")).toBe("one"));
    expect(replica.cluster.doubts()).toEqual([]);
    expect(await replica.page()).toContain("sallyport_kubernetes_reachable 1");
  });
});

describe("a kind that is served in versions alone that are not read", () => {
  /** A server with this kind in these versions, which may be changed. */
  async function startWith(plural: string, versions: readonly string[]) {
    const resources = [...standardResources];
    const serve = (next: readonly string[]) => {
      const at = resources.findIndex((each) => each.plural === plural);
      resources[at] = { ...(resources[at] as (typeof resources)[number]), versions: next };
      for (const watch of other.watches) if (watch.request.resource.plural === plural) watch.end();
    };
    const other = await startApiServer({ resources });
    onTestFinished(() => other.stop().catch(() => undefined));
    serve(versions);
    applyShop(other, await startShop("one"));
    return { other, serve };
  }
  const closedBy = (versions: string) => [
    {
      text: `tokenratelimitpolicies.kuadrant.io: the API server serves tokenratelimitpolicies.kuadrant.io in ${versions}, and v1alpha1 is read`,
      closes: true,
    },
  ];

  test("counts as unknown, not as not installed: what it may limit is closed until a version is read", async () => {
    const { other, serve } = await startWith("tokenratelimitpolicies", ["v1", "v2"]);
    const replica = await startReplica(other);
    expect(await says(replica, "/shop")).toBe(500);
    expect(replica.cluster.doubts()).toEqual(closedBy("v1, v2"));
    expect(replica.log.lines.filter(({ level }) => level === "error").length).toBe(1);
    serve(["v1", "v1alpha1"]);
    await eventually(async () => expect(await says(replica, "/shop")).toBe("one"));
    await eventually(() => expect(replica.cluster.doubts()).toEqual([]));
  });

  test("closes it also where nothing was installed before", async () => {
    const { other } = await startWith("tokenratelimitpolicies", ["v1"]);
    other.uninstalled.add("tokenratelimitpolicies");
    const replica = await startReplica(other);
    expect(await says(replica, "/shop")).toBe("one");
    other.uninstalled.clear();
    await eventually(async () => expect(await says(replica, "/shop")).toBe(500));
    await eventually(() => expect(replica.cluster.doubts()).toEqual(closedBy("v1")));
  });

  test("stays as it was read where a gateway runs, which says so once", async () => {
    const { other, serve } = await startWith("accesspolicies", ["v1alpha1"]);
    other.apply({
      apiVersion: "sallyport.dev/v1alpha1",
      kind: "AccessPolicy",
      metadata: { name: "nobody", namespace: "default" },
      spec: {
        targetRefs: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "shop" }],
        rules: [{ name: "nobody", deny: "true" }],
      },
    });
    const replica = await startReplica(other);
    await eventually(async () => expect(await says(replica, "/shop")).toBe(403));
    serve(["v2"]);
    const told = () => replica.log.lines.filter(({ message }) => message.startsWith("accesspolicies.sallyport.dev"));
    await eventually(() => expect(told()[0]?.fields["reason"]).toContain("in v2, and v1alpha1 is read"));
    /* Long enough for it to be missing three times. */
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await says(replica, "/shop")).toBe(403);
    expect(told().length).toBe(1);
  });
});
