import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { type Gateway, startGateway } from "../../src/gateway/gateway.ts";

/** A key of the gateway's own. */
export const KEY = "sp_0123456789abcdef_" + "k".repeat(43);

/** A service in the test's hands. */
export interface Service {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** Answers the next requests. */
  answer: RequestListener;
  readonly seen: IncomingMessage[];
  close(): Promise<void>;
}

export async function startService(answer: RequestListener, host = "127.0.0.1"): Promise<Service> {
  const seen: IncomingMessage[] = [];
  const server = createServer((req, res) => {
    seen.push(req);
    service.answer(req, res);
  });
  server.requestTimeout = 0;
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const service: Service = {
    url: `http://${host}:${port}`,
    port,
    server,
    answer,
    seen,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return service;
}

/** A service that answers with what it was sent. */
export const startEcho = (name: string, host?: string): Promise<Service> =>
  startService((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const { method, url, headers } = req;
      res.writeHead(200, { "content-type": "application/json" });
      res.end(JSON.stringify({ name, method, url, headers, body: Buffer.concat(chunks).toString() }));
    });
  }, host);

export interface Echoed {
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  text(): string;
  echoed(): Echoed;
}

export interface AskOptions {
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface ServicesScene {
  readonly gateway: Gateway;
  readonly port: number;
  readonly dir: string;
  ask(path: string, options?: AskOptions): Promise<Answer>;
  reload(yaml: string): Promise<void>;
  close(): Promise<void>;
}

/** A gateway with these `services` and `routes`, as YAML. */
export async function startServicesScene(yaml: string): Promise<ServicesScene> {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-services-"));
  const file = join(dir, "sallyport.yaml");
  const write = (text: string) =>
    writeFileSync(
      file,
      `${/^listen:/m.test(text) ? "" : "listen: {host: 127.0.0.1, port: 0, console: {port: 0}, health: {host: 127.0.0.1, port: 0}}"}
${/^auth:/m.test(text) ? "" : `auth: {anonymous: true, issuers: ["https://login.example.com"], keys: {tester: {secret: ${KEY}, tenant: testers}}}`}
observability: {log: {level: error}}
state: memory
${text.includes("drain:") ? "" : "drain: {grace: 1ms}"}
${text.includes("policies:") ? "" : "policies: open"}
${text}
`,
    );
  write(yaml);
  const gateway = await startGateway(loadConfig(file));
  const { port } = gateway.addresses.data;
  return {
    gateway,
    port,
    dir,
    ask: (path, options) => ask(port, path, options),
    async reload(text) {
      write(text);
      await gateway.reload(loadConfig(file));
    },
    async close() {
      await gateway.drain();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** One request on a connection of its own. */
export function ask(port: number, path: string, options: AskOptions = {}): Promise<Answer> {
  const { method = "GET", host, headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        host: "127.0.0.1",
        port,
        path,
        method,
        agent: false,
        headers: { ...headers, ...(host !== undefined && { host }) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const whole = Buffer.concat(chunks);
          const text = () => whole.toString();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            rawHeaders: response.rawHeaders,
            body: whole,
            text,
            echoed: () => JSON.parse(text()) as Echoed,
          });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
