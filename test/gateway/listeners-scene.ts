import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { promisify } from "node:util";
import type { ServicesScene } from "../services/services-scene.ts";

/** The port of a listener that is bound. */
export function portOf({ gateway }: ServicesScene, name: string): number {
  const state = gateway.listeners().find((each) => each.name === name);
  if (state?.address === undefined) throw new Error(`${name} is not bound: ${state?.reason}`);
  return state.address.port;
}

/** Certificates that were made for this run. */
export interface TestCertificates {
  readonly dir: string;
  file(name: string, part: "crt" | "key"): string;
  pem(name: string, part: "crt" | "key"): string;
  /** A pair as a line of YAML, its content taken in by reference. */
  yaml(name: string): string;
  make(name: string, ...hosts: readonly string[]): Promise<void>;
  remove(): void;
}

export function makeCertificates(): TestCertificates {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-certificates-"));
  const file = (name: string, part: string) => join(dir, `${name}.${part}`);
  return {
    dir,
    file,
    pem: (name, part) => readFileSync(file(name, part), "utf8"),
    yaml: (name) => `{cert: "\${file:${file(name, "crt")}}", key: "\${file:${file(name, "key")}}"}`,
    async make(name, ...hosts) {
      const curve = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
      const names = hosts.map((host) => `DNS:${host}`).join(",");
      const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${names}`];
      const files = ["-keyout", file(name, "key"), "-out", file(name, "crt")];
      await promisify(execFile)("openssl", [...curve, ...subject, ...files]);
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** The name of the certificate that is shown to whoever asks for `servername`, or for none. */
export function shownTo(port: number, servername?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...(servername && { servername }) });
    socket.on("secureConnect", () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

/** One request over TLS, on a connection of its own; gives status and body. */
export function askTls(port: number, host: string, servername: string): Promise<[status: number, body: string]> {
  return new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port,
      path: "/",
      agent: false,
      servername,
      rejectUnauthorized: false,
    } as const;
    const sent = httpsRequest({ ...options, headers: { host } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve([response.statusCode ?? 0, Buffer.concat(chunks).toString()]));
    });
    sent.on("error", reject);
    sent.end();
  });
}
