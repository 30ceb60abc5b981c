import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseHttpConfig } from "../../src/http/config.ts";
import { createUpstream } from "../../src/http/undici-upstream.ts";
import { neverSent } from "../../src/http/upstream-errors.ts";
import type { Upstream, UpstreamRequest } from "../../src/http/upstream.ts";

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function makeUpstream(egress: Record<string, unknown> = {}): Upstream {
  const upstream = createUpstream({ egress: parseHttpConfig({ egress }).egress });
  open.push(() => upstream.close());
  return upstream;
}

function listen(server: Server | TcpServer): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      open.push(() => new Promise((done) => server.close(done)));
      if (address !== null && typeof address === "object") resolve(`http://127.0.0.1:${address.port}`);
    });
  });
}

const serve = (listener: RequestListener) => {
  const server = createServer(listener);
  open.push(() => server.closeAllConnections());
  return listen(server);
};

/** A server that answers each connection with literal bytes once a request's head has come. */
async function serveRaw(answer: (socket: Socket, turn: number) => void): Promise<string> {
  let turn = 0;
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", () => answer(socket, turn++));
  });
  const url = await listen(server);
  open.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  return url;
}

const get = (url: string, more: Partial<UpstreamRequest> = {}): UpstreamRequest => ({
  url: new URL(url),
  trust: "configured",
  method: "GET",
  headers: {},
  ...more,
});

async function readAll(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of body) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

describe("a request out", () => {
  test("sends exactly what it was given and gives the answer with plain headers", async () => {
    const url = await serve((req, res) => {
      const parts: Buffer[] = [];
      req
        .on("data", (part: Buffer) => parts.push(part))
        .on("end", () => {
          res.setHeader("set-cookie", "session=1");
          res.setHeader("x-two", ["a", "b"]);
          res.writeHead(207, { "content-type": "application/json" });
          res.end(
            JSON.stringify({
              url: req.url,
              method: req.method,
              headers: req.headers,
              body: Buffer.concat(parts).toString(),
            }),
          );
        });
    });
    const response = await makeUpstream().request(
      get(`${url}/a/b?c=d`, {
        method: "POST",
        headers: { "x-a": "1", host: "evil.example", "content-length": "99" },
        body: Buffer.from("hello"),
      }),
    );
    expect(response.status).toBe(207);
    expect(response.headers["x-two"]).toBe("a, b");
    for (const name of ["set-cookie", "connection", "keep-alive", "transfer-encoding"])
      expect(response.headers).not.toHaveProperty(name);
    expect(Object.getPrototypeOf(response.headers)).toBeNull();
    expect(JSON.parse((await response.bytes(10_000)).toString())).toEqual({
      url: "/a/b?c=d",
      method: "POST",
      headers: {
        host: new URL(url).host,
        connection: "keep-alive",
        "x-a": "1",
        "accept-encoding": "identity",
        "content-length": "5",
      },
      body: "hello",
    });
  });

  test("connections are used again", async () => {
    const ports = new Set<number | undefined>();
    const url = await serve((req, res) => {
      ports.add(req.socket.remotePort);
      res.end("ok");
    });
    const upstream = makeUpstream();
    for (let n = 0; n < 6; n++) await (await upstream.request(get(url))).bytes(10);
    // A socket rests for one turn of the event loop before it is used again.
    expect(ports.size).toBeLessThanOrEqual(2);
  });

  test("a redirect is an answer, not an order", async () => {
    let hits = 0;
    const url = await serve((_, res) => {
      hits++;
      res.writeHead(302, { location: "/elsewhere" }).end();
    });
    const upstream = makeUpstream();
    expect((await upstream.request(get(url))).status).toBe(302);
    expect((await upstream.fetch("configured")(url)).status).toBe(302);
    expect(hits).toBe(2);
  });

  test("a header cannot bring a line of its own", async () => {
    const url = await serve((_, res) => res.end("ok"));
    for (const headers of [{ "x-a": "1\r\nx-b: 2" }, { "x-a": "1\n" }, { "x a": "1" }, { "x-a": "1\0" }]) {
      await expect(makeUpstream().request(get(url, { headers }))).rejects.toMatchObject({ kind: "invalid_request" });
    }
  });

  test("a large body comes in pieces; not reading holds the upstream back", async () => {
    let written = 0;
    const url = await serve((_, res) => {
      const pump = () => {
        while (written < 200) {
          written++;
          if (!res.write(Buffer.alloc(256 * 1024, 120))) return void res.once("drain", pump);
        }
        res.end();
      };
      pump();
    });
    const response = await makeUpstream().request(get(url));
    await new Promise((resolve) => setTimeout(resolve, 150));
    // 50 MiB in all; the sockets' own buffers take a few.
    expect(written).toBeLessThan(120);
    expect((await readAll(response.body)).length).toBe(200 * 256 * 1024);
  });

  test("bytes() takes a body up to its limit and no further", async () => {
    const url = await serve((req, res) => {
      if (req.url === "/announced") res.setHeader("content-length", 1_000);
      res.end(Buffer.alloc(1_000));
    });
    const upstream = makeUpstream();
    expect((await (await upstream.request(get(url))).bytes(1_000)).length).toBe(1_000);
    expect((await (await upstream.request(get(`${url}/announced`))).bytes(1_000)).length).toBe(1_000);
    await expect((await upstream.request(get(url))).bytes(999)).rejects.toMatchObject({ kind: "upstream_invalid" });
    await expect((await upstream.request(get(`${url}/announced`))).bytes(999)).rejects.toMatchObject({
      kind: "upstream_invalid",
    });
  });

  test("a body that is let go of does not hold its connection", async () => {
    const ports: (number | undefined)[] = [];
    const url = await serve((req, res) => {
      ports.push(req.socket.remotePort);
      res.end("x".repeat(req.url === "/large" ? 10_000_000 : 100));
    });
    const upstream = makeUpstream({ connections: 1 });
    (await upstream.request(get(url))).discard();
    (await upstream.request(get(`${url}/large`))).discard();
    for await (const _ of (await upstream.request(get(`${url}/large`))).body) break;
    expect((await (await upstream.request(get(url))).bytes(100)).length).toBe(100);
    expect(ports.length).toBe(4);
    expect(ports[0]).toBe(ports[1]);
  });
});

describe("an upstream that fails", () => {
  test.for([
    ["a length that is not reached", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc"],
    ["chunks without an end", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"],
    ["a chunk cut in half", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc"],
    [
      "chunks without an end on a closing connection",
      "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
    ["a chunk size that is none", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"],
  ] as const)("%s is a truncated body, after the bytes that came", async ([, bytes]) => {
    const url = await serveRaw((socket) => socket.end(bytes));
    const upstream = makeUpstream();
    const seen: string[] = [];
    const response = await upstream.request(get(url));
    await expect(
      (async () => {
        for await (const chunk of response.body) seen.push(chunk.toString());
      })(),
    ).rejects.toMatchObject({ kind: "upstream_truncated" });
    await expect((await upstream.request(get(url))).bytes(1_000)).rejects.toMatchObject({ kind: "upstream_truncated" });
  });

  test.for([
    ["not HTTP", "hello\r\n\r\n", "upstream_invalid"],
    ["two content lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nContent-Length: 2\r\n\r\nab", "upstream_invalid"],
    [
      "a length and chunks",
      "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      "upstream_invalid",
    ],
    ["bare line feeds", "HTTP/1.1 200 OK\ncontent-length: 0\n\n", "upstream_invalid"],
    ["headers of 100 kB", `HTTP/1.1 200 OK\r\nx: ${"a".repeat(100_000)}\r\n\r\n`, "upstream_invalid"],
    [
      "a flood of interim answers",
      `${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(20)}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n`,
      "upstream_invalid",
    ],
    [
      "a compressed body nobody asked for",
      "HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 1\r\n\r\nx",
      "upstream_invalid",
    ],
    [
      "a switch of protocols nobody asked for",
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
      "upstream_unavailable",
    ],
    ["nothing but an end", "", "upstream_unavailable"],
    ["half a head", "HTTP/1.1 200 OK\r\ncontent-le", "upstream_unavailable"],
  ] as const)("%s", async ([, bytes, kind]) => {
    const url = await serveRaw((socket) => socket.end(bytes));
    await expect(makeUpstream().request(get(url))).rejects.toMatchObject({ kind });
  });

  test("interim answers before the real one are passed over", async () => {
    const url = await serveRaw((socket) =>
      socket.write("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    );
    expect((await (await makeUpstream().request(get(url))).bytes(10)).toString()).toBe("ok");
  });

  test("bytes that nobody asked for on an idle connection are not the next answer", async () => {
    const url = await serveRaw((socket, turn) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nreal");
      if (turn === 0) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfake");
    });
    const upstream = makeUpstream({ connections: 1 });
    expect((await (await upstream.request(get(url))).bytes(10)).toString()).toBe("real");
    const next = await upstream.request(get(url)).then(
      (response) => response.bytes(10),
      () => "refused",
    );
    expect(next.toString()).not.toBe("fake");
  });

  test("nobody there: unavailable, and known to be unsent", async () => {
    const server = createTcpServer();
    const url = await new Promise<string>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        server.close(() =>
          resolve(`http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`),
        );
      });
    });
    const error: unknown = await makeUpstream()
      .request(get(url))
      .catch((each: unknown) => each);
    expect(error).toMatchObject({ kind: "upstream_unavailable", message: "The upstream could not be reached." });
    expect(neverSent(error)).toBe(true);
  });

  test("a refused connection is followed by one other at once: behind a balanced address another server may answer", async () => {
    const server = createServer((_, response) => response.end("second"));
    const url = await listen(server);
    const { port } = new URL(url);
    await new Promise((done) => server.close(done));
    let refused = 0;
    const onRefused = () => {
      if (refused++ === 0) server.listen(Number(port), "127.0.0.1");
    };
    subscribe("undici:client:connectError", onRefused);
    open.push(() => unsubscribe("undici:client:connectError", onRefused));
    const response = await makeUpstream().request(get(url));
    expect((await response.bytes(100)).toString()).toBe("second");
    expect(refused).toBe(1);
  });

  test("a name that does not resolve is unavailable", async () => {
    await expect(makeUpstream().request(get("http://no-such-host.invalid/"))).rejects.toMatchObject({
      kind: "upstream_unavailable",
    });
  });

  test("a reset after the request was sent is not known to be unsent, and is not sent again", async () => {
    let requests = 0;
    const url = await serveRaw((socket) => {
      requests++;
      socket.resetAndDestroy();
    });
    const error: unknown = await makeUpstream()
      .request(get(url, { method: "POST", body: Buffer.from("x") }))
      .catch((each: unknown) => each);
    expect(error).toMatchObject({ kind: "upstream_unavailable" });
    expect(neverSent(error)).toBe(false);
    expect(requests).toBe(1);
  });

  test("silence before the head is a timeout, and the connection is closed", async () => {
    let closed: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    const url = await serve((req) => void req.socket.on("close", () => closed?.()));
    await expect(makeUpstream().request(get(url, { headersTimeoutMs: 60 }))).rejects.toMatchObject({
      kind: "upstream_timeout",
    });
    await gone;
  });

  test("no free connection in time is a timeout too, known to be unsent", async () => {
    const url = await serve(() => {});
    const upstream = makeUpstream({ connections: 1 });
    const first = upstream.request(get(url, { headersTimeoutMs: 300 })).catch((error: unknown) => error);
    const second: unknown = await upstream
      .request(get(url, { method: "POST", headersTimeoutMs: 60 }))
      .catch((error: unknown) => error);
    expect(second).toMatchObject({ kind: "upstream_timeout" });
    expect([neverSent(second), neverSent(await first)]).toEqual([true, false]);
  });

  test("silence inside the body is a timeout", async () => {
    const url = await serve((_, res) => void res.write("first"));
    const response = await makeUpstream().request(get(url, { idleTimeoutMs: 80 }));
    await expect(readAll(response.body)).rejects.toMatchObject({ kind: "upstream_timeout" });
  });
});

describe("silence inside the body", () => {
  /* The deadlines' own interval is moved by hand; sockets go on as they are. */
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
  afterEach(() => void vi.useRealTimers());
  const realMs = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  /** A server that sends as many bytes at once and holds its answer open; `res` is that answer. */
  async function serveHeld(bytes: number) {
    const held = Promise.withResolvers<ServerResponse>();
    const broken = Promise.withResolvers<void>();
    const url = await serve((_, res) => {
      res.on("close", () => void (res.writableFinished || broken.resolve()));
      res.write(Buffer.alloc(bytes, 120), () => held.resolve(res));
    });
    return { url, held: held.promise, broken: broken.promise };
  }

  test("an upstream that goes on in time may take as long as it likes", async () => {
    const { url, held } = await serveHeld(1);
    const response = await makeUpstream().request(get(url, { idleTimeoutMs: 1_000 }));
    const reading = readAll(response.body);
    const res = await held;
    for (let n = 0; n < 5; n++) {
      await realMs(20);
      vi.advanceTimersByTime(900);
      await new Promise((resolve) => res.write("x", resolve));
    }
    res.end();
    expect(await reading).toBe("x".repeat(6));
  });

  test("one that is silent for too long is a timeout, for bytes() too, and the connection ends", async () => {
    const { url, held, broken } = await serveHeld(1);
    const response = await makeUpstream().request(get(url, { idleTimeoutMs: 1_000 }));
    const failed = response.bytes(100).catch((error: unknown) => error);
    await held;
    await realMs(20);
    vi.advanceTimersByTime(1_300);
    expect(await failed).toMatchObject({ kind: "upstream_timeout" });
    await broken;
  });

  test("a reader who takes its time is not the upstream's silence, and neither is the time it took", async () => {
    const size = 200_000;
    const { url, held } = await serveHeld(size);
    const response = await makeUpstream().request(get(url, { idleTimeoutMs: 1_000 }));
    const res = await held;
    await realMs(50);
    // So long that the next look at it is due within a tick.
    vi.advanceTimersByTime(10_900);
    const reading = readAll(response.body);
    await realMs(50);
    vi.advanceTimersByTime(900);
    res.end("end");
    expect(await reading).toBe(`${"x".repeat(size)}end`);
  });

  test("a reader who goes on with nothing left of what was sent gives the upstream its whole time again", async () => {
    // Beyond the high-water mark with one read of the socket: nothing comes at once when it goes on.
    for (const lateTicks of [8, 9, 10, 11]) {
      const { url, held } = await serveHeld(65_600);
      const response = await makeUpstream().request(get(url, { idleTimeoutMs: 1_000 }));
      await held;
      await realMs(30);
      vi.advanceTimersByTime(1_100 + lateTicks * 100);
      const iterator = response.body[Symbol.asyncIterator]();
      let taken = 0;
      while (taken < 65_600) taken += (await iterator.next()).value?.length ?? 0;
      const next = iterator.next().then(
        () => "went on",
        (error: unknown) => error,
      );
      vi.advanceTimersByTime(900);
      await realMs(5);
      expect(await Promise.race([next, Promise.resolve("waits")])).toBe("waits");
      vi.advanceTimersByTime(400);
      expect(await next).toMatchObject({ kind: "upstream_timeout" });
    }
  });

  test("what has come to its end is read whenever the reader likes", async () => {
    const url = await serve((_, res) => res.end("all of it"));
    const response = await makeUpstream().request(get(url, { idleTimeoutMs: 1_000 }));
    await realMs(30);
    vi.advanceTimersByTime(60_000);
    expect(await readAll(response.body)).toBe("all of it");
  });

  test.for([0, 300_000])(
    "a stream without an end that nobody wants does not hold its connection, however alive it is (%d)",
    async (idleTimeoutMs) => {
      const { url, held, broken } = await serveHeld(1);
      const response = await makeUpstream().request(get(url, { idleTimeoutMs }));
      for await (const _ of response.body) break;
      const res = await held;
      for (let n = 0; n < 3; n++) {
        res.write("x");
        await realMs(10);
        vi.advanceTimersByTime(800);
      }
      await expect(broken).resolves.toBeUndefined();
    },
  );
});

describe("an abort", () => {
  const reason = new Error("the caller went away");

  test("before the start: nothing is sent", async () => {
    let requests = 0;
    const url = await serve((_, res) => void (requests++, res.end()));
    await expect(makeUpstream().request(get(url, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect(requests).toBe(0);
  });

  test("while waiting for the first byte: the upstream sees the end at once", async () => {
    const controller = new AbortController();
    let closed: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    const url = await serve((req) => {
      req.socket.on("close", () => closed?.());
      controller.abort(reason);
    });
    await expect(makeUpstream().request(get(url, { signal: controller.signal }))).rejects.toBe(reason);
    await gone;
  });

  test("while waiting for a connection: it rejects at once and is never sent", async () => {
    const paths: (string | undefined)[] = [];
    const held: (() => void)[] = [];
    const url = await serve((req, res) => {
      paths.push(req.url);
      held.push(() => res.end("ok"));
    });
    const upstream = makeUpstream({ connections: 1 });
    const first = upstream.request(get(`${url}/first`));
    const controller = new AbortController();
    const second = upstream.request(get(`${url}/second`, { method: "POST", signal: controller.signal }));
    await new Promise((resolve) => setTimeout(resolve, 30));
    controller.abort(reason);
    await expect(second).rejects.toBe(reason);
    held.shift()?.();
    await (await first).bytes(10);
    const third = upstream.request(get(`${url}/third`));
    await expect.poll(() => held.length).toBe(1);
    held.shift()?.();
    await (await third).bytes(10);
    expect(paths).toEqual(["/first", "/third"]);
  });

  test("inside the body: the reader gets the reason and the upstream the end", async () => {
    const controller = new AbortController();
    let closed: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    const url = await serve((req, res) => {
      req.socket.on("close", () => closed?.());
      res.write("first");
    });
    const response = await makeUpstream().request(get(url, { signal: controller.signal }));
    const reading = (async () => {
      for await (const _ of response.body) controller.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
    await gone;
  });

  test("leaves no listener on a signal that outlives the request", async () => {
    const url = await serve((_, res) => res.end("ok"));
    const upstream = makeUpstream();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...all: Parameters<typeof add>) => (listeners++, add(...all));
    signal.removeEventListener = (...all: Parameters<typeof remove>) => (listeners--, remove(...all));
    for (let n = 0; n < 3; n++) await (await upstream.request(get(url, { signal }))).bytes(10);
    expect(listeners).toBe(0);
  });
});

test("that the operator's own requests go to an address does not let others there", async () => {
  let requests = 0;
  const url = new URL(await serve((_, res) => void (requests++, res.end("ok"))));
  const upstream = makeUpstream();
  for (const trust of ["configured", "influenced", "configured", "influenced"] as const) {
    const asked = upstream.request({ url, trust, method: "GET", headers: {} });
    if (trust === "configured") expect((await (await asked).bytes(10)).toString()).toBe("ok");
    else await expect(asked).rejects.toMatchObject({ kind: "denied" });
  }
  expect(requests).toBe(2);
});

test("addresses that come and go are forgotten when they are idle, and one that is used again still works", async () => {
  const url = new URL(await serve((_, response) => void response.setHeader("connection", "close").end("yes")));
  const upstream = makeUpstream({ connectTimeout: "500ms" });
  const ask = async (to: URL) => {
    const response = await upstream.request({ url: to, trust: "configured", method: "GET", headers: {} });
    return (await response.bytes(10)).toString();
  };
  expect(await ask(url)).toBe("yes");
  // Nobody listens there; each of them is an address of its own all the same.
  const gone = Array.from(
    { length: 1_100 },
    (_, at) => new URL(`http://127.${1 + (at >> 8)}.${at & 255}.1:${url.port}`),
  );
  await Promise.allSettled(gone.map(ask));
  expect(await ask(url)).toBe("yes");
});

describe("a way out that was closed", () => {
  test("is closed for addresses it has never called, too", async () => {
    let requests = 0;
    const url = await serve((_, res) => void (requests++, res.end("ok")));
    const other = await serve((_, res) => void (requests++, res.end("ok")));
    const upstream = makeUpstream();
    await (await upstream.request(get(url))).bytes(10);
    await upstream.close();
    for (const each of [url, other]) {
      await expect(upstream.request(get(each))).rejects.toMatchObject({ kind: "draining" });
      await expect(upstream.fetch("configured")(each)).rejects.toMatchObject({ kind: "draining" });
    }
    expect(requests).toBe(1);
  });

  test("ends what is under way, and no connection stays open", async () => {
    const closed: Promise<unknown>[] = [];
    const url = await serve((req, res) => {
      closed.push(new Promise((resolve) => req.socket.on("close", resolve)));
      if (req.url === "/body") res.write("first");
    });
    const upstream = makeUpstream();
    const body = await upstream.request(get(`${url}/body`));
    const reading = readAll(body.body).catch((error: unknown) => error);
    const waiting = upstream.request(get(`${url}/head`)).catch((error: unknown) => error);
    await expect.poll(() => closed.length).toBe(2);
    await upstream.close();
    expect(await reading).toMatchObject({ kind: "upstream_truncated" });
    expect(await waiting).toMatchObject({ kind: "draining" });
    await Promise.all(closed);
  });
});

describe("fetch over the same door", () => {
  test("carries methods, headers and bodies, of a Request too", async () => {
    const url = await serve((req, res) => {
      let body = "";
      req
        .on("data", (part) => (body += part))
        .on("end", () =>
          res.end(
            JSON.stringify({
              method: req.method,
              a: req.headers["x-a"],
              encoding: req.headers["accept-encoding"],
              body,
            }),
          ),
        );
    });
    const fetch = makeUpstream().fetch("configured");
    const expected = { method: "POST", a: "1", encoding: "identity", body: "hi" };
    expect(await (await fetch(url, { method: "POST", headers: { "x-a": "1" }, body: "hi" })).json()).toEqual(expected);
    expect(
      await (await fetch(new Request(url, { method: "POST", headers: { "x-a": "1" }, body: "hi" }))).json(),
    ).toEqual(expected);
  });

  test("an address somebody else chose is judged first", async () => {
    const url = await serve((_, res) => res.end("secret"));
    const fetch = makeUpstream().fetch("influenced");
    await expect(fetch(url)).rejects.toMatchObject({ kind: "denied" });
    await expect(fetch("https://127.0.0.1/")).rejects.toMatchObject({ kind: "denied" });
    await expect(fetch("https://localhost/")).rejects.toMatchObject({ cause: { kind: "denied" } });
    expect(await (await makeUpstream({ allow: ["127.0.0.0/8"] }).fetch("influenced")(url)).text()).toBe("secret");
  });

  test("an endless body is cut off", async () => {
    const url = await serve((_, res) => {
      const pump = () => {
        while (!res.destroyed && res.write(Buffer.alloc(1_048_576)));
        res.once("drain", pump);
      };
      pump();
    });
    const response = await makeUpstream().fetch("configured")(url);
    await expect(response.arrayBuffer()).rejects.toThrow();
  });
});
