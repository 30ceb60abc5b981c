import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Clients } from "../auth/clients.ts";
import type { Config } from "../config/schema.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { checkout, defaultDataDir, noteQuickstart } from "./quickstart-place.ts";
import { startSamples, type RunningSamples, type Sample } from "./samples.ts";

export interface Quickstart {
  readonly configFile: string;
  /** Where the samples are, for the configuration to name. */
  readonly env: Readonly<Record<string, string>>;
  /** Puts the chosen port and data folder into the configuration. */
  override(config: Config): Config;
  /** Makes the clients of the samples and says what to try. */
  ready(gateway: Gateway, print: (line: string) => void): Promise<void>;
  stop(): Promise<void>;
}

export interface QuickstartOptions {
  /** The console listens on the next port, health on the one after. */
  readonly port: number;
  /** Holds the state file, the operator's token and the generated client credentials, each readable by the owner alone. */
  readonly dataDir: string;
  /** A configuration over the samples; `sallyport.quickstart.yaml` when left out. The samples it names are started. */
  readonly config?: string | undefined;
}

const CONFIG = "sallyport.quickstart.yaml";
/* Beside the program itself; an image may have left them out. Samples run from their sources, also where the program is compiled. */
const NEEDED = [CONFIG, "policies", "tools", "agents", "models", "bin/run.js"] as const;

/** Throws when the samples are not there. */
function checkComplete(): void {
  const missing = NEEDED.filter((name) => !existsSync(join(checkout, name)));
  if (missing.length === 0) return;
  throw new Error(
    `the quickstart needs ${missing.join(", ")}, which ${checkout} does not have: run it in a checkout, or give a configuration of your own with --config FILE`,
  );
}

interface KnownSample {
  readonly script: string;
  readonly args?: readonly string[];
  /** An agent has an OAuth client of its own; `to`: the agent it hands work to. */
  readonly agent?: { readonly to?: string };
}

const known: Readonly<Record<string, KnownSample>> = {
  clock: { script: "tools/clock/server.ts" },
  notes: { script: "tools/notes/server.ts" },
  writer: { script: "agents/writer/server.ts", agent: {} },
  researcher: { script: "agents/researcher/server.ts", agent: { to: "writer" } },
  /* Two that hand their work to each other. */
  planner: { script: "agents/researcher/server.ts", agent: { to: "reviewer" } },
  reviewer: { script: "agents/researcher/server.ts", agent: { to: "planner" } },
  model: { script: "models/simulator/server.ts" },
  /* Three servers with accelerators that are ten times as fast as real ones. */
  vllm: { script: "models/simulator/server.ts", args: ["--servers", "3", "--time-scale", "0.1"] },
};

const urlName = (sample: string) => `SAMPLE_${sample.toUpperCase()}_URL`;

/** Starts the samples that the configuration names, and gives what puts the gateway in front of them. */
export async function startQuickstart({ port, dataDir, config: other }: QuickstartOptions): Promise<Quickstart> {
  checkComplete();
  const configFile = resolve(other ?? join(checkout, CONFIG));
  const text = readFileSync(configFile, "utf8");
  const named = Object.entries(known).filter(([name]) => text.includes(`SAMPLE_${name.toUpperCase()}_`));
  const publicUrl = `http://127.0.0.1:${port}`;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const samples = await startSamples(
    named.map(([name, { script, args, agent }]): Sample => ({
      name,
      script,
      ...(args && { args }),
      ...(agent && { env: agentEnv(name, agent.to) }),
    })),
    checkout,
  );
  function agentEnv(name: string, to: string | undefined) {
    return {
      SALLYPORT_URL: publicUrl,
      SALLYPORT_CLIENT_FILE: clientFile(dataDir, name),
      ...(to !== undefined && { SALLYPORT_WRITER: to }),
    };
  }
  const clients = ["quickstart", ...named.flatMap(([name, { agent }]) => (agent === undefined ? [] : [name]))];
  return {
    configFile,
    env: Object.fromEntries(Object.entries(samples.urls).map(([name, url]) => [urlName(name), url])),
    stop: samples.stop,
    override: (config) => ({
      ...config,
      publicUrl: new URL(publicUrl),
      listen: {
        ...config.listen,
        port,
        console: { ...config.listen.console, port: port + 1 },
        health: { ...config.listen.health, port: port + 2 },
      },
      // A person reads a terminal; whatever reads a pipe gets one JSON object a line.
      ...(process.stdout.isTTY && {
        observability: { ...config.observability, log: { ...config.observability.log, format: "pretty" } },
      }),
      state: { kind: "sqlite", file: join(dataDir, "sallyport.db"), synchronous: "normal" },
    }),
    async ready(gateway, print) {
      const { host, port: adminPort } = gateway.addresses.console;
      noteQuickstart(dataDir, `http://${host}:${adminPort}`);
      for (const id of clients) await makeClient(gateway, id, clientFile(dataDir, id));
      const passcode = await gateway.epochs.current().auth.unusedPasscode();
      for (const line of greeting(gateway, passcode, publicUrl, dataDir, samples.urls)) print(line);
    },
  };
}

function clientFile(dataDir: string, id: string): string {
  return join(dataDir, `${id}-client`);
}

/** A client's secret is made at first start and never lies in the repository. A client whose file is gone gets a new secret. */
async function makeClient(gateway: Gateway, id: string, file: string): Promise<void> {
  const { clients: known } = gateway.epochs.current().auth;
  const exists = await isKnown(known, id);
  if (exists && readable(file)) return;
  const secret = exists ? await known.resetSecret(id) : await createClient(known, id);
  writeFileSync(file, `${id}:${secret ?? ""}\n`, { mode: 0o600 });
}

async function isKnown(known: Clients, id: string): Promise<boolean> {
  for (let after: string | undefined; ;) {
    const page = await known.list({ limit: 1_000, ...(after !== undefined && { after }) });
    if (page.clients.some((client) => client.id === id)) return true;
    if (page.next === undefined) return false;
    after = page.next;
  }
}

async function createClient(known: Clients, id: string): Promise<string | undefined> {
  const { secret } = await known.create({
    id,
    label: id,
    grants: ["client_credentials", "token_exchange"],
    groups: ["analyst"],
    tenant: "team-a",
  });
  return secret;
}

function readable(file: string): boolean {
  try {
    return readFileSync(file, "utf8").includes(":");
  } catch {
    return false;
  }
}

function greeting(
  gateway: Gateway,
  passcode: string | undefined,
  publicUrl: string,
  dataDir: string,
  samples: RunningSamples["urls"],
): string[] {
  const { console: admin, health } = gateway.addresses;
  const data = dataDir === defaultDataDir ? "" : ` --data ${dataDir}`;
  return [
    "",
    `Sallyport is ready at ${publicUrl}`,
    `  MCP       ${publicUrl}/mcp`,
    `  A2A       ${publicUrl}/a2a/researcher and ${publicUrl}/a2a/writer`,
    `  models    ${publicUrl}/v1 for OpenAI clients, ${publicUrl} for Anthropic's`,
    `  console   http://${admin.host}:${admin.port} in a browser, signed in as below; commands use the token in ${dataDir}/admin-token`,
    `  health    http://${health.host}:${health.port}/readyz and /metrics`,
    ...Object.entries(samples).map(([name, url]) => `  sample ${name.padEnd(10)} ${url}`),
    ...(passcode === undefined
      ? [
          `  sign-in   user operator, with the passcode used before (npx sallyport auth passcode${data} makes a new one)`,
        ]
      : [`  sign-in   user operator, passcode ${passcode} (until it is used, every start shows a new one)`]),
    "",
    "Try the three lines of the README: a token, an allowed call, a denied call.",
    "",
  ];
}
