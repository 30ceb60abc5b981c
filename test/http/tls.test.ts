import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentLog } from "../../src/core/log.ts";
import { readFile } from "node:fs/promises";
import { parseHttpConfig } from "../../src/http/config.ts";
import { serveTlsFiles } from "../../src/http/tls-files.ts";
import { createUpstream } from "../../src/http/undici-upstream.ts";
import { echo, startEdge } from "./harness.ts";

let folder = "";
const at = (name: string) => join(folder, name);

/** A certificate of its own, made for this run. */
async function makeCertificate(name: string, subject: string): Promise<void> {
  const options = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const names = ["-subj", `/CN=${subject}`, "-addext", `subjectAltName=DNS:${subject},IP:127.0.0.1`];
  await promisify(execFile)("openssl", [...options, ...names, "-keyout", at(`${name}.key`), "-out", at(`${name}.crt`)]);
}

/** The subject of the certificate a port shows; rejects when the handshake fails. */
function subjectOf(port: number, options: Record<string, unknown> = {}): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options }, () => {
      const { CN } = socket.getPeerCertificate().subject;
      resolve(Array.isArray(CN) ? CN[0] : CN);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sallyport-tls-"));
  await makeCertificate("one", "one.example");
  await makeCertificate("two", "two.example");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("TLS", () => {
  test("serves https from TLS 1.2, and not with a certificate that does not load", async () => {
    const { edge, port } = await startEdge(echo, { listen: { tls: { cert: at("one.crt"), key: at("one.key") } } });
    try {
      expect(await subjectOf(port)).toBe("one.example");
      await expect(subjectOf(port, { maxVersion: "TLSv1.1", minVersion: "TLSv1" })).rejects.toThrow();
      const upstream = createUpstream({
        egress: parseHttpConfig({ egress: { ca: await readFile(at("one.crt"), "utf8") } }).egress,
      });
      const url = new URL(`https://127.0.0.1:${port}/x`);
      const response = await upstream.request({ url, trust: "configured", method: "GET", headers: {} });
      expect(JSON.parse((await response.bytes(10_000)).toString())).toMatchObject({ scheme: "https", path: "/x" });
      await upstream.close();
    } finally {
      await edge.close();
    }
    await expect(startEdge(echo, { listen: { tls: { cert: at("one.crt"), key: at("two.key") } } })).rejects.toThrow();
    await expect(startEdge(echo, { listen: { tls: { cert: at("none.crt"), key: at("one.key") } } })).rejects.toThrow();
  });

  test("what is passed on with its caller's host goes to whom the certificate of the address names, over one connection", async () => {
    const { edge, port } = await startEdge(({ reply, request }) => reply.send(200, {}, request.host), {
      listen: { tls: { cert: at("one.crt"), key: at("one.key") }, allowedHosts: ["*"] },
    });
    const ca = await readFile(at("one.crt"), "utf8");
    const upstream = createUpstream({ egress: parseHttpConfig({ egress: { ca, connections: 1 } }).egress });
    const url = new URL(`https://127.0.0.1:${port}/`);
    const ask = async (host: string) => {
      const headers = { host };
      const answer = await upstream.request({ url, trust: "configured", method: "GET", headers, verbatim: true });
      return (await answer.bytes(100)).toString();
    };
    const answers = await Promise.all(["a.example", "b.example", "127.0.0.1", "c.example"].map(ask));
    expect(answers).toEqual(["a.example", "b.example", "127.0.0.1", "c.example"]);
    const elsewhere = new URL(`https://localhost:${port}/`);
    const headers = { host: "one.example" };
    await expect(
      upstream.request({ url: elsewhere, trust: "configured", method: "GET", headers, verbatim: true }),
    ).rejects.toMatchObject({ kind: "upstream_unavailable" });
    await upstream.close();
    await edge.close();
  });

  test("an upstream whose certificate is not trusted, or not for its name, is not spoken to", async () => {
    const { edge, port } = await startEdge(echo, { listen: { tls: { cert: at("one.crt"), key: at("one.key") } } });
    const ca = await readFile(at("one.crt"), "utf8");
    const request = {
      url: new URL(`https://127.0.0.1:${port}/`),
      trust: "configured",
      method: "GET",
      headers: {},
    } as const;
    const untrusting = createUpstream({ egress: parseHttpConfig({}).egress });
    await expect(untrusting.request(request)).rejects.toMatchObject({ kind: "upstream_unavailable" });
    // Pinned to the checked address, the name in the certificate still has to fit.
    const resolve = (_: string, callback: (error: null, all: { address: string; family: number }[]) => void) =>
      callback(null, [{ address: "127.0.0.1", family: 4 }]);
    const pinned = createUpstream({
      egress: parseHttpConfig({ egress: { ca, allow: ["127.0.0.0/8"] } }).egress,
      resolve,
    });
    const ask = (host: string) =>
      pinned.request({ ...request, trust: "influenced", url: new URL(`https://${host}:${port}/`), headers: {} });
    await expect(ask("two.example")).rejects.toMatchObject({ kind: "upstream_unavailable" });
    // It gets as far as the gateway, which does not serve that host.
    expect((await ask("one.example")).status).toBe(421);
    await Promise.all([untrusting.close(), pinned.close(), edge.close()]);
  });

  test("a name that answers differently the second time is judged again at the connect", async () => {
    const { edge, port } = await startEdge(echo, { listen: { tls: { cert: at("one.crt"), key: at("one.key") } } });
    const answers = ["127.0.0.1", "169.254.169.254"];
    const resolve = (_: string, callback: (error: null, all: { address: string; family: number }[]) => void) =>
      callback(null, [{ address: answers.shift() ?? "10.0.0.1", family: 4 }]);
    const ca = await readFile(at("one.crt"), "utf8");
    const upstream = createUpstream({
      egress: parseHttpConfig({ egress: { ca, allow: ["127.0.0.1"] } }).egress,
      resolve,
    });
    const ask = () =>
      upstream.request({
        url: new URL(`https://one.example:${port}/`),
        trust: "influenced",
        method: "GET",
        headers: { "x-close": "1" },
      });
    const first = await ask();
    expect(first.status).toBe(421);
    await first.bytes(10_000);
    await edge.close();
    await expect.poll(() => ask().catch((error: { kind: string }) => error.kind)).toBe("denied");
    await upstream.close();
  });

  test("takes up changed files, keeps the last good certificate and says why", async () => {
    await cp(at("one.crt"), at("live.crt"));
    await cp(at("one.key"), at("live.key"));
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (_: unknown, message: string) => void warnings.push(message) };
    const server = createServer();
    const stop = await serveTlsFiles(server, { cert: at("live.crt"), key: at("live.key") }, log, 20);
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(address !== null && typeof address === "object" ? address.port : 0);
      });
    });
    try {
      expect(await subjectOf(port)).toBe("one.example");
      await writeFile(at("live.crt"), "-----BEGIN CERT");
      await expect.poll(() => warnings.length, { timeout: 5_000 }).toBeGreaterThan(0);
      expect(await subjectOf(port)).toBe("one.example");
      await cp(at("two.crt"), at("live.crt"));
      await cp(at("two.key"), at("live.key"));
      await expect.poll(() => subjectOf(port), { timeout: 5_000 }).toBe("two.example");
    } finally {
      stop();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
