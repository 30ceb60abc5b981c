import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { echo, sendRaw, startEdge, type RunningEdge } from "./harness.ts";

const HOST = "Host: 127.0.0.1\r\n";
const get = (target: string, headers = HOST) => `GET ${target} HTTP/1.1\r\n${headers}\r\n`;
const post = (headers: string, body: string) => `POST /mcp HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
const many = (count: number) => Array.from({ length: count }, (_, index) => `x-h${index}: 1\r\n`).join("");

/** Each row: what it is, the literal bytes, the status of the answer. */
const rows: readonly (readonly [string, string, number])[] = [
  // Host (RFC 9112, section 3.2)
  ["no Host", get("/", ""), 400],
  ["no Host on HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 400],
  ["two equal Hosts", get("/", HOST + HOST), 400],
  ["two different Hosts", get("/", `${HOST}Host: evil.example\r\n`), 400],
  ["an empty Host", get("/", "Host: \r\n"), 421],
  ["a Host with a path (CVE-2026-49468)", get("/", "Host: 127.0.0.1/?\r\n"), 421],
  ["a Host with a query", get("/", "Host: 127.0.0.1?x\r\n"), 421],
  ["a Host with a fragment", get("/", "Host: 127.0.0.1#\r\n"), 421],
  ["a Host with userinfo", get("/", "Host: a@127.0.0.1\r\n"), 421],
  ["a Host with a space", get("/", "Host: 127.0.0.1 x\r\n"), 421],
  ["a Host list", get("/", "Host: 127.0.0.1, evil.example\r\n"), 421],
  ["a foreign Host (DNS rebinding)", get("/", "Host: evil.example\r\n"), 421],
  ["a foreign Host with our name in it", get("/", "Host: 127.0.0.1.evil.example\r\n"), 421],
  ["a Host in decimal", get("/", "Host: 2130706433\r\n"), 421],
  ["a Host in hex", get("/", "Host: 0x7f000001\r\n"), 421],
  ["a Host in short form", get("/", "Host: 127.1\r\n"), 421],
  ["a Host with a port out of range", get("/", "Host: 127.0.0.1:99999\r\n"), 421],
  ["a Host with a bad port", get("/", "Host: 127.0.0.1:x\r\n"), 421],
  ["a Host with an unclosed bracket", get("/", "Host: [::1\r\n"), 421],
  ["an obs-text Host", get("/", "Host: 127.0.0.1\xff\r\n"), 400],
  ["localhost", get("/", "Host: localhost:4000\r\n"), 200],
  ["an IPv6 loopback Host", get("/", "Host: [::1]:4000\r\n"), 200],
  ["a Host in capitals", get("/", "Host: LOCALHOST\r\n"), 200],

  // The request line (RFC 9112, section 3)
  ["absolute form of our host", get("http://127.0.0.1/mcp"), 200],
  ["absolute form of another host", get("http://evil.example/mcp"), 400],
  ["absolute form with userinfo", get("http://u@127.0.0.1/mcp"), 400],
  ["absolute form of another scheme", get("ftp://127.0.0.1/mcp"), 400],
  ["asterisk form", `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["asterisk form of GET", get("*"), 400],
  ["CONNECT", `CONNECT 127.0.0.1:22 HTTP/1.1\r\n${HOST}\r\n`, 405],
  ["CONNECT without a target", `CONNECT / HTTP/1.1\r\n${HOST}\r\n`, 405],
  ["TRACE", `TRACE / HTTP/1.1\r\n${HOST}\r\n`, 405],
  ["an unknown method", `FROB / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a method in lower case", `get / HTTP/1.1\r\n${HOST}\r\n`, 400],
  ["a WebDAV method", `PROPFIND / HTTP/1.1\r\n${HOST}\r\n`, 405],
  ["a target without a slash", get("mcp"), 400],
  ["a space in the target", get("/a b"), 400],
  ["HTTP/0.9", "GET /\r\n\r\n", 400],
  ["HTTP/1.2", `GET / HTTP/1.2\r\n${HOST}\r\n`, 400],
  ["HTTP/2.0 on the line", `GET / HTTP/2.0\r\n${HOST}\r\n`, 400],
  ["an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
  ["garbage", "\x00\x01\x02\x03\r\n\r\n", 400],
  ["bare LF line ends", "GET / HTTP/1.1\nHost: 127.0.0.1\n\n", 400],
  ["a NUL in the target", get("/\x00"), 400],
  ["a fragment in the target", get("/mcp#x"), 400],

  // Paths: what servers read in different ways
  ["dot segments", get("/a/../mcp"), 400],
  ["a dot segment at the end", get("/mcp/.."), 400],
  ["a single dot segment", get("/./mcp"), 400],
  ["encoded dot segments", get("/a/%2e%2e/mcp"), 400],
  ["half-encoded dot segments", get("/a/.%2E/mcp"), 400],
  ["an empty segment", get("//mcp"), 400],
  ["an empty segment inside", get("/a//mcp"), 400],
  ["an encoded slash", get("/a%2fmcp"), 400],
  ["an encoded backslash", get("/a%5cmcp"), 400],
  ["a backslash", get("/a\\mcp"), 400],
  ["an encoded NUL", get("/mcp%00"), 400],
  ["an encoded line feed", get("/mcp%0a"), 400],
  ["a path parameter (CVE-2026-73553)", get("/mcp;x=y"), 400],
  ["a path parameter inside", get("/a;b/mcp"), 400],
  ["half a percent-encoding", get("/mcp%2"), 400],
  ["a bad percent-encoding", get("/mcp%zz"), 400],
  ["an overlong UTF-8 slash", get("/a%c0%afmcp"), 400],
  ["raw obs-text", get("/\xe9"), 400],
  ["a double-encoded slash is data", get("/a%252fmcp"), 200],
  ["encoded letters are the letters", get("/%6dcp"), 200],
  ["encoded UTF-8", get("/caf%C3%A9"), 200],
  ["a trailing slash", get("/mcp/"), 200],
  ["a well-known path", get("/.well-known/x"), 200],
  ["a quote in the query", get('/mcp?a="'), 200],

  // Framing (RFC 9112, section 6)
  [
    "Content-Length and Transfer-Encoding",
    post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    400,
  ],
  [
    "Transfer-Encoding and Content-Length",
    post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
    400,
  ],
  ["Transfer-Encoding on HTTP/1.0", `POST /mcp HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ["two Content-Lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400],
  ["two different Content-Lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 400],
  ["a list of Content-Lengths", post("Content-Length: 5, 5\r\n", "hello"), 400],
  ["a negative Content-Length", post("Content-Length: -1\r\n", ""), 400],
  ["a signed Content-Length", post("Content-Length: +5\r\n", "hello"), 400],
  ["a hex Content-Length", post("Content-Length: 0x5\r\n", "hello"), 400],
  ["a Content-Length beyond 64 bits", post("Content-Length: 99999999999999999999999\r\n", ""), 400],
  ["an empty Content-Length", post("Content-Length: \r\n", ""), 400],
  ["gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400],
  ["chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 400],
  ["chunked twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400],
  ["an unknown transfer encoding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400],
  ["a vertical tab in Transfer-Encoding", post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"), 400],
  ["a space before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400],
  ["a bad chunk size", post("Transfer-Encoding: chunked\r\n", "zz\r\nhello\r\n0\r\n\r\n"), 400],
  ["a chunk longer than its size", post("Transfer-Encoding: chunked\r\n", "2\r\nhello\r\n0\r\n\r\n"), 400],
  ["a chunk size beyond 64 bits", post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nx\r\n0\r\n\r\n"), 400],
  ["chunk lines that end in LF", post("Transfer-Encoding: chunked\r\n", "5\nhello\n0\n\n"), 400],
  ["GET with a body", `GET / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`, 400],
  ["GET with chunks", `GET / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ["DELETE with a body", `DELETE / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`, 400],
  ["GET with an empty body", `GET / HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`, 200],
  ["a body by length", post("Content-Length: 5\r\n", "hello"), 200],
  ["a body in chunks", post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), 200],
  ["a body in chunks, spelled in capitals", post("Transfer-Encoding: Chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), 200],
  ["a compressed body", post("Content-Encoding: gzip\r\nContent-Length: 5\r\n", "hello"), 415],
  ["an unknown expectation", post("Expect: 200-ok\r\nContent-Length: 5\r\n", "hello"), 200],

  // Header lines
  [
    "two Authorizations (Node takes the first)",
    get("/", `${HOST}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n`),
    400,
  ],
  [
    "two Content-Types",
    post("Content-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n", ""),
    400,
  ],
  ["two Mcp-Session-Ids", get("/", `${HOST}Mcp-Session-Id: a\r\nmcp-session-id: b\r\n`), 400],
  ["two Mcp-Methods", get("/", `${HOST}Mcp-Method: a\r\nMcp-Method: b\r\n`), 400],
  ["two A2A-Versions", get("/", `${HOST}A2A-Version: 1.0\r\nA2A-Version: 0.3\r\n`), 400],
  ["two traceparents", get("/", `${HOST}traceparent: a\r\ntraceparent: b\r\n`), 400],
  ["two Origins", get("/", `${HOST}Origin: http://localhost\r\nOrigin: http://evil.example\r\n`), 400],
  ["two of an unknown header", get("/", `${HOST}X-Thing: a\r\nX-Thing: b\r\n`), 400],
  ["two Accepts", get("/", `${HOST}Accept: a/b\r\nAccept: c/d\r\n`), 200],
  ["an underscore in a name", get("/", `${HOST}X_User: root\r\n`), 400],
  ["a space in a name", get("/", `${HOST}X User: root\r\n`), 400],
  ["an empty name", get("/", `${HOST}: root\r\n`), 400],
  ["a name with obs-text", get("/", `${HOST}X-\xff: a\r\n`), 400],
  ["a line without a colon", get("/", `${HOST}garbage\r\n`), 400],
  ["obs-text in a value", get("/", `${HOST}X-A: caf\xe9\r\n`), 400],
  ["a NUL in a value", get("/", `${HOST}X-A: a\x00b\r\n`), 400],
  ["a bare CR in a value", get("/", `${HOST}X-A: a\rb\r\n`), 400],
  ["a bare LF between headers", get("/", `${HOST}X-A: a\nX-B: b\r\n`), 400],
  ["DEL in a value", get("/", `${HOST}X-A: a\x7fb\r\n`), 400],
  ["an escape in a value", get("/", `${HOST}X-A: \x1b[2J\r\n`), 400],
  ["a folded line", get("/", `${HOST}X-A: a\r\n b\r\n`), 400],
  ["a __proto__ header", get("/", `${HOST}__proto__: x\r\n`), 400],
  ["a constructor header", get("/", `${HOST}constructor: x\r\n`), 200],
  ["200 header lines", get("/", HOST + many(199)), 200],
  ["201 header lines", get("/", HOST + many(200)), 431],
  ["900 header lines, Authorization last", get("/", `${HOST}${many(900)}Authorization: Bearer a\r\n`), 431],
  ["a head of 20 kB", get("/", `${HOST}X-A: ${"a".repeat(20_000)}\r\n`), 431],
  ["an address of 20 kB", get(`/${"a".repeat(20_000)}`), 431],
  ["Connection names Authorization", get("/", `${HOST}Connection: close, authorization\r\n`), 400],
  ["Connection names a list", get("/", `${HOST}Connection: keep-alive, TE\r\nTE: trailers\r\n`), 200],
  [
    "a WebSocket upgrade",
    get("/", `${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n`),
    501,
  ],
  [
    "an h2c offer is ignored",
    get("/", `${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n`),
    200,
  ],
  ["an unlisted Origin", get("/", `${HOST}Origin: https://evil.example\r\n`), 403],
  ["Origin null", get("/", `${HOST}Origin: null\r\n`), 403],
  ["an Origin that only starts like ours", get("/", `${HOST}Origin: http://localhost.evil.example\r\n`), 403],
  ["a page of this machine", get("/", `${HOST}Origin: http://localhost:5173\r\n`), 200],
];

describe("hostile bytes", () => {
  let running: RunningEdge;
  beforeAll(async () => {
    running = await startEdge(echo);
  });
  afterAll(() => running.edge.close());

  test.for(rows)("%s", async ([, bytes, status]) => {
    const answer = await sendRaw(running.port, bytes);
    expect(answer.status, answer.text.slice(0, 300)).toBe(status);
    if (status !== 200) {
      expect(answer.text).toMatch(/x-request-id: [0-9a-f]{32}\r\n/);
      const body: unknown = JSON.parse(answer.text.slice(answer.text.indexOf("\r\n\r\n") + 4));
      expect(body).toMatchObject({ error: { type: expect.any(String), message: expect.any(String) } });
    }
  });

  test("the gateway still serves after all of them", async () => {
    expect((await sendRaw(running.port, get("/mcp"))).status).toBe(200);
    expect(running.edge.active).toBe(0);
  });
});
