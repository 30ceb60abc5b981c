import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  KEY,
  startEcho,
  startService,
  startServicesScene,
  type Service,
  type ServicesScene,
} from "./services-scene.ts";

let echo: Service;
let raw: Service;
let scene: ServicesScene;

beforeAll(async () => {
  echo = await startEcho("echo");
  raw = await startService((_, res) => res.end());
  scene = await startServicesScene(`
limits: {body: {http: 64MiB}, requestTimeout: 2s, headerTimeout: 500ms}
services:
  echo: ${echo.url}
  raw: {url: "${raw.url}", timeouts: {idle: 3s}}
  gone: "http://127.0.0.1:1"
  empty: {endpoints: []}
  mixed: {endpoints: ["http://127.0.0.1:1", "${echo.url}"]}
  keyed: {url: "${echo.url}", credentials: {headers: {Authorization: "Basic own"}}}
routes:
  raw: {auth: optional, rules: [{match: {path: /raw}, to: raw}]}
  echo:
    auth: optional
    tenant: shop
    rules:
      - {match: {path: /echo}, to: echo}
      - {match: {path: /gone}, to: gone}
      - {match: {path: /empty}, to: empty}
      - {match: {path: /mixed}, to: mixed}
      - {match: {path: /keyed}, to: keyed}
      - {match: {path: /nowhere}}
      - {match: {path: /zero}, to: [{service: echo, weight: 0}]}
      - {match: {path: /partly}, to: [{service: echo}, {unresolved: no such Service}]}
      - {match: {path: /slow}, to: raw, timeouts: {request: 200ms}}
  closed: {rules: [{match: {path: /closed}, to: echo}]}
`);
});
afterAll(async () => {
  await scene.close();
  await Promise.all([echo.close(), raw.close()]);
});

/** Opens a request whose body the test writes. */
function open(path: string, headers: Record<string, string> = {}) {
  const sent = httpRequest({
    host: "127.0.0.1",
    port: scene.port,
    path,
    method: "POST",
    agent: false,
    headers,
  });
  const answered = once(sent, "response").then(([response]) => response as IncomingMessage);
  answered.catch(() => {});
  return { sent, answered };
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return text;
}

describe("a request to a service", () => {
  test("arrives with its method, path, query, host and body as they were", async () => {
    const answer = await scene.ask("/echo/a%20b?x=1&x=%32", {
      method: "PATCH",
      host: `localhost:${scene.port}`,
      headers: { "content-type": "text/weird", "content-encoding": "br", "x-own": "1" },
      body: "any bytes",
    });
    expect(answer.status).toBe(200);
    const { method, url, body, headers } = answer.echoed();
    expect({ method, url, body }).toEqual({ method: "PATCH", url: "/echo/a%20b?x=1&x=%32", body: "any bytes" });
    expect(headers).toMatchObject({
      host: `localhost:${scene.port}`,
      "content-type": "text/weird",
      "content-encoding": "br",
      "content-length": "9",
      "x-own": "1",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "http",
      "x-forwarded-host": `localhost:${scene.port}`,
      via: "1.1 sallyport",
    });
    expect(headers["traceparent"]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
    expect(headers["x-request-id"]).toBe(answer.headers["x-request-id"]);
    expect(headers).not.toHaveProperty("accept-encoding");
  });

  test("takes any method that is no proxy's", async () => {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
      expect((await scene.ask("/echo", { method })).echoed().method).toBe(method);
    expect((await scene.ask("/echo", { method: "TRACE" })).status).toBe(405);
  });

  test("carries no credential that the gateway has taken for its own", async () => {
    for (const headers of [{ authorization: `Bearer ${KEY}` }, { "x-api-key": KEY }]) {
      const answer = await scene.ask("/closed", { headers });
      expect(answer.status).toBe(200);
      expect(answer.text()).not.toContain(KEY);
    }
    expect((await scene.ask("/echo", { headers: { authorization: `Bearer ${KEY}` } })).text()).not.toContain(KEY);
  });

  test("shows the service what it is configured to be shown", async () => {
    expect((await scene.ask("/keyed", { headers: {} })).echoed().headers["authorization"]).toBe("Basic own");
  });

  test("needs a credential where its route says so", async () => {
    const answer = await scene.ask("/closed");
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toContain('/.well-known/oauth-protected-resource"');
    expect(JSON.parse(answer.text())).toEqual({
      error: { type: "unauthenticated", message: expect.any(String) as string },
    });
  });

  test("is not upgraded", async () => {
    const answer = await scene.ask("/echo", {
      headers: { connection: "upgrade", upgrade: "websocket", "sec-websocket-key": "x", "sec-websocket-version": "13" },
    });
    expect(answer.status).toBe(501);
  });
});

describe("an answer of a service", () => {
  test("keeps every cookie, its encoding and its type, and loses what was of one connection", async () => {
    const zipped = gzipSync("hello ".repeat(10_000));
    raw.answer = (_, res) => {
      res.writeHead(203, [
        ["set-cookie", "a=1; Path=/"],
        ["set-cookie", "b=2; Expires=Wed, 09 Jun 2027 10:18:14 GMT"],
        ["content-encoding", "gzip"],
        ["content-type", "text/x"],
        ["connection", "close, x-hop"],
        ["x-hop", "1"],
        ["x-request-id", "theirs"],
        ["etag", '"e"'],
      ] as never);
      res.end(zipped);
    };
    const answer = await scene.ask("/raw");
    expect(answer.status).toBe(203);
    expect(answer.headers["set-cookie"]).toEqual(["a=1; Path=/", "b=2; Expires=Wed, 09 Jun 2027 10:18:14 GMT"]);
    expect(answer.headers).toMatchObject({ "content-encoding": "gzip", "content-type": "text/x", etag: '"e"' });
    expect(answer.headers).not.toHaveProperty("x-hop");
    expect(answer.headers["x-upstream-request-id"]).toBe("theirs");
    expect(answer.body.equals(zipped)).toBe(true);
  });

  test.for([
    ["HEAD", 200, { "content-length": "12345" }],
    ["GET", 204, {}],
    ["GET", 304, { etag: '"x"' }],
  ] as const)("to %s with %d has no body", async ([method, status, headers]) => {
    raw.answer = (_, res) => res.writeHead(status, headers).end();
    const answer = await scene.ask("/raw", { method });
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject(headers);
    expect(answer.body).toHaveLength(0);
  });

  test("comes after interim ones, which are not passed on", async () => {
    raw.answer = (_, res) => {
      res.writeEarlyHints({ link: "</style.css>; rel=preload" });
      res.end("done");
    };
    expect((await scene.ask("/raw")).text()).toBe("done");
  });

  test("is passed on as it comes", async () => {
    let response: ServerResponse | undefined;
    raw.answer = (_, res) => {
      response = res;
      res.writeHead(200, { "content-type": "text/event-stream" });
      res.write("data: 1\n\n");
    };
    const { sent, answered } = open("/raw");
    sent.end();
    const answer = await answered;
    expect(String((await once(answer, "data"))[0])).toBe("data: 1\n\n");
    response?.end("data: 2\n\n");
    expect(await textOf(answer)).toBe("data: 2\n\n");
  });

  test("that breaks off breaks off for the caller too", async () => {
    raw.answer = (_, res) => {
      res.writeHead(200, { "content-length": "1000000" });
      res.write("half", () => res.destroy());
    };
    await expect(scene.ask("/raw")).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });
});

describe("a body", () => {
  test("of many megabytes arrives whole in both directions, in chunks or with a length", async () => {
    raw.answer = (req, res) => {
      res.writeHead(200);
      req.pipe(res);
    };
    const body = randomBytes(24 * 1_048_576);
    const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    const announced = await scene.ask("/raw", { method: "POST", body });
    expect(digest(announced.body)).toBe(digest(body));
    const chunked = await scene.ask("/raw", { method: "PUT", body, headers: { "transfer-encoding": "chunked" } });
    expect(digest(chunked.body)).toBe(digest(body));
    expect(raw.seen.at(-1)?.headers["transfer-encoding"]).toBe("chunked");
  });

  test("waits at its caller while the service does not read, and is not held", async () => {
    let reading: IncomingMessage | undefined;
    raw.answer = (req, res) => {
      reading = req;
      req.on("end", () => res.end("read"));
    };
    const { sent, answered } = open("/raw");
    const block = Buffer.alloc(1_048_576);
    let written = 0;
    while (sent.write(block) || written < 2) written += 1;
    const stuck = await Promise.race([once(sent, "drain"), delay(700, "stuck")]);
    let more = 0;
    if (stuck !== "stuck") while (more < 40 && (await writeMore(sent, block))) more += 1;
    expect(more).toBeLessThan(40);
    // Longer than a silent caller may take: it is not the one that is slow.
    await delay(2_300);
    reading?.resume();
    sent.end();
    expect(await textOf(await answered)).toBe("read");
  });

  test("waits at the service while the caller does not read", async () => {
    let written = 0;
    let full = false;
    raw.answer = (_, res) => {
      res.writeHead(200);
      const block = Buffer.alloc(1_048_576);
      const flood = () => {
        while (written < 200) {
          written += 1;
          if (!res.write(block)) {
            full = true;
            return void res.once("drain", () => ((full = false), flood()));
          }
        }
        res.end();
      };
      flood();
    };
    const { sent, answered } = open("/raw");
    sent.end();
    const answer = await answered;
    await delay(700);
    expect(full).toBe(true);
    expect(written).toBeLessThan(40);
    let bytes = 0;
    for await (const chunk of answer) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(200 * 1_048_576);
  });

  test("that is too long is refused, announced or not", async () => {
    raw.answer = (req, res) => req.resume().on("end", () => res.end());
    const announced = await scene.ask("/raw", {
      method: "POST",
      headers: { "content-length": String(65 * 1_048_576) },
    });
    expect(announced.status).toBe(413);
    const { sent, answered } = open("/raw", { "transfer-encoding": "chunked" });
    sent.on("error", () => {});
    const block = Buffer.alloc(1_048_576);
    for (let count = 0; count < 66; count++) await writeMore(sent, block);
    expect((await answered).statusCode).toBe(413);
    sent.destroy();
  });

  test("is asked for only when a service takes it", async () => {
    raw.answer = (req, res) => req.resume().on("end", () => res.end("taken"));
    const { sent, answered } = open("/raw", { expect: "100-continue", "content-length": "4" });
    sent.flushHeaders();
    await once(sent, "continue");
    sent.end("body");
    expect(await textOf(await answered)).toBe("taken");
    const refused = open("/gone", { expect: "100-continue", "content-length": "4" });
    let asked = false;
    refused.sent.on("continue", () => (asked = true));
    refused.sent.flushHeaders();
    expect((await refused.answered).statusCode).toBe(502);
    expect(asked).toBe(false);
    refused.sent.destroy();
  });

  test("may take as long as its caller keeps at it", async () => {
    raw.answer = (req, res) => req.resume().on("end", () => res.end("whole"));
    const { sent, answered } = open("/raw", { "content-length": "8" });
    for (let count = 0; count < 8; count++) {
      sent.write("x");
      await delay(1_000);
    }
    sent.end();
    expect(await textOf(await answered)).toBe("whole");
  });

  test("whose caller falls silent ends in 408", async () => {
    raw.answer = (req, res) => req.resume().on("end", () => res.end());
    const { sent, answered } = open("/raw", { "content-length": "10" });
    sent.write("half");
    expect((await answered).statusCode).toBe(408);
    sent.destroy();
  });

  test("need not be read to its end for an answer", async () => {
    raw.answer = (_, res) => res.writeHead(403).end("no");
    const { sent, answered } = open("/raw", { "content-length": String(8 * 1_048_576) });
    sent.on("error", () => {});
    sent.write(Buffer.alloc(100_000));
    const answer = await answered;
    expect(answer.statusCode).toBe(403);
    expect(await textOf(answer)).toBe("no");
    sent.destroy();
  });

  test("that two parsers could read differently goes no further", async () => {
    const before = echo.seen.length;
    const socket = connect(scene.port, "127.0.0.1");
    socket.write(
      `POST /echo HTTP/1.1\r\nhost: localhost:${scene.port}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /echo/smuggled HTTP/1.1\r\n\r\n`,
    );
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await once(socket, "close");
    expect(text).toMatch(/^HTTP\/1.1 400/);
    expect(echo.seen.length).toBe(before);
  });
});

async function writeMore(sent: ReturnType<typeof open>["sent"], block: Buffer): Promise<boolean> {
  if (sent.destroyed) return false;
  if (sent.write(block)) return true;
  return (await Promise.race([once(sent, "drain").catch(() => "gone"), delay(700, "stuck")])) !== "stuck";
}

describe("an end before the end", () => {
  test("of the caller is one of the request to the service", async () => {
    const aborted = new Promise<void>((resolve) => {
      raw.answer = (_, res) => {
        res.on("close", resolve);
        res.write("begun");
      };
    });
    const { sent, answered } = open("/raw");
    sent.on("error", () => {});
    sent.end();
    (await answered).on("error", () => {});
    sent.destroy();
    expect(await aborted).toBe(undefined);
  });

  test("of the caller within its body is one too", async () => {
    const aborted = new Promise<boolean>((resolve) => {
      raw.answer = (req) =>
        void req
          .on("error", () => {})
          .on("close", () => resolve(req.complete))
          .resume();
    });
    const { sent } = open("/raw", { "content-length": "1000" });
    sent.on("error", () => {});
    sent.write("some");
    await delay(100);
    sent.destroy();
    expect(await aborted).toBe(false);
  });
});

describe("where there is no answer", () => {
  test.for([
    ["no service is meant", "/nowhere", 500, "internal"],
    ["every weight is 0", "/zero", 500, "internal"],
    ["the service has no endpoint", "/empty", 503, "overloaded"],
    ["the service cannot be reached", "/gone", 502, "upstream_unavailable"],
  ] as const)("because %s, the caller is told so", async ([, path, status, type]) => {
    const answer = await scene.ask(path);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text())).toMatchObject({ error: { type } });
  });

  test("in time it is 504", async () => {
    raw.answer = () => {};
    const answer = await scene.ask("/slow");
    expect(answer.status).toBe(504);
    expect(JSON.parse(answer.text())).toMatchObject({ error: { type: "upstream_timeout" } });
  });

  test("in time after it has begun, the connection breaks", async () => {
    raw.answer = (_, res) => void res.write("begun");
    await expect(scene.ask("/slow")).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  test("of one address, another of the service is asked, with the same body", async () => {
    for (let count = 0; count < 4; count++) {
      const answer = await scene.ask("/mixed", { method: "POST", body: "once" });
      expect([answer.status, answer.echoed().body]).toEqual([200, "once"]);
    }
  });

  test("a backend that does not exist fails its share alone", async () => {
    const statuses = [];
    for (let count = 0; count < 10; count++) statuses.push((await scene.ask("/partly")).status);
    // Shares begin anywhere: of ten requests one half may be one more.
    for (const wanted of [200, 500]) expect([4, 5, 6]).toContain(statuses.filter((status) => status === wanted).length);
    expect(new Set(statuses)).toEqual(new Set([200, 500]));
  });

  test("nothing is served where no rule matches", async () => {
    expect((await scene.ask("/elsewhere")).status).toBe(404);
  });
});
