import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import OpenAI from "openai";
import { expect } from "vitest";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { checkout } from "../../src/cli/quickstart-place.ts";
import { startSamples } from "../../src/cli/samples.ts";
import { eventually } from "./eventually.ts";
import { listenOn, startServeProcess, type ServeProcess } from "./serve-process.ts";

/** What a test changes in the configuration, as YAML. */
export interface Parts {
  /** Further MCP routes, from a comma on. */
  readonly mcp?: string;
  readonly agents?: string;
  readonly models?: string;
  readonly listen?: string;
  readonly more?: string;
}

export type ReloadResult = "applied" | "refused";

/** Makes a change and waits until the gateway has looked at it; says what became of it. */
export async function reload(gateway: ServeProcess, change: () => void): Promise<ReloadResult> {
  const count = (result: ReloadResult) => gateway.metric("sallyport_config_reloads_total", `result="${result}"`);
  const before = { applied: await count("applied"), refused: await count("refused") };
  change();
  let outcome: ReloadResult | undefined;
  await eventually(async () => {
    const now = { applied: await count("applied"), refused: await count("refused") };
    expect(now.applied + now.refused).toBe(before.applied + before.refused + 1);
    outcome = now.applied > before.applied ? "applied" : "refused";
  }, 200);
  if (outcome === undefined) throw new Error("the metrics do not say what became of the change");
  return outcome;
}

export const openRules = "rules: [{name: all, allow: 'true'}]\n";
export const closedRules = (tool: string): string =>
  `rules: [{name: all, allow: 'true'}, {name: none, on: mcp, deny: 'mcp.tool.name == "${tool}"'}]\n`;

/** A gateway in front of notes, files (stdio), a writer and models, whose configuration and rules a test changes as it runs. */
export async function startReloadScene() {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-reload-"));
  const secret = crypto.randomUUID() + crypto.randomUUID();
  const samples = await startSamples(
    [
      { name: "notes", script: "tools/notes/server.ts" },
      { name: "writer", script: "agents/writer/server.ts" },
      { name: "model", script: "models/simulator/server.ts" },
    ],
    checkout,
  );
  const { notes = "", writer = "", model = "" } = samples.urls;
  mkdirSync(join(dir, "rules"));
  const ruleFile = join(dir, "rules", "rules.yaml");
  writeFileSync(ruleFile, openRules);
  const port = await freePorts();
  const configuration = ({ mcp = "", agents = "", models = "", listen = listenOn(port), more = "" }: Parts = {}) => `
publicUrl: http://127.0.0.1:${port}
listen: ${listen}
auth: {embedded: {clients: {app: {secret: "\${env:APP_SECRET}", groups: [analyst]}}}}
mcp:
  servers:
    notes: {url: "${notes}"}
    files: {command: [node, "${checkout}/tools/files/server.ts", --stdio]}
  routes: {/mcp: {servers: [notes, files]}${mcp}}
a2a: {agents: {writer: {url: "${writer}"}${agents}}}
models:
  small: {provider: vllm, url: "${model}"}
  slow: {provider: vllm, url: "${model}", model: "llama-3-8b@itl=120,tokens=50"}
${models}
policies: ./rules
state: ./state.db
drain: {grace: 2s}
${more}
`;
  const gateway = await startServeProcess(dir, port, configuration(), { APP_SECRET: secret });
  const token = await gateway.token("app", secret);
  const write = (yaml: string) => reload(gateway, () => writeFileSync(join(dir, "sallyport.yaml"), yaml));
  return {
    dir,
    port,
    secret,
    gateway,
    token,
    agentUrl: writer,
    modelUrl: model,
    configuration,
    write,
    configure: (parts?: Parts) => write(configuration(parts)),
    setRules: (yaml: string) => reload(gateway, () => writeFileSync(ruleFile, yaml)),
    async connect(path = "/mcp") {
      const transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}${path}`), {
        requestInit: { headers: { authorization: `Bearer ${token}` } },
      });
      const client = new Client({ name: "reload", version: "1.0.0" });
      await client.connect(transport);
      return { client, transport };
    },
    openai: () => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: token, maxRetries: 0 }),
    async stop() {
      expect(await gateway.stop()).toBe(0);
      await samples.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export type ReloadScene = Awaited<ReturnType<typeof startReloadScene>>;

export const noteFor = (id: string) => ({ name: "write_note", arguments: { id, text: "kept" } });
export const messages = [{ role: "user" as const, content: "Say something." }];
