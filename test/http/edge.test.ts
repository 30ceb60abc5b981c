import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { AbortSignalLike } from "../../src/core/abort.ts";
import { GatewayError } from "../../src/core/errors.ts";
import { silentLog } from "../../src/core/log.ts";
import { createBufferBudget } from "../../src/http/body.ts";
import type { EdgeOptions, Incoming } from "../../src/http/edge.ts";
import { echo, sendRaw, startEdge, type RunningEdge } from "./harness.ts";

const running: RunningEdge[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const { edge } of running.splice(0)) await edge.close();
});

async function start(
  dispatch: EdgeOptions["dispatch"],
  config?: Record<string, unknown>,
  more?: Partial<EdgeOptions>,
): Promise<RunningEdge> {
  const started = await startEdge(dispatch, config, more);
  running.push(started);
  return started;
}

/** A socket whose received bytes can be read as text. */
function open(port: number): { socket: Socket; text: () => string; closed: Promise<void> } {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  const parts: Buffer[] = [];
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  socket.on("data", (part) => parts.push(part)).on("error", () => {});
  return { socket, text: () => Buffer.concat(parts).toString("latin1"), closed };
}

const head = (lines: string) => `${lines}\r\nHost: 127.0.0.1\r\n\r\n`;
const readLimited =
  (limitBytes: number, json = false) =>
  async (incoming: Incoming) => {
    const body = await incoming.readBody({ limitBytes, json });
    incoming.reply.send(200, {}, String(body.length));
  };
const aborted = (signal: AbortSignalLike) =>
  new Promise<unknown>((resolve) => signal.addEventListener("abort", () => resolve(signal.reason), { once: true }));

describe("an answer", () => {
  test("carries an id, a length and its own headers", async () => {
    const { url } = await start((incoming) => {
      incoming.reply.setHeader("x-early", "1");
      incoming.reply.send(201, { "x-own": "2", connection: "evil", "content-length": "999" }, "héllo");
    });
    const answer = await fetch(url);
    expect(answer.status).toBe(201);
    expect(answer.headers.get("x-request-id")).toMatch(/^[0-9a-f]{32}$/);
    expect([answer.headers.get("x-early"), answer.headers.get("x-own"), answer.headers.get("content-length")]).toEqual([
      "1",
      "2",
      "6",
    ]);
    expect(await answer.text()).toBe("héllo");
  });

  test("what dispatch throws is rendered; what is not ours is shown as a fixed text", async () => {
    const { url } = await start((incoming) => {
      if (incoming.request.path === "/sync") throw new GatewayError("denied", "No.");
      return Promise.reject(new Error("secret: 10.0.0.1"));
    });
    const denied = await fetch(`${url}/sync`);
    expect([denied.status, await denied.json()]).toEqual([403, { error: { type: "denied", message: "No." } }]);
    const internal = await fetch(url);
    expect(internal.status).toBe(500);
    expect(await internal.text()).not.toContain("secret");
  });

  test("a route's own error shape is used, also for what fails before any route", async () => {
    const renderError = (error: GatewayError, path: string) => ({
      status: 418,
      headers: { "x-kind": error.kind },
      body: path,
    });
    const { port } = await start(echo, {}, { renderError });
    expect((await sendRaw(port, "GET /mcp HTTP/1.1\r\nHost: evil.example\r\n\r\n")).text).toContain(
      "x-kind: misdirected",
    );
    expect((await sendRaw(port, "garbage\r\n\r\n")).text).toContain("x-kind: invalid_request");
    expect((await sendRaw(port, head("GET /mcp HTTP/1.1\r\nOrigin: https://evil.example"))).text).toMatch(
      /x-kind: origin_refused[\s\S]*\r\n\r\n\/mcp$/,
    );
  });

  test("a dispatch that forgets to answer does not leave the caller waiting", async () => {
    const { url } = await start(async () => {});
    expect((await fetch(url)).status).toBe(500);
  });

  test("a dispatch that leaves a stream open when it is done does not leave the caller waiting either", async () => {
    const { url } = await start(async ({ reply }) => {
      reply.open(200, { "content-type": "text/event-stream" });
      await reply.write("data: 1\n\n");
    });
    await expect(fetch(url).then((answer) => answer.text())).rejects.toThrow();
  });

  test("a stream that fails after its start is broken off, never ended well", async () => {
    const { port } = await start(async ({ reply }) => {
      reply.open(200, { "content-type": "text/event-stream" });
      await reply.write("data: 1\n\n");
      throw new Error("broken");
    });
    const { text } = await sendRaw(port, head("GET / HTTP/1.1"));
    expect(text).toContain("data: 1");
    expect(text).not.toMatch(/\r\n0\r\n\r\n$/);
  });

  test("HEAD gets headers only, and a second answer is ignored", async () => {
    const { port } = await start(({ reply }) => {
      reply.send(200, {}, "body");
      reply.send(500, {}, "other");
      void reply.write("more");
      reply.end();
    });
    const { text } = await sendRaw(port, head("HEAD / HTTP/1.1"));
    expect(text).toContain("content-length: 4\r\n");
    expect(text.endsWith("\r\n\r\n")).toBe(true);
  });

  test("answers on one connection keep the order of their requests", async () => {
    const { port } = await start(async ({ request, reply }) => {
      await new Promise((resolve) => setTimeout(resolve, request.path === "/1" ? 40 : 0));
      reply.send(200, {}, request.path);
    });
    const { text } = await sendRaw(
      port,
      head("GET /1 HTTP/1.1") + head("GET /2 HTTP/1.1") + head("GET /3 HTTP/1.1"),
      150,
    );
    expect(text.match(/^\/\d/gm)).toEqual(["/1", "/2", "/3"]);
  });

  test("1,000 pipelined requests are bounded", async () => {
    let most = 0;
    const { port, edge } = await start(async ({ reply }) => {
      most = Math.max(most, edge.active);
      await new Promise((resolve) => setTimeout(resolve, 30));
      reply.send(200, {});
    });
    const { text } = await sendRaw(port, head("GET / HTTP/1.1").repeat(1_000), 200);
    expect(most).toBeLessThanOrEqual(33);
    expect(text.match(/^HTTP\/1.1 200/gm)?.length).toBe(32);
    expect(text).toContain("HTTP/1.1 503");
  });
});

describe("a request body", () => {
  test("is taken up to the limit, by length and in chunks", async () => {
    const { url, port } = await start(readLimited(1_000));
    expect(await (await fetch(url, { method: "POST", body: "x".repeat(1_000) })).text()).toBe("1000");
    const over = await fetch(url, { method: "POST", body: "x".repeat(1_001) });
    expect([over.status, over.headers.get("connection")]).toEqual([413, "close"]);
    const chunk = `${(400).toString(16)}\r\n${"x".repeat(400)}\r\n`;
    const chunked = head("POST / HTTP/1.1\r\nTransfer-Encoding: chunked");
    expect((await sendRaw(port, `${chunked}${chunk}${chunk}0\r\n\r\n`)).text).toMatch(/800$/);
    expect((await sendRaw(port, `${chunked}${chunk}${chunk}${chunk}0\r\n\r\n`)).status).toBe(413);
  });

  test("the parts are put together byte for byte, however they arrive", async () => {
    const { port } = await start(async (incoming) =>
      incoming.reply.send(200, {}, await incoming.readBody({ limitBytes: 1_000, json: false })),
    );
    const { socket, text } = open(port);
    socket.write(head("POST / HTTP/1.1\r\nContent-Length: 9"));
    for (const part of ["ab", "c", "defg", "hi"]) {
      await new Promise((resolve) => setTimeout(resolve, 15));
      socket.write(part);
    }
    await expect.poll(text).toMatch(/\r\n\r\nabcdefghi$/);
  });

  test("a caller that sends on and on is answered 413 and cut off", async () => {
    const { port } = await start(readLimited(10_000));
    const { socket, text, closed } = open(port);
    socket.write(head("POST / HTTP/1.1\r\nTransfer-Encoding: chunked"));
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    const timer = setInterval(() => socket.write(chunk), 2);
    await closed;
    clearInterval(timer);
    expect(text()).toContain("HTTP/1.1 413");
  });

  test("a large upload is answered before it is sent in full, and the caller reads the answer", async () => {
    const { url } = await start(({ reply }) => reply.send(401, {}, "who are you"));
    for (let turn = 0; turn < 5; turn++) {
      const answer = await fetch(url, { method: "POST", body: Buffer.alloc(300_000) });
      expect([answer.status, await answer.text()]).toEqual([401, "who are you"]);
    }
  });

  test("JSON routes take JSON only, and nobody takes compressed bodies", async () => {
    const { url } = await start(readLimited(1_000, true));
    const post = (headers: Record<string, string>) =>
      fetch(url, { method: "POST", body: "{}", headers }).then(({ status }) => status);
    expect(await post({ "content-type": "application/json" })).toBe(200);
    expect(await post({ "content-type": "Application/JSON; charset=utf-8" })).toBe(200);
    expect(await post({ "content-type": "application/a2a+json" })).toBe(200);
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json", ""])
      expect(await post({ "content-type": type })).toBe(415);
    expect(await post({ "content-type": "application/json", "content-encoding": "br" })).toBe(415);
    expect(await post({ "content-type": "application/json", "content-encoding": "identity" })).toBe(200);
  });

  test("a body that does not come is a timeout with an answer", async () => {
    const { port } = await start(readLimited(1_000), { limits: { requestTimeout: "80ms" } });
    const { socket, text, closed } = open(port);
    socket.write(head("POST / HTTP/1.1\r\nContent-Length: 5") + "abc");
    await closed;
    expect(text()).toContain("HTTP/1.1 408");
  });

  test("a head that does not come is a timeout with an answer", async () => {
    const { port } = await start(echo, { limits: { headerTimeout: "150ms" } });
    const { socket, text, closed } = open(port);
    socket.write("GET / HTTP/1.1\r\nHost: 127");
    await closed;
    expect(text()).toContain("HTTP/1.1 408");
  });

  test("all bodies together stay within the budget, and give it back", async () => {
    const budget = createBufferBudget(1_500);
    let release: (() => void) | undefined;
    const { url } = await start(
      async (incoming) => {
        await incoming.readBody({ limitBytes: 10_000, json: false });
        if (incoming.request.path === "/hold") await new Promise<void>((resolve) => (release = resolve));
        incoming.reply.send(200, {});
      },
      {},
      { budget },
    );
    const holding = fetch(`${url}/hold`, { method: "POST", body: "x".repeat(1_000) });
    await expect.poll(() => budget.usedBytes).toBe(1_000);
    const refused = await fetch(url, { method: "POST", body: "x".repeat(1_000) });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    release?.();
    expect((await holding).status).toBe(200);
    await expect.poll(() => budget.usedBytes).toBe(0);
    expect((await fetch(url, { method: "POST", body: "x".repeat(1_000) })).status).toBe(200);
  });

  test("Expect: 100-continue is answered once somebody wants the body, and not before", async () => {
    const { port } = await start(async (incoming) => {
      if (incoming.request.path === "/no") return incoming.reply.send(401, {});
      await readLimited(10)(incoming);
    });
    const refused = open(port);
    refused.socket.write(head("POST /no HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5"));
    await refused.closed;
    expect(refused.text()).toMatch(/^HTTP\/1.1 401/);
    const taken = open(port);
    taken.socket.write(head("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5"));
    await expect.poll(taken.text).toContain("HTTP/1.1 100 Continue");
    taken.socket.write("hello");
    await expect.poll(taken.text).toMatch(/HTTP\/1.1 200[\s\S]*5$/);
  });

  test("broken chunks under a body that is being read end it with an answer", async () => {
    const { port } = await start(readLimited(1_000));
    const { socket, text, closed } = open(port);
    socket.write(head("POST / HTTP/1.1\r\nTransfer-Encoding: chunked") + "3\r\nabc\r\n");
    await new Promise((resolve) => setTimeout(resolve, 30));
    socket.write("zz\r\n");
    await closed;
    expect(text()).toContain("HTTP/1.1 400");
  });

  test("garbage behind a request under way never becomes its answer", async () => {
    let release: (() => void) | undefined;
    const { port } = await start(async ({ reply }) => {
      await new Promise<void>((resolve) => (release = resolve));
      reply.send(200, {}, "mine");
    });
    const { socket, text, closed } = open(port);
    socket.write(head("GET / HTTP/1.1") + "garbage\r\n\r\n");
    await expect.poll(() => release).toBeDefined();
    await new Promise((resolve) => setTimeout(resolve, 20));
    release?.();
    await closed;
    expect(text()).toMatch(/^HTTP\/1.1 200/);
    expect(text()).toMatch(/mine$/);
  });
});

test("a port that is taken is named, with what to do", async () => {
  const { port } = await start(echo);
  await expect(startEdge(echo, { listen: { port } })).rejects.toThrow(`127.0.0.1:${port} is in use`);
});

describe("a caller that goes away", () => {
  test("aborts the exchange before the first byte of the answer", async () => {
    let reason: Promise<unknown> | undefined;
    const { port, edge } = await start(async ({ signal }) => {
      reason = aborted(signal);
      await reason;
      throw signal.reason;
    });
    const { socket } = open(port);
    socket.write(head("GET / HTTP/1.1"));
    await expect.poll(() => reason !== undefined).toBe(true);
    socket.destroy();
    expect(await reason).toMatchObject({ kind: "cancelled" });
    await expect.poll(() => edge.active).toBe(0);
  });

  test("is no failure of the gateway when it can be told nothing any more", async () => {
    const told: unknown[] = [];
    let handled = false;
    const { port } = await start(
      async ({ signal, reply }) => {
        await aborted(signal);
        reply.send(499, {});
        handled = true;
      },
      {},
      { log: { ...silentLog, error: (...args: unknown[]) => void told.push(args) } },
    );
    const { socket } = open(port);
    socket.write(head("GET / HTTP/1.1"), () => socket.destroy());
    await expect.poll(() => handled).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([]);
  });

  test("ends the reading of its body", async () => {
    let failed: unknown;
    const { port } = await start(async (incoming) => {
      await incoming.readBody({ limitBytes: 100, json: false }).catch((error: unknown) => (failed = error));
      incoming.reply.send(200, {});
    });
    const { socket } = open(port);
    socket.write(head("POST / HTTP/1.1\r\nContent-Length: 5") + "ab", () => socket.destroy());
    await expect.poll(() => failed).toMatchObject({ kind: "cancelled" });
  });

  test("frees a writer that waits for it, and later calls do nothing", async () => {
    let finished = false;
    const { port } = await start(async ({ reply }) => {
      reply.open(200, {});
      for (let n = 0; n < 1_000 && !finished; n++) {
        await reply.write(Buffer.alloc(65_536));
        if (n === 999) throw new Error("never blocked");
        if (sockets[0]?.destroyed === true) finished = true;
      }
      await reply.write("x");
      reply.end();
      reply.destroy();
    });
    const { socket } = open(port);
    socket.pause();
    socket.write(head("GET / HTTP/1.1"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(finished).toBe(false);
    socket.destroy();
    await expect.poll(() => finished).toBe(true);
  });

  test("or never reads: the writer is held back, then the connection is broken", async () => {
    let written = 0;
    let reason: unknown;
    const { port } = await start(
      async ({ reply, signal }) => {
        signal.addEventListener("abort", () => (reason = signal.reason));
        reply.open(200, { "content-type": "text/event-stream" });
        while (!signal.aborted) {
          await reply.write(Buffer.alloc(65_536));
          written += 65_536;
        }
      },
      { limits: { slowReader: "150ms" } },
    );
    const { socket } = open(port);
    socket.pause();
    socket.write(head("GET / HTTP/1.1"));
    await expect.poll(() => reason, { timeout: 5_000 }).toMatchObject({ kind: "cancelled" });
    // The kernel's buffers on both sides, not ours.
    expect(written).toBeLessThan(16 * 1_048_576);
  });

  test("or does not read a whole answer: the same", async () => {
    const { port, edge } = await start(({ reply }) => reply.send(200, {}, Buffer.alloc(32 * 1_048_576)), {
      limits: { slowReader: "100ms" },
    });
    const { socket } = open(port);
    socket.pause();
    socket.write(head("GET / HTTP/1.1"));
    await expect.poll(() => edge.active).toBe(1);
    await expect.poll(() => edge.active, { timeout: 5_000 }).toBe(0);
  });
});

describe("drain", () => {
  test("lets requests under way finish, tells connections to close, and refuses new ones", async () => {
    let release: (() => void) | undefined;
    const { edge, port } = await start(async ({ reply }) => {
      await new Promise<void>((resolve) => (release = resolve));
      reply.send(200, {}, "whole");
    });
    const one = open(port);
    one.socket.write(head("GET / HTTP/1.1"));
    await expect.poll(() => release).toBeDefined();
    const drained = edge.drain(5_000);
    const late = open(port);
    await late.closed;
    release?.();
    await drained;
    await one.closed;
    expect(one.text()).toMatch(/connection: close\r\n[\s\S]*whole$/i);
  });

  test("aborts what does not finish, with time for last words", async () => {
    const { edge, port } = await start(async ({ reply, signal }) => {
      reply.open(200, { "content-type": "text/event-stream" });
      await aborted(signal);
      void reply.write(`data: ${(signal.reason as GatewayError).kind}\n\n`);
      reply.end();
    });
    const one = open(port);
    one.socket.write(head("GET / HTTP/1.1"));
    await expect.poll(one.text).toContain("200 OK");
    await edge.drain(30);
    await one.closed;
    expect(one.text()).toContain("data: draining");
  });

  test("breaks what does not even stop then, and what is only connected", async () => {
    const { edge, port } = await start(() => new Promise<void>(() => {}));
    const stuck = open(port);
    stuck.socket.write(head("GET / HTTP/1.1"));
    const silent = open(port);
    await expect.poll(() => edge.active).toBe(1);
    await edge.drain(20);
    await Promise.all([stuck.closed, silent.closed]);
  });
});

describe("who calls, and through what", () => {
  const ask = async (port: number, headers: string) => {
    const { text } = await sendRaw(port, head(`GET /x HTTP/1.1\r\n${headers}X-Other: 1`));
    return JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4)) as {
      ip: string;
      scheme: string;
      headers: Record<string, string>;
    };
  };
  const spoofed =
    "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\nX-Real-IP: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nX-Forwarded-User: root\r\nX-Original-URL: /admin\r\nX-Sallyport-Actor-Token: 1\r\n";

  test("nobody but a trusted proxy is believed, and none of it goes further", async () => {
    const { port } = await start(echo);
    const seen = await ask(port, spoofed);
    expect([seen.ip, seen.scheme]).toEqual(["127.0.0.1", "http"]);
    expect(seen.headers).toEqual({ host: "127.0.0.1", "x-other": "1" });
  });

  test("a trusted proxy names the caller, the scheme and its user", async () => {
    const { port } = await start(echo, { listen: { trustedProxies: ["127.0.0.0/8", "10.0.0.0/8"] } });
    const seen = await ask(port, spoofed.replace("For: 1.2.3.4", "For: 6.6.6.6, 1.2.3.4, 10.0.0.9"));
    expect([seen.ip, seen.scheme]).toEqual(["1.2.3.4", "https"]);
    expect(seen.headers["x-forwarded-user"]).toBe("root");
    for (const name of [
      "x-forwarded-for",
      "x-forwarded-proto",
      "x-forwarded-host",
      "x-real-ip",
      "forwarded",
      "x-original-url",
    ])
      expect(seen.headers).not.toHaveProperty(name);
  });

  test.for([
    ["1.2.3.4, nonsense", "127.0.0.1"],
    ["nonsense, 1.2.3.4", "1.2.3.4"],
    ["10.0.0.1, 10.0.0.2", "10.0.0.1"],
    ["2001:db8::1", "2001:db8::1"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["1.2.3.4:80", "127.0.0.1"],
  ])("X-Forwarded-For: %s is %s", async ([value, ip]) => {
    const { port } = await start(echo, { listen: { trustedProxies: ["127.0.0.1", "10.0.0.0/8"] } });
    expect((await ask(port, `X-Forwarded-For: ${value}\r\n`)).ip).toBe(ip);
  });

  test("configured hosts are served, with any port unless one is named", async () => {
    const config = {
      publicUrl: "https://gateway.example.com",
      listen: { allowedHosts: ["sallyport", "*.internal", "pinned:8080"], allowedOrigins: ["https://app.example.com"] },
    };
    const { port } = await start(echo, config);
    const status = async (lines: string) => (await sendRaw(port, `GET / HTTP/1.1\r\n${lines}\r\n\r\n`)).status;
    for (const host of [
      "gateway.example.com",
      "GATEWAY.example.com:443",
      "sallyport:4000",
      "a.internal",
      "pinned:8080",
    ])
      expect(await status(`Host: ${host}`)).toBe(200);
    for (const host of ["example.com", "internal", "a.internal.evil", "pinned:80", "xsallyport"])
      expect(await status(`Host: ${host}`)).toBe(421);
    for (const origin of ["https://gateway.example.com", "https://app.example.com"])
      expect(await status(`Host: sallyport\r\nOrigin: ${origin}`)).toBe(200);
    for (const origin of ["http://gateway.example.com", "https://app.example.com.evil", "https://APP.example.com"])
      expect(await status(`Host: sallyport\r\nOrigin: ${origin}`)).toBe(403);
  });

  test("the health listener answers to any Host", async () => {
    const { port } = await start(echo, { listen: { health: { host: "127.0.0.1", port: 0 } } }, { listener: "health" });
    expect((await sendRaw(port, "GET /ready HTTP/1.1\r\nHost: 10.1.2.3:4002\r\n\r\n")).status).toBe(200);
  });
});

describe("the console", () => {
  const config = {
    publicUrl: "https://gateway.example.com",
    listen: {
      allowedHosts: ["admin.internal"],
      allowedOrigins: ["https://app.example.com"],
      console: { host: "127.0.0.1", port: 0 },
    },
  };

  test("answers to addresses, this machine's names and configured hosts, and to no name that anyone could rebind", async () => {
    const { port } = await start(echo, config, { listener: "console" });
    const status = async (host: string) => (await sendRaw(port, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status;
    for (const host of [
      "localhost:4001",
      "127.0.0.1:4001",
      "[::1]:4001",
      "10.1.2.3:4001",
      "[fd00::1]",
      "admin.internal:80",
    ])
      expect([host, await status(host)]).toEqual([host, 200]);
    expect(await status("gateway.example.com:4001")).toBe(200);
    for (const host of [
      "evil.example",
      "10.1.2.3.evil.example",
      "127.1",
      "localhost.evil.example",
      "admin.internal.evil",
    ])
      expect([host, await status(host)]).not.toEqual([host, 200]);
  });

  test("is called by its own pages only, and grants no CORS", async () => {
    const { port } = await start(echo, config, { listener: "console" });
    const answer = (host: string, origin: string, method = "POST") =>
      sendRaw(port, `${method} / HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\ncontent-length: 0\r\n\r\n`);
    for (const [host, origin] of [
      ["10.1.2.3:4001", "http://10.1.2.3:4001"],
      ["[::1]:4001", "http://[::1]:4001"],
      ["admin.internal", "https://admin.internal"],
    ] as const) {
      const own = await answer(host, origin);
      expect(own.status).toBe(200);
      expect(own.text).not.toContain("access-control");
    }
    for (const origin of ["https://app.example.com", "https://gateway.example.com", "http://localhost:5173", "null"])
      for (const method of ["POST", "OPTIONS"])
        expect((await answer("localhost:4001", origin, method)).status).toBe(403);
  });
});

describe("CORS", () => {
  test("a preflight is answered without dispatch, and answers expose the protocol headers", async () => {
    let dispatched = 0;
    const { url } = await start((incoming) => {
      dispatched++;
      return echo(incoming);
    });
    const preflight = await fetch(`${url}/mcp`, {
      method: "OPTIONS",
      headers: {
        origin: "http://localhost:5173",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, mcp-session-id",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
    expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization, mcp-session-id");
    expect(preflight.headers.get("access-control-allow-methods")).toContain("DELETE");
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
    expect(dispatched).toBe(0);
    const answer = await fetch(`${url}/mcp`, { headers: { origin: "http://localhost:5173" } });
    for (const name of ["Mcp-Session-Id", "WWW-Authenticate", "A2A-Version", "Retry-After"])
      expect(answer.headers.get("access-control-expose-headers")).toContain(name);
    expect(answer.headers.get("vary")).toBe("origin");
  });

  test("an open path is open to every page, without cookies", async () => {
    const { url } = await start(echo, {}, { originPolicy: ({ path }) => (path === "/open" ? "any" : "listed") });
    const headers = { origin: "https://anywhere.example" };
    expect((await fetch(`${url}/open`, { headers })).headers.get("access-control-allow-origin")).toBe("*");
    expect((await fetch(`${url}/closed`, { headers })).status).toBe(403);
  });
});

describe("raw()", () => {
  test("a body that does not come breaks the connection", async () => {
    const { port } = await start((incoming) => void incoming.raw().req.resume(), {
      limits: { requestTimeout: "80ms" },
    });
    const { socket, closed } = open(port);
    socket.write(head("POST / HTTP/1.1\r\nContent-Length: 5") + "abc");
    await expect(closed).resolves.toBeUndefined();
  });

  test("hands over Node's objects with the canonical address and headers", async () => {
    const { port } = await start((incoming) => {
      incoming.reply.setHeader("x-early", "1");
      const { req, res } = incoming.raw();
      res.end(JSON.stringify({ url: req.url, headers: req.headers }));
    });
    const { text } = await sendRaw(port, head("GET /%61dmin?x=1 HTTP/1.1\r\nX-Forwarded-User: root\r\nX-A: 1"));
    expect(text).toMatch(/x-request-id: [0-9a-f]{32}\r\n/);
    expect(text).toContain("x-early: 1");
    expect(JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4).replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, ""))).toEqual({
      url: "/admin?x=1",
      headers: { host: "127.0.0.1", "x-a": "1" },
    });
  });
});
