import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { createUpstream } from "../../../src/http/undici-upstream.ts";
import { readPage } from "../../../src/inference/pool/page.ts";
import { startServers } from "./pool-scene.ts";

const LIMIT_BYTES = 1_000_000;

async function openPages() {
  const [server] = await startServers(1);
  const upstream = createUpstream({ egress: { allow: [], connections: 1, connectTimeout: 2_000 } });
  onTestFinished(() => upstream.close());
  const url = new URL(`${server!.url}/metrics`);
  const open = () => upstream.request({ url, trust: "configured", method: "GET", headers: {} });
  return { server: server!, open };
}

test.each([
  ["small", ["vllm:num_requests_waiting 1\n"]],
  ["of 8 kB", ["x".repeat(8_000)]],
  ["in pieces that arrive together", ["a".repeat(100), "b".repeat(5_000), "c".repeat(100)]],
  ["of 500 kB, in many reads", ["x".repeat(250_000), "y".repeat(250_000)]],
  ["empty", []],
])("a page, %s, is read as a whole, and its connection is used again", async (_, pieces) => {
  const { server, open } = await openPages();
  const sockets = new Set<unknown>();
  server.onScrape = (response) => {
    sockets.add(response.socket);
    for (const piece of pieces) response.write(piece);
    response.end();
  };
  for (let round = 0; round < 3; round++)
    expect(await readPage(await open(), LIMIT_BYTES, (page) => page.toString())).toBe(pieces.join(""));
  expect(sockets.size).toBe(1);
});

test("a page's memory is gone once it was read, and nobody else's", async () => {
  const { server, open } = await openPages();
  server.metrics = "x".repeat(100_000);
  const neighbour = Buffer.from("small, in the pool of Node");
  let kept: Buffer | undefined;
  await readPage(await open(), LIMIT_BYTES, (page) => (kept = page));
  expect(kept).toHaveLength(0);
  server.metrics = "short";
  const reading = readPage(await open(), LIMIT_BYTES, () => {
    throw new Error("not understood");
  });
  await expect(reading).rejects.toThrow("not understood");
  expect(neighbour.toString()).toBe("small, in the pool of Node");
});

test("a page beyond the limit is none, and its connection is broken off", async () => {
  const { server, open } = await openPages();
  let closed = false;
  server.onScrape = (response) => {
    response.on("close", () => (closed = true));
    response.write("x".repeat(2_000));
  };
  expect(await readPage(await open(), 1_999, () => "read")).toBeUndefined();
  await expect.poll(() => closed).toBe(true);
});

test("pages are read over TLS, whatever records they come in", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-page-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, "a.key"), join(folder, "a.crt")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  await promisify(execFile)("openssl", ["req", "-x509", ...curve, ...names, "-keyout", key, "-out", cert]);
  const sockets = new Set<unknown>();
  const page = (bytes: number) => "0123456789".repeat(bytes / 10);
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (request, response) => {
    sockets.add(request.socket);
    const text = page(Number(request.url!.slice(1)));
    response.write(text.slice(0, 7));
    response.end(text.slice(7));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  const ca = await readFile(cert, "utf8");
  const upstream = createUpstream({ egress: { allow: [], connections: 1, connectTimeout: 2_000, ca } });
  onTestFinished(() => upstream.close());
  const { port } = server.address() as AddressInfo;
  for (const bytes of [50, 8_000, 500_000, 20_000, 70_000, 10]) {
    const url = new URL(`https://127.0.0.1:${port}/${bytes}`);
    const response = await upstream.request({ url, trust: "configured", method: "GET", headers: {} });
    expect(await readPage(response, LIMIT_BYTES, String)).toBe(page(bytes));
  }
  expect(sockets.size).toBe(1);
});
