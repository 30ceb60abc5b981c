import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import express from "express";
import { expect, onTestFinished, test } from "vitest";
import { createAppFiles } from "../../src/console/app-files.ts";
import { secureAnswers, serveApp } from "../../src/console/serve-app.ts";
import { request } from "node:http";

async function startApp() {
  const files = createAppFiles();
  const app = express().use(secureAnswers(files.scriptHashes), serveApp(files));
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  /* Not fetch: it would decode what was sent, and hide how. */
  return async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const sent = request({ host: "127.0.0.1", port, path, headers }).end();
    const [response] = (await once(sent, "response")) as [import("node:http").IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
  };
}

test("every place in the console is the same page, and what is no place is not", async () => {
  const get = await startApp();
  const shell = await get("/");
  expect(shell).toMatchObject({ status: 200, headers: { "content-type": "text/html; charset=utf-8" } });
  for (const path of ["/overview", "/chains", `/chains/${"a".repeat(32)}`, "/policies", "/models", "/connect"])
    expect((await get(path)).body.equals(shell.body)).toBe(true);
  for (const path of ["/nowhere", "/chains/a/b", "/app/none.js", "/app/tsconfig.json", "/app/%2e%2e/console.ts"])
    expect(await get(path)).toMatchObject({ status: 404 });
});

test("a page may load its own files and nothing else, and nobody may frame it", async () => {
  const { headers } = await (await startApp())("/overview");
  const policy = String(headers["content-security-policy"]).split("; ");
  expect(policy).toEqual(
    expect.arrayContaining([
      "default-src 'none'",
      "style-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ]),
  );
  expect(policy.find((part) => part.startsWith("script-src"))).toMatch(/^script-src 'self'( 'sha256-[\w+/]{43}=')*$/);
  expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" });
});

test("a file is sent in the form that the browser takes, and only when it has changed", async () => {
  const get = await startApp();
  const plain = await get("/", { "accept-encoding": "identity" });
  const brotli = await get("/", { "accept-encoding": "gzip, br" });
  const zipped = await get("/", { "accept-encoding": "gzip" });
  expect(brotli.headers["content-encoding"]).toBe("br");
  expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true);
  expect(gunzipSync(zipped.body).equals(plain.body)).toBe(true);
  const again = await get("/", { "if-none-match": String(plain.headers.etag) });
  expect(again).toMatchObject({ status: 304, body: Buffer.alloc(0) });
});
