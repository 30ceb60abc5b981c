import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { startSimulator, type SimulatorOptions } from "../../models/simulator/simulator.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { adminTokenFile } from "../../src/gateway/admin-token.ts";
import { type Gateway, startGateway } from "../../src/gateway/gateway.ts";

const secretOf = (name: string) => `sp_${name}_${"k".repeat(40)}`;
const people = { ada: ["a", "staff"], bob: ["a", "staff"], cy: ["a", "guests"], eve: ["b", "staff"] } as const;
export type Person = keyof typeof people;

/** A gateway with a cache in this process, in front of a simulated model server that both dialects reach. */
export interface CacheScene {
  readonly gateway: Gateway;
  readonly url: string;
  /** The key of this person. */
  secret(person: Person): string;
  /** Its configuration file. */
  readonly file: string;
  /** Calls that the model server has had, of any kind. */
  readonly calls: () => number;
  /** The names of their models, as the server was asked. */
  readonly asked: readonly string[];
  /** Ends what the server is still at. */
  readonly leaving: () => number;
  openai(person?: Person): OpenAI;
  anthropic(person?: Person): Anthropic;
  /** A call with everything visible: `path` below `/v1`. */
  send(path: string, body: object, options?: SendOptions): Promise<Response>;
  /** What `sallyport_NAME{…}` says now, over all labels that hold `label`. */
  metric(name: string, label?: string): Promise<number>;
  admin(method: string, path: string, body?: object): Promise<unknown>;
  /** The records of the journal, the newest first. */
  journal(): Promise<readonly JournalView[]>;
  /** The configuration with some of its branches (YAML) replaced. */
  load(change?: Readonly<Record<string, string>>): Config;
  close(): Promise<void>;
}

interface SendOptions {
  readonly as?: Person;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

interface JournalView {
  readonly notes?: readonly string[];
  readonly candidate?: string;
  readonly costNanos?: number;
  readonly usage?: unknown;
  readonly outcome: string;
}

export async function startCacheScene(
  branches: Readonly<Record<string, string>> = {},
  options: SimulatorOptions = {},
): Promise<CacheScene> {
  const asked: string[] = [];
  let left = 0;
  const simulator = await startSimulator({
    faults: true,
    ...options,
    onRequest({ body, signal }) {
      asked.push(/"model"\s*:\s*"([^"]*)"/.exec(body.toString())?.[1] ?? "");
      signal.addEventListener("abort", () => (left += 1));
    },
  });
  const dir = mkdtempSync(join(tmpdir(), "sallyport-cache-"));
  const keys = Object.entries(people).map(
    ([name, [tenant, group]]) => `${name}: {secret: ${secretOf(name)}, tenant: ${tenant}, groups: [${group}]}`,
  );
  const price = 'price: {input: "$1", output: "$2"}';
  const all = {
    publicUrl: "http://127.0.0.1:4000",
    listen: "{host: 127.0.0.1, port: 0, console: {port: 0}, health: {host: 127.0.0.1, port: 0}}",
    auth: `{keys: {${keys.join(", ")}}}`,
    models: `{
      small: {provider: vllm, url: "${simulator.url}", ${price}},
      claude: {provider: anthropic, url: "${simulator.url}", key: not-a-secret, ${price}}
    }`,
    policies: "open",
    observability: "{log: {level: error}}",
    drain: "{grace: 1s}",
    state: "memory",
    cache: "{semantic: {embedder: lexical}}",
    ...branches,
  };
  const load = (change: Readonly<Record<string, string>> = {}) => {
    const lines = Object.entries({ ...all, ...change })
      .filter(([, value]) => value !== "")
      .map(([key, value]) => `${key}: ${value.replaceAll("SIMULATOR", simulator.url)}\n`);
    writeFileSync(join(dir, "sallyport.yaml"), lines.join(""));
    return loadConfig(join(dir, "sallyport.yaml"));
  };
  const gateway = await startGateway(load());
  const url = `http://127.0.0.1:${gateway.addresses.data.port}`;
  const { host, port } = gateway.addresses.console;

  async function admin(method: string, path: string, body?: object): Promise<unknown> {
    const token = readFileSync(adminTokenFile(load()), "utf8").trim();
    const response = await fetch(`http://${host}:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    return response.json();
  }

  return {
    gateway,
    url,
    secret: secretOf,
    file: join(dir, "sallyport.yaml"),
    calls: () => asked.length,
    asked,
    leaving: () => left,
    load,
    admin,
    openai: (person = "ada") => new OpenAI({ baseURL: `${url}/v1`, apiKey: secretOf(person), maxRetries: 0 }),
    anthropic: (person = "ada") => new Anthropic({ baseURL: url, apiKey: secretOf(person), maxRetries: 0 }),
    send: (path, body, { as = "ada", headers, signal } = {}) =>
      fetch(`${url}/v1/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${secretOf(as)}`, ...headers },
        body: JSON.stringify(body),
        ...(signal && { signal }),
      }),
    async metric(name, label = "") {
      const { body } = await gateway.foundation.metrics.render();
      const lines = body.split("\n").filter((line) => line.startsWith(`sallyport_${name}`) && line.includes(label));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    },
    async journal() {
      const page = (await admin("GET", "/api/journal?limit=100")) as { records: readonly JournalView[] };
      return page.records;
    },
    async close() {
      await gateway.drain();
      await simulator.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A chat of one message. */
export const ask = (content: string, rest: object = {}) => ({
  model: "small",
  messages: [{ role: "user" as const, content }],
  ...rest,
});
