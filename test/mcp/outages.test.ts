import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../../src/core/clock.ts";
import type { Log } from "../../src/core/log.ts";
import { connectLegacy, connectModern } from "./clients.ts";
import { startHarness } from "./harness.ts";
import type { Harness } from "./harness.ts";
import { ENVELOPE, raw, stateless } from "./raw-client.ts";
import { startServer } from "./start-server.ts";
import type { RunningServer } from "./start-server.ts";

interface Listed {
  readonly result: { readonly tools: readonly unknown[]; readonly _meta: Record<string, unknown> };
}

let clock: RunningServer;
let gateway: Harness;
const hung = createServer(() => {});

beforeAll(async () => {
  clock = await startServer("tools/clock/server.ts");
  await new Promise<void>((resolve) => hung.listen(0, "127.0.0.1", resolve));
  gateway = await startHarness({
    mcp: {
      servers: {
        hung: {
          url: `http://127.0.0.1:${(hung.address() as AddressInfo).port}/mcp`,
          timeouts: { connect: "300ms", list: "400ms" },
        },
        dead: { url: "http://127.0.0.1:9/mcp" },
        crashing: { command: ["node", "-e", "process.exit(3)"] },
        missing: { command: ["/no/such/program"] },
        clock: { url: clock.url },
        files: { command: ["node", "tools/files/server.ts", "--stdio"] },
      },
      routes: {
        "/mcp": { servers: ["hung", "dead", "crashing", "missing", "clock", "files"] },
        "/files": { servers: ["files"] },
      },
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await clock.close();
  hung.closeAllConnections();
  hung.close();
});

test("a hung, a dead, a crashing and a missing server do not hide the others", async () => {
  const client = await connectModern(gateway.url());
  const { tools, _meta } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["add_minutes", "read_file"]));
  /* Of none of them is anything known that this caller may see. */
  expect(_meta).not.toHaveProperty("sallyport/unavailable");
  const result = await client.callTool({
    name: "minutes_between",
    arguments: { from: "2026-01-01T00:00:00Z", to: "2026-01-01T01:00:00Z" },
  });
  expect(result.structuredContent).toEqual({ minutes: 60 });
  await client.close();
});

test("a stdio server that is killed is started again", async () => {
  const { client } = await connectLegacy(gateway.url("/files"));
  const tree = async () => await client.callTool({ name: "list_files", arguments: {} });
  expect((await tree()).isError ?? false).toBe(false);
  await killStdioServers();
  await expect(tree()).rejects.toThrow(/ended/);
  for (let tries = 0; tries < 50; tries += 1) {
    const again = await tree().catch(() => undefined);
    if (again !== undefined) return await client.close();
    await delay(100);
  }
  throw new Error("the server did not come back");
});

/* The processes this test process started, by their parent. */
async function killStdioServers(): Promise<void> {
  const { readdirSync, readFileSync } = await import("node:fs");
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const command = readFileSync(`/proc/${entry}/cmdline`, "utf8");
      if (stat.split(") ")[1]!.split(" ")[1] === String(process.pid) && command.includes("--stdio"))
        process.kill(Number(entry), "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
  await delay(100);
}

test("a server that went down is named in lists to who sees something of it, and to nobody else", async () => {
  const own = await startServer("tools/clock/server.ts");
  let passedMs = 0;
  const through = await startHarness({
    mcp: {
      servers: { clock: { url: own.url }, files: { command: ["node", "tools/files/server.ts", "--stdio"] } },
      routes: { "/mcp": { servers: ["clock", "files"] }, "/read": { servers: ["clock", "files"], tools: ["read_*"] } },
    },
    clock: { now: () => systemClock.now(), monotonic: () => systemClock.monotonic() + passedMs },
    visible: (principal, { target }) => principal !== "bob" || target.server !== "clock",
  });
  const namedTo = async (principal: string, path = "/mcp") => {
    const headers = { ...stateless("tools/list"), "x-test-principal": principal };
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{${ENVELOPE}}}`;
    const answer = JSON.parse((await raw(through.url(path), "POST", headers, body)).text) as Listed;
    return { missing: answer.result._meta["sallyport/unavailable"], count: answer.result.tools.length };
  };
  const { count } = await namedTo("bob");
  expect((await namedTo("alice")).count).toBeGreaterThan(count);
  await own.close();
  passedMs = 10 * 60_000;
  expect(await namedTo("alice")).toEqual({ missing: ["clock"], count });
  expect(await namedTo("bob")).toEqual({ missing: undefined, count });
  expect(await namedTo("alice", "/read")).toMatchObject({ missing: undefined });
  await through.close();
});

test("the log has one line when a server goes down and one when it is back, however often it is asked", async () => {
  let own = await startServer("tools/clock/server.ts");
  const { port } = new URL(own.url);
  let passedMs = 0;
  const lines: { readonly level: string; readonly text: string; readonly fields: object }[] = [];
  const write = (level: string) => (fields: object, text: string) => void lines.push({ level, text, fields });
  const log: Log = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: () => log,
  };
  const told = () => lines.splice(0).filter(({ level }) => level !== "debug");
  const through = await startHarness({
    mcp: {
      servers: { dead: { url: "http://127.0.0.1:9/mcp" }, clock: { url: own.url } },
      routes: { "/mcp": { servers: ["dead", "clock"] } },
    },
    clock: { now: () => systemClock.now(), monotonic: () => systemClock.monotonic() + passedMs },
    log,
  });
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{${ENVELOPE}}}`;
  const listLater = async () => {
    passedMs += 10 * 60_000;
    for (let count = 0; count < 3; count += 1) await raw(through.url(), "POST", stateless("tools/list"), body);
  };
  await listLater();
  await listLater();
  expect(told()).toEqual([
    {
      level: "warn",
      text: "mcp server is not available",
      fields: { mcp_server: "dead", reason: expect.stringContaining("ECONNREFUSED") as string },
    },
  ]);
  await own.close();
  await listLater();
  await listLater();
  expect(told()).toMatchObject([{ level: "warn", fields: { mcp_server: "clock", list: "tools" } }]);
  own = await startServer("tools/clock/server.ts", "--port", port);
  await listLater();
  await listLater();
  expect(told()).toEqual([
    { level: "info", text: "mcp server is back in a list", fields: { mcp_server: "clock", list: "tools" } },
  ]);
  await through.close();
  await own.close();
});

test("a call to a server that went down says so", async () => {
  const own = await startServer("tools/clock/server.ts");
  const through = await startHarness({
    mcp: { servers: { clock: { url: own.url } }, routes: { "/mcp": { servers: ["clock"] } } },
  });
  const client = await connectModern(through.url());
  await client.listTools();
  await own.close();
  await expect(
    client.callTool({ name: "add_minutes", arguments: { instant: "2026-01-01T00:00:00Z", minutes: 1 } }),
  ).rejects.toMatchObject({ code: -31502 });
  await client.close();
  await through.close();
});
