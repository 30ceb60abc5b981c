import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Reflector } from "../../../src/k8s/api/reflector.ts";
import { eventually } from "../../e2e/eventually.ts";
import { ApiFailure } from "../api-server/api-failure.ts";
import { accessTo, openScene, route, routes, type Scene } from "./scene.ts";
import { startSilentProxy } from "./silent-proxy.ts";

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

const names = ({ objects }: Reflector) => [...objects.values()].map(({ metadata }) => metadata.name).toSorted();
const follow = async (...given: Parameters<Scene["follow"]>) => {
  const reflector = scene.follow(...given);
  await reflector.settled;
  return reflector;
};
const watching = () => eventually(() => expect(scene.server.watches.size).toBeGreaterThan(0));

describe("what follows a kind at an API server", () => {
  test("knows what is there, in pages, and then what comes, changes and goes, with one list", async () => {
    for (let count = 0; count < 1_001; count++) scene.server.apply(route(`r${count}`));
    const reflector = await follow();
    expect(reflector.state).toBe("synced");
    expect(reflector.objects.size).toBe(1_001);
    expect(scene.asked("list")).toBe(3);
    await watching();

    scene.server.apply(route("new"));
    scene.server.apply(route("r7", "/changed"));
    scene.server.delete("HTTPRoute", "default", "r8");
    await eventually(() => expect(scene.changes.length).toBe(1_001 + 3));
    expect(reflector.objects.has("default/new")).toBe(true);
    expect(reflector.objects.has("default/r8")).toBe(false);
    const [came, changed, went] = scene.changes.slice(-3);
    expect(came).toMatchObject({ object: { metadata: { name: "new" } }, former: undefined });
    expect(changed).toMatchObject({ object: { metadata: { generation: 2 } }, former: { metadata: { generation: 1 } } });
    expect(went).toMatchObject({ object: undefined, former: { metadata: { name: "r8" } } });
    expect(scene.asked("list")).toBe(3);
  });

  test("goes on after a quiet end without a list, and misses nothing that happened meanwhile", async () => {
    const reflector = await follow();
    for (let round = 0; round < 3; round++) {
      await watching();
      for (const watch of scene.server.watches) watch.end();
      scene.server.apply(route(`r${round}`));
    }
    await eventually(() => expect(names(reflector)).toEqual(["r0", "r1", "r2"]));
    expect(scene.asked("list")).toBe(1);
    /* From the last version that was seen, not from that of the list: nothing is told twice. */
    await watching();
    for (const watch of scene.server.watches) watch.end();
    await watching();
    await eventually(() =>
      expect(scene.server.requests.at(-1)?.query["resourceVersion"]).toBe(String(scene.server.store.version)),
    );
    expect(await scene.page()).toMatch(/kubernetes_watches_ended_total\{kind="httproutes",end="closed"\} [3-9]/);
  });

  test("goes on after a connection that breaks off, also in the middle of an event", async () => {
    const reflector = await follow();
    await watching();
    for (const watch of scene.server.watches) watch.drop();
    scene.server.apply(route("a"));
    await eventually(() => expect(names(reflector)).toEqual(["a"]));
    scene.server.apply(route("b"));
    await eventually(() => expect(names(reflector)).toEqual(["a", "b"]));
    for (const watch of scene.server.watches) {
      watch.sendRaw('{"type":"ADDED","object":{"metadata":{"name":"half');
      watch.end();
    }
    scene.server.apply(route("c"));
    await eventually(() => expect(names(reflector)).toEqual(["a", "b", "c"]));
    expect(scene.asked("list")).toBe(1);
  });

  test("a bookmark moves it on, so that a history that was cut off before it costs no list", async () => {
    const reflector = await follow();
    await watching();
    for (let count = 0; count < 5; count++)
      scene.server.apply({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: `c${count}`, namespace: "default" },
      });
    for (const watch of scene.server.watches) {
      watch.bookmark();
      watch.end();
    }
    scene.server.compact();
    scene.server.apply(route("after"));
    await eventually(() => expect(names(reflector)).toEqual(["after"]));
    expect(scene.asked("list")).toBe(1);
  });

  test.for(["event", "status"] as const)(
    "lists again at once when its version is too old, told by %s, and sees what went meanwhile",
    async (expiry) => {
      scene.server.expiry = expiry;
      scene.server.apply(route("stays"));
      scene.server.apply(route("goes"));
      const reflector = await follow();
      await watching();
      await scene.server.stop();
      scene.server.delete("HTTPRoute", "default", "goes");
      scene.server.apply(route("comes"));
      await scene.server.start();
      await eventually(() => expect(names(reflector)).toEqual(["comes", "stays"]));
      expect(scene.asked("list")).toBe(2);
      /* What had not changed is not told again. */
      const told = scene.changes.slice(2).map(({ object, former }) => (object ?? former)?.metadata.name);
      expect(new Set(told)).toEqual(new Set(["comes", "goes"]));
      expect(told).toHaveLength(2);
      expect(await scene.page()).toContain('kubernetes_watches_ended_total{kind="httproutes",end="expired"} 1');
    },
  );

  test("a server whose history is always too short is listed with growing pauses, not in a loop", async () => {
    scene.server.intercept = ({ verb }) =>
      verb === "watch" ? new ApiFailure(410, "Gone", "too old resource version") : undefined;
    await follow(routes, { firstBackOffMs: 20, lastBackOffMs: 1_000 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(scene.asked("list")).toBeGreaterThan(2);
    expect(scene.asked("list")).toBeLessThan(8);
  });

  test("begins a list again whose pages expire, and in the end asks for it in one piece", async () => {
    for (let count = 0; count < 1_200; count++) scene.server.apply(route(`r${count}`));
    scene.server.intercept = ({ query }) => {
      if (query["continue"] !== undefined) scene.server.compact();
      return undefined;
    };
    const reflector = await follow();
    expect(reflector.objects.size).toBe(1_200);
    const lists = scene.server.requests.filter(({ verb }) => verb === "list").map(({ query }) => query["limit"]);
    expect(lists).toEqual(["500", "500", "500", "500", undefined]);
  });

  test("a server that comes back empty and counts from the start again is listed", async () => {
    for (let count = 0; count < 20; count++) scene.server.apply(route(`r${count}`));
    const reflector = await follow();
    await watching();
    await scene.server.stop();
    await scene.server.start({ empty: true });
    scene.server.apply(route("only"));
    await eventually(() => expect(names(reflector)).toEqual(["only"]));
  });

  test("what is known stays while the server is away, said once, and is caught up with when it is back", async () => {
    scene.server.apply(route("a"));
    const reflector = await follow();
    await watching();
    await scene.server.stop();
    await eventually(() => expect(scene.log.lines.filter(({ level }) => level === "error")).toHaveLength(1));
    expect(scene.log.lines.find(({ level }) => level === "error")?.message).toContain("cannot be reached");
    expect(names(reflector)).toEqual(["a"]);
    expect(await scene.page()).toContain("sallyport_kubernetes_reachable 0");
    await new Promise((resolve) => setTimeout(resolve, 200));
    await scene.server.start();
    scene.server.apply(route("b"));
    await eventually(() => expect(names(reflector)).toEqual(["a", "b"]));
    expect(await scene.page()).toContain("sallyport_kubernetes_reachable 1");
    expect(scene.log.lines.filter(({ level }) => level === "error")).toHaveLength(1);
    expect(scene.log.lines.some(({ message }) => message === "the API server answers again")).toBe(true);
  });

  test("waits for a server that is away at the start", async () => {
    await scene.server.stop();
    const reflector = scene.follow();
    await eventually(() => expect(scene.log.lines.some(({ level }) => level === "error")).toBe(true));
    expect(reflector.state).toBe("starting");
    await scene.server.start();
    await reflector.settled;
    expect(reflector.state).toBe("synced");
  });

  test("a watch over which nothing comes is begun again from where it was, again and again, without a pause that grows", async () => {
    const reflector = await follow(routes, { silenceMs: [50, 50], firstBackOffMs: 60_000, lastBackOffMs: 60_000 });
    await watching();
    await eventually(() => expect(scene.asked("watch")).toBeGreaterThan(3));
    expect(await scene.page()).toMatch(/kubernetes_watches_ended_total\{kind="httproutes",end="silent"\} [1-9]/);
    expect(await scene.page()).not.toContain('end="failed"');
    scene.server.apply(route("late"));
    await eventually(() => expect(names(reflector)).toEqual(["late"]));
    expect(scene.asked("list")).toBe(1);
    expect(scene.log.lines).toEqual([]);
  });

  test("bookmarks keep a quiet watch as it is", async () => {
    await follow(routes, { silenceMs: [1_500, 1_500] });
    await watching();
    for (let count = 0; count < 10; count++) {
      for (const watch of scene.server.watches) watch.bookmark();
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    expect(scene.asked("watch")).toBe(1);
  });

  test("says when it has heard of a kind last, unless there is none", async () => {
    const before = Date.now() / 1_000;
    const reflector = await follow();
    const heard = async () =>
      /kubernetes_last_heard_timestamp_seconds\{kind="httproutes"\} (\S+)/.exec(await scene.page())?.[1];
    expect(Number(await heard())).toBeGreaterThanOrEqual(before);
    await watching();
    scene.server.uninstalled.add("httproutes");
    for (const watch of scene.server.watches) watch.end();
    await eventually(() => expect(reflector.state).toBe("absent"));
    expect(await heard()).toBeUndefined();
  });

  test("a kind that fails while the server is there counts as unknown after a while, and is read when it can be", async () => {
    scene.server.apply(route("a"));
    let broken = true;
    scene.server.intercept = ({ resource }) =>
      broken && resource.plural === "httproutes"
        ? new ApiFailure(500, "InternalError", "conversion webhook failed")
        : undefined;
    const reflector = scene.follow();
    await reflector.settled;
    expect(reflector.state).toBe("unknown");
    expect(reflector.reason).toContain("conversion webhook failed");
    expect(scene.log.lines.filter(({ level }) => level !== "debug")).toEqual([
      expect.objectContaining({
        level: "error",
        fields: { kind: "httproutes.gateway.networking.k8s.io", reason: "conversion webhook failed" },
        message: expect.stringContaining("count as unknown"),
      }),
    ]);
    expect(await scene.page()).toContain("sallyport_kubernetes_reachable 1");
    broken = false;
    await eventually(() => expect(reflector.state).toBe("synced"));
    expect(reflector.reason).toBeUndefined();
    expect(names(reflector)).toEqual(["a"]);
  });

  test("a kind that gets no answer counts as unknown where others do", async () => {
    scene.server.intercept = ({ resource }) => (resource.plural === "httproutes" ? "drop" : undefined);
    const services = { group: "", kind: "Service", plural: "services", versions: ["v1"] };
    const other = scene.follow(services, { silenceMs: [50, 50] });
    const reflector = scene.follow(routes, { unknownAfterMs: 200 });
    await reflector.settled;
    expect([other.state, reflector.state]).toEqual(["synced", "unknown"]);
  });

  test("what was read once stays through any number of failures, and is not unknown", async () => {
    scene.server.apply(route("a"));
    const reflector = await follow();
    await watching();
    scene.server.intercept = () => new ApiFailure(500, "InternalError", "etcd");
    for (const watch of scene.server.watches) watch.end();
    await eventually(() => expect(scene.server.requests.length).toBeGreaterThan(8));
    expect([reflector.state, names(reflector)]).toEqual(["synced", ["a"]]);
    const said = scene.log.lines.filter(({ level }) => level !== "debug");
    expect(said.map(({ message }) => message)).toEqual([
      "httproutes.gateway.networking.k8s.io cannot be followed; what is known of them stays in force",
    ]);
    expect(await scene.page()).toContain("sallyport_kubernetes_reachable 1");
  });

  test("a kind that is not installed is no failure, is looked for again, and is told of when it comes and goes", async () => {
    scene.server.uninstalled.add("httproutes");
    const reflector = await follow();
    expect(reflector.state).toBe("absent");
    scene.server.uninstalled.delete("httproutes");
    scene.server.apply(route("a"));
    await eventually(() => expect(reflector.state).toBe("synced"));
    expect(names(reflector)).toEqual(["a"]);
    await watching();

    scene.server.uninstalled.add("httproutes");
    for (const watch of scene.server.watches) watch.end();
    /* Not at the first word of it: a server that starts knows its kinds only after a while. */
    const before = scene.asked("list");
    await eventually(() => expect(reflector.state).toBe("absent"));
    expect(scene.server.requests.length).toBeGreaterThan(before);
    expect(names(reflector)).toEqual([]);
    expect(scene.changes.at(-1)).toMatchObject({ object: undefined, former: { metadata: { name: "a" } } });
  });

  test("a server that forgets a kind for a moment takes nothing away", async () => {
    scene.server.apply(route("a"));
    const reflector = await follow(routes, { recheckMs: 90 });
    await watching();
    let missing = 2;
    scene.server.intercept = ({ verb }) =>
      verb === "watch" && missing-- > 0 ? { status: 404, body: "404 page not found" } : undefined;
    for (const watch of scene.server.watches) watch.end();
    await eventually(() => expect(missing).toBeLessThan(0));
    expect(reflector.state).toBe("synced");
    expect(scene.changes).toHaveLength(1);
  });

  test("reads an older version of a kind where the server has no newer one", async () => {
    scene.server.apply(route("a"));
    scene.server.intercept = ({ apiVersion, resource }) =>
      resource.plural === "httproutes" && apiVersion.endsWith("/v1")
        ? { status: 404, body: "404 page not found" }
        : undefined;
    const reflector = await follow();
    expect(reflector.objects.get("default/a")?.apiVersion).toBe("gateway.networking.k8s.io/v1beta1");
    await watching();
    scene.server.apply(route("b"));
    await eventually(() => expect(names(reflector)).toEqual(["a", "b"]));
  });

  test("a kind that may not be read is said once, and read when it may be", async () => {
    let allowed = false;
    scene.server.apply(route("a"));
    scene.server.intercept = ({ resource }) =>
      allowed || resource.plural !== "httproutes"
        ? undefined
        : new ApiFailure(403, "Forbidden", "httproutes is forbidden");
    const reflector = await follow();
    expect(reflector.state).toBe("refused");
    await eventually(() => expect(scene.asked("list")).toBeGreaterThan(2));
    const said = scene.log.lines.filter(({ level }) => level === "error");
    expect(said.map(({ message }) => message)).toEqual([
      "not allowed to list httproutes.gateway.networking.k8s.io: give the service account get, list and watch on them; the other kinds go on without",
    ]);
    allowed = true;
    await eventually(() => expect(names(reflector)).toEqual(["a"]));
  });

  test("a kind that may be listed and not watched is listed now and then", async () => {
    scene.server.intercept = ({ verb }) => (verb === "watch" ? new ApiFailure(403, "Forbidden", "no") : undefined);
    const reflector = await follow();
    scene.server.apply(route("a"));
    await eventually(() => expect(names(reflector)).toEqual(["a"]));
    expect(scene.log.lines.filter(({ level }) => level === "error").map(({ message }) => message)).toEqual([
      "not allowed to watch httproutes.gateway.networking.k8s.io: give the service account get, list and watch on them; the other kinds go on without",
    ]);
  });

  test("waits as long as a server that is busy asks it to", async () => {
    let answered = 0;
    scene.server.intercept = ({ verb }) =>
      verb === "list" && answered++ === 0 ? { status: 429, body: "{}", headers: { "retry-after": "1" } } : undefined;
    const began = performance.now();
    await follow();
    expect(answered).toBe(2);
    expect(performance.now() - began).toBeGreaterThan(950);
  });

  test.for([
    ["what is not JSON", "{not json"],
    ["an event of no known type", '{"type":"STRANGE","object":{}}'],
    ["an object without a name", '{"type":"ADDED","object":{"metadata":{"resourceVersion":"5"}}}'],
    [
      "an error of the server",
      '{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError","message":"etcd"}}',
    ],
    ["no object at all", "null"],
  ])("%s in a watch ends it, and it is begun again", async ([, line = ""]) => {
    const reflector = await follow();
    await watching();
    for (const watch of scene.server.watches) watch.sendRaw(line);
    await eventually(() => expect(scene.asked("watch")).toBeGreaterThan(1));
    scene.server.apply(route("a"));
    await eventually(() => expect(names(reflector)).toEqual(["a"]));
    expect(scene.asked("list")).toBe(1);
  });

  test("what cannot be gone on from is listed after the third time", async () => {
    await follow();
    await watching();
    scene.server.intercept = ({ verb }) => (verb === "watch" ? new ApiFailure(400, "BadRequest", "no") : undefined);
    for (const watch of scene.server.watches) watch.end();
    await eventually(() => expect(scene.asked("list")).toBeGreaterThan(1));
    expect(
      scene.log.lines.some(({ level, message }) => level === "warn" && message.includes("cannot be followed")),
    ).toBe(true);
  });

  test("follows one namespace, or one object, alone", async () => {
    scene.server.apply(route("a", "/", "one"));
    scene.server.apply(route("b", "/", "two"));
    const one = await follow({ ...routes, namespace: "one" });
    const b = await follow({ ...routes, namespace: "two", name: "b" });
    expect([names(one), names(b)]).toEqual([["a"], ["b"]]);
    await eventually(() => expect(scene.server.watches.size).toBe(2));
    scene.server.apply(route("c", "/", "two"));
    scene.server.apply(route("b", "/changed", "two"));
    await eventually(() => expect(b.objects.get("two/b")?.metadata.generation).toBe(2));
    expect([names(one), names(b)]).toEqual([["a"], ["b"]]);
  });

  test("keeps no managed fields, no copy that kubectl left, and of a pod only what counts", async () => {
    scene.server.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: "p",
        namespace: "default",
        managedFields: [{ manager: "kubelet" }],
        annotations: { "kubectl.kubernetes.io/last-applied-configuration": "secret", kept: "yes" },
      },
      spec: {
        containers: [
          { name: "c", image: "i", env: [{ name: "KEY", value: "secret" }], ports: [{ containerPort: 8000 }] },
        ],
      },
      status: { podIP: "10.0.0.1", conditions: [{ type: "Ready", status: "True" }], qosClass: "Burstable" },
    });
    const pods = await follow({ group: "", kind: "Pod", plural: "pods", versions: ["v1"] });
    const [pod] = pods.objects.values();
    expect(pod).toMatchObject({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p", annotations: { kept: "yes" } },
      spec: { containers: [{ name: "c", ports: [{ containerPort: 8000 }] }] },
      status: { podIP: "10.0.0.1", conditions: [{ type: "Ready", status: "True" }] },
    });
    expect(JSON.stringify(pod)).not.toMatch(/secret|managedFields|qosClass/);
  });

  test("leaves no connection and no request behind when it is closed", async () => {
    const reflector = await follow();
    await watching();
    await reflector.close();
    await eventually(() => expect(scene.server.watches.size).toBe(0));
    const { length } = scene.server.requests;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(scene.server.requests).toHaveLength(length);
  });
});

describe("something that knows no path of an API server", () => {
  test("in its place takes no kind away, and is no server to begin with", async () => {
    let asked = 0;
    const balancer = createServer(({ url }, response) => {
      asked += url === "/version" ? 1 : 0;
      response.writeHead(404).end();
    });
    balancer.listen(0, "127.0.0.1");
    await once(balancer, "listening");
    onTestFinished(() => void balancer.close());
    const url = `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`;
    let lost = false;
    const behind = await openScene((server) => ({
      ...accessTo(server),
      get server() {
        return lost ? url : server.url;
      },
    }));
    onTestFinished(() => behind.close());
    behind.server.apply(route("a"));
    const reflector = behind.follow();
    await reflector.settled;
    await eventually(() => expect(behind.server.watches.size).toBe(1));
    lost = true;
    for (const watch of behind.server.watches) watch.end();
    await eventually(() => expect(asked).toBeGreaterThan(1));
    expect([reflector.state, names(reflector)]).toEqual(["synced", ["a"]]);
    const late = behind.follow();
    const before = asked;
    await eventually(() => expect(asked).toBeGreaterThan(before + 2));
    expect(late.state).toBe("starting");
    lost = false;
    await late.settled;
    expect(names(late)).toEqual(["a"]);
    const said = behind.log.lines.filter(({ level }) => level === "error");
    expect(said.map(({ message }) => message)).toEqual(["what answers is no API server: it has no /version"]);
  });
});

describe("a connection that is forgotten on its way", () => {
  test("is given up, and what was missed over it is caught up with", async () => {
    const proxy = await startSilentProxy(() => behind.server.port);
    const behind = await openScene((server) => ({ ...accessTo(server), server: proxy.url }));
    onTestFinished(() => behind.close());
    behind.server.apply(route("a"));
    /* By then the connection of the list, which was forgotten as well, has been idle for too long to be used again. */
    const reflector = behind.follow(routes, { silenceMs: [5_000, 5_000] });
    await reflector.settled;
    await eventually(() => expect(behind.server.watches.size).toBe(1));
    proxy.forget();
    behind.server.apply(route("b"));
    behind.server.delete("HTTPRoute", "default", "a");
    await eventually(() => expect(names(reflector)).toEqual(["b"]), 400);
    expect(behind.asked("list")).toBe(1);
    expect(await behind.page()).toContain('kubernetes_watches_ended_total{kind="httproutes",end="silent"} 1');
  }, 30_000);

  test("is probed by the system soon after it is quiet", async () => {
    const probe = vi.spyOn(Socket.prototype, "setKeepAlive");
    onTestFinished(() => probe.mockRestore());
    await follow();
    expect(probe.mock.calls).toContainEqual([true, 15_000]);
  });
});

describe("tokens", () => {
  test("a token that is no longer taken is read anew, and nothing else happens", async () => {
    let token = "first";
    const renewed: string[] = [];
    const rotating = await openScene((server) => ({
      ...accessTo(server, () => token),
      renew: () => {
        renewed.push(token);
        token = "second";
      },
    }));
    try {
      rotating.server.tokens = new Set(["first"]);
      const reflector = rotating.follow();
      await reflector.settled;
      await eventually(() => expect(rotating.server.watches.size).toBe(1));
      rotating.server.tokens = new Set(["second"]);
      rotating.server.apply(route("a"));
      for (const watch of rotating.server.watches) watch.end();
      rotating.server.apply(route("b"));
      await eventually(() => expect(names(reflector)).toEqual(["a", "b"]));
      expect(renewed).toEqual(["first"]);
      expect(rotating.asked("list")).toBe(1);
      expect(rotating.log.lines.filter(({ level }) => level !== "debug")).toEqual([]);
    } finally {
      await rotating.close();
    }
  });

  test("a token that is never taken is tried with growing pauses, and said", async () => {
    scene.server.tokens = new Set(["another"]);
    const reflector = scene.follow();
    await reflector.settled;
    expect(reflector.state).toBe("unknown");
    expect(scene.log.lines.find(({ level }) => level === "error")?.fields).toMatchObject({ reason: "Unauthorized" });
  });
});
