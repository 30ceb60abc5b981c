import { describe, expect, it } from "vitest";
import { Health } from "../../../src/inference/pool/health.ts";
import { answer, fail } from "./model-server.ts";
import { call, calls, startGateway, startServers, until } from "./pool-scene.ts";

const json = { "content-type": "application/json" };
const long = (text: string) => `${text} `.repeat(200);

const stateOf = (gateway: Awaited<ReturnType<typeof startGateway>>, at: number) =>
  gateway.pools.list()[0]?.endpoints[at]?.state;

describe("an endpoint of a pool", () => {
  it("that dies costs nobody a call, and is asked again once it is back", async () => {
    const [first, second] = await startServers(2);
    const gateway = await startGateway([first!, second!]);
    await until(() => first!.scrapes > 0 && second!.scrapes > 0, "both are scraped");
    await first!.stop();
    expect(new Set(await calls(gateway, 20))).toEqual(new Set([200]));
    await until(() => stateOf(gateway, 0) === "unreachable", "it is taken for dead");
    const before = first!.calls;
    await first!.start();
    await until(() => stateOf(gateway, 0) === "well", "it is back");
    await calls(gateway, 20);
    expect(first!.calls).toBeGreaterThan(before);
  });

  it("that dies with a call under way fails this call alone", async () => {
    const [first, second] = await startServers(2);
    first!.onCall = (response) => response.socket?.destroy();
    const gateway = await startGateway([first!, second!]);
    const statuses = await calls(gateway, 40);
    expect(statuses.filter((status) => status !== 200).length).toBe(first!.calls);
    // Five in a row at the most, and then it rests.
    expect(first!.calls).toBeLessThanOrEqual(5);
    expect(stateOf(gateway, 0)).toBe("ejected");
  });

  it("that fails every call is left out after five of them, which the others answer as well", async () => {
    const servers = await startServers(3);
    servers[0]!.onCall = fail;
    const gateway = await startGateway(servers);
    const statuses = await calls(gateway, 60);
    expect(servers[0]!.calls).toBe(5);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(servers[1]!.calls + servers[2]!.calls).toBe(60);
  });

  it.each<[string, (response: Parameters<typeof fail>[0]) => void]>([
    ["does not know the model", (response) => void response.writeHead(404).end('{"detail":"Not Found"}')],
    ["wants another credential", (response) => void response.writeHead(401).end()],
    ["sends on to a page to sign in", (response) => void response.writeHead(302, { location: "/login" }).end()],
    ["answers with a page", (response) => void response.writeHead(200, { "content-type": "text/html" }).end("<p>")],
    ["answers with half a JSON", (response) => void response.writeHead(200, json).end('{"id":')],
  ])("that %s is left out after five calls, however fast it is", async (_, say) => {
    const servers = await startServers(3);
    servers[0]!.onCall = say;
    const gateway = await startGateway(servers);
    const statuses = await calls(gateway, 60);
    expect(servers[0]!.calls).toBe(5);
    expect(statuses.filter((status) => status === 200)).toHaveLength(55);
    expect(stateOf(gateway, 0)).toBe("ejected");
  });

  it("is not left out for what all of them fail at", async () => {
    const servers = await startServers(3);
    for (const server of servers) server.onCall = fail;
    const gateway = await startGateway(servers);
    await calls(gateway, 60);
    const states = gateway.pools.list()[0]!.endpoints.map(({ state }) => state);
    expect(states.filter((state) => state === "ejected").length).toBeLessThanOrEqual(1);
    expect(servers.every((server) => server.calls > 5)).toBe(true);
  });

  it("that rests is asked all the same where nobody else is left", async () => {
    const [first, second] = await startServers(2);
    first!.onCall = fail;
    const gateway = await startGateway([first!, second!]);
    await calls(gateway, 30);
    expect(stateOf(gateway, 0)).toBe("ejected");
    await second!.stop();
    expect(await calls(gateway, 3)).toEqual([500, 500, 500]);
  });

  it("gets no calls while an operator has drained it, and ends those under way", async () => {
    const [first, second] = await startServers(2);
    let finish: (() => void) | undefined;
    const held = (response: Parameters<typeof fail>[0]) => {
      finish = () => void response.writeHead(200, { "content-type": "application/json" }).end('{"choices":[]}');
    };
    first!.onCall = held;
    const gateway = await startGateway([first!, second!]);
    gateway.pools.drain("local-1", true);
    const waiting = call(gateway);
    await until(() => finish !== undefined, "the call is under way");
    gateway.pools.drain("local-1", false);
    expect(gateway.pools.drain("local-0", true)).toBe(true);
    await calls(gateway, 10);
    expect([first!.calls, second!.calls]).toEqual([1, 10]);
    finish?.();
    expect(await waiting).toBe(200);
    gateway.pools.drain("local-0", false);
    expect(stateOf(gateway, 0)).toBe("well");
    expect(gateway.pools.drain("local-9", true)).toBe(false);
  });

  it("that is busy with others' calls gets fewer", async () => {
    const [busy, idle] = await startServers(2);
    busy!.metrics = "vllm:num_requests_waiting 50\nvllm:num_requests_running 200\nvllm:kv_cache_usage_perc 0.95\n";
    const gateway = await startGateway([busy!, idle!], { pick: "classic" });
    await until(() => gateway.pools.list()[0]!.endpoints.every(({ queued }) => queued !== undefined), "both are known");
    await calls(gateway, 20);
    expect(busy!.calls).toBe(0);
  });

  it("that is slow gets fewer calls than the others, though its metrics say that it is idle", async () => {
    const [slow, quick] = await startServers(2);
    slow!.onCall = (response) => void setTimeout(() => answer(response), 300);
    const gateway = await startGateway([slow!, quick!]);
    const one = async () => {
      for (let count = 0; count < 20; count++) await call(gateway, long(`beginning ${Math.random()}`));
    };
    await Promise.all([one(), one(), one(), one()]);
    expect(slow!.calls).toBeLessThan(quick!.calls / 2);
  });

  it("that tells nonsense is taken as one that tells nothing", async () => {
    const servers = await startServers(2);
    servers[0]!.metrics = `vllm:num_requests_waiting -1e308\nvllm:num_requests_running NaN\nvllm:kv_cache_usage_perc +Inf\n`;
    servers[1]!.onScrape = (response) => void response.writeHead(404).end();
    const gateway = await startGateway(servers, { pick: "classic" });
    await until(() => servers.every(({ scrapes }) => scrapes > 2), "both are scraped");
    expect(new Set(await calls(gateway, 40))).toEqual(new Set([200]));
    expect(servers.every(({ calls: count }) => count > 0)).toBe(true);
  });

  it("is scraped once at a time, and never after the gateway has closed", async () => {
    const [server] = await startServers(1);
    let open = 0;
    let most = 0;
    server!.onScrape = (response) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        response.end(server!.metrics);
      }, 120);
    };
    const gateway = await startGateway([server!]);
    await until(() => server!.scrapes > 3, "it is scraped");
    expect(most).toBe(1);
    await gateway.close();
    const before = server!.scrapes;
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(server!.scrapes).toBe(before);
  });

  it("that is back is known at once by what it says, and what it held before is forgotten", async () => {
    const [first, second] = await startServers(2);
    const gateway = await startGateway([first!, second!]);
    await first!.stop();
    await until(() => stateOf(gateway, 0) === "unreachable", "it is taken for dead");
    first!.metrics = "vllm:num_requests_waiting 7\nvllm:num_requests_running 1\n";
    await first!.start();
    await until(() => stateOf(gateway, 0) === "well", "it is back");
    expect(gateway.pools.list()[0]!.endpoints[0]).toMatchObject({ queued: 7, load: 8 });
  });

  it("that tells no metrics is looked at from the first call on that cannot be sent", async () => {
    const [first, second] = await startServers(2);
    const gateway = await startGateway([first!, second!], { metrics: "off" });
    await first!.stop();
    expect(new Set(await calls(gateway, 10))).toEqual(new Set([200]));
    expect(stateOf(gateway, 0)).toBe("unreachable");
    expect(first!.scrapes).toBe(0);
    await first!.start();
    await until(() => stateOf(gateway, 0) === "well", "it is back");
    const { scrapes } = first!;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(first!.scrapes).toBe(scrapes);
  });

  it("that sends its metrics a byte at a time is given up, and asked again", async () => {
    const [server] = await startServers(1);
    const timers = new Set<NodeJS.Timeout>();
    server!.onScrape = (response) => {
      const timer = setInterval(() => response.write("#"), 50);
      timers.add(timer);
      response.on("close", () => {
        clearInterval(timer);
        timers.delete(timer);
      });
    };
    const gateway = await startGateway([server!]);
    await until(() => server!.scrapes > 1, "the first was given up");
    expect(timers.size).toBe(1);
    expect(await call(gateway)).toBe(200);
  });

  it("that sends metrics without an end is left alone after a bound", async () => {
    const [server] = await startServers(1);
    let sent = 0;
    server!.onScrape = (response) => {
      const send = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, "x"))) sent += 65_536;
        if (!response.destroyed) response.once("drain", send);
      };
      send();
    };
    const gateway = await startGateway([server!]);
    await until(() => server!.scrapes > 1, "the first was given up");
    expect(sent / server!.scrapes).toBeLessThan(32 * 1_048_576);
    expect(await call(gateway)).toBe(200);
  });
});

describe("the health of an endpoint", () => {
  const none = () => ({ calls: 0, failures: 0 });

  it("is lost for longer each time it is ejected, and at the first failure after", () => {
    const health = new Health();
    for (let count = 0; count < 4; count++) expect(health.ended(true, none, 0)).toBe(false);
    expect(health.ended(true, none, 0)).toBe(true);
    health.eject(0);
    expect(health.restMs(0)).toBe(10_000);
    expect(health.state(9_999)).toBe("ejected");
    expect(health.state(10_000)).toBe("well");
    expect(health.ended(true, none, 10_000)).toBe(true);
    health.eject(10_000);
    expect(health.restMs(10_000)).toBe(20_000);
  });

  it("is lost by a share of failures that its neighbours do not have", () => {
    const health = new Health();
    let out = false;
    for (let count = 0; count < 40 && !out; count++)
      out = health.ended(count % 3 !== 0, () => ({ calls: 50, failures: 1 }), 0);
    expect(out).toBe(true);
  });

  it("needs two refusals or five silences to be lost, and one answer to be found", () => {
    const health = new Health();
    health.saw({ kind: "refused" });
    expect(health.state(0)).toBe("well");
    health.saw({ kind: "refused" });
    expect(health.state(0)).toBe("unreachable");
    expect(health.saw({ kind: "alive" })).toBe(true);
    for (let count = 0; count < 4; count++) health.saw({ kind: "silent", unsent: false });
    expect(health.state(0)).toBe("well");
    health.saw({ kind: "silent", unsent: false });
    expect(health.state(0)).toBe("unreachable");
  });
});
