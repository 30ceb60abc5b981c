import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { scenarios } from "./messages.ts";
import type { ScenarioName } from "./messages.ts";
import { start } from "./process.ts";
import type { Running } from "./process.ts";

/** What is measured: a process, where it is called, and the headers it needs. */
export interface Contestant {
  readonly name: string;
  readonly process: Running;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const root = here("../../");

/** The upstream with the keys of a token issuer, and a token from it. */
export async function startUpstream(): Promise<{ upstream: Running; issueToken(audience: string): Promise<string> }> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "bench", alg: "ES256", use: "sig" };
  const upstream = await start({ args: [here("upstream.ts"), JSON.stringify(jwk)] });
  return {
    upstream,
    issueToken: (audience) =>
      new SignJWT({ client_id: "bench", scope: "gateway", groups: ["bench"], jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: "ES256", kid: "bench", typ: "at+jwt" })
        .setIssuer(upstream.url)
        .setSubject("bench")
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime("1h")
        .sign(privateKey),
  };
}

export interface HowStarted {
  /** Where a CPU profile is written at its end; undefined: none. */
  readonly profileDir?: string | undefined;
  /** Whether its heap will be asked for. */
  readonly metered?: boolean;
  /** What the gateway's configuration says beside what every bench needs. */
  readonly config?: object | undefined;
}

export async function startFloor(
  scenario: ScenarioName,
  upstream: Running,
  { profileDir, metered = false }: HowStarted,
): Promise<Contestant> {
  const { path, upstreamPath } = scenarios[scenario];
  const program = [here("floor.ts"), upstream.url, JSON.stringify({ [path]: upstreamPath })];
  const process = await start({ args: [...profiled("floor", profileDir), ...program], metered });
  return { name: "floor", process, url: process.url + path, headers: {} };
}

/* Dollars for a million tokens. */
const price = { input: "$0.5", output: "$1.5" };

/* Wide enough that none is ever full: what is measured is the keeping of accounts. */
export const budgets = [
  { name: "all", limits: ["1000000M tokens/min", "$1000000/day"] },
  { name: "each", per: "principal", where: '"bench" in principal.groups', limits: ["1000000M tokens/min on bench"] },
  { name: "one-request", per: "chain", limits: ["$5", "200 calls"] },
];

/** The real `serve` with a token, CEL, the chain and the journal on a SQLite file. */
export async function startGateway(
  scenario: ScenarioName,
  upstream: Running,
  issueToken: (audience: string) => Promise<string>,
  { profileDir, metered = false, config: more = {} }: HowStarted,
): Promise<Contestant> {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-bench-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = {
    publicUrl: url,
    listen: { port, console: { port: await freePort() }, health: { port: await freePort() } },
    auth: { issuers: [upstream.url], audience: url },
    mcp: {
      servers: { bench: { url: `${upstream.url}/mcp` } },
      routes: { "/mcp": { servers: ["bench"] } },
    },
    a2a: { agents: { bench: { url: upstream.url } } },
    models: { bench: { provider: "openai-compatible", url: upstream.url, key: "bench-provider-key", price } },
    ...(scenario === "stack" ? { budgets } : {}),
    ...more,
    policies: join(folder, "policies"),
    state: globalThis.process.env["BENCH_STATE"] ?? join(folder, "state.db"),
  };
  const policy = `rules:
  - {name: bench may call, allow: '"bench" in principal.groups'}
  - {name: no long answers, on: llm, deny: 'llm.maxTokens > 1000'}
  - {name: hand-offs are short, on: a2a, require: 'chain.depth <= 3'}
  - {name: no way out, on: mcp, deny: 'mcp.tool.name == "read_file" && mcp.tool.arguments.path.contains("..")'}
`;
  const file = join(folder, "sallyport.yaml");
  await (await import("node:fs/promises")).mkdir(config.policies);
  await writeFile(join(config.policies, "bench.yaml"), policy);
  await writeFile(file, JSON.stringify(config));
  const process = await start({
    args: [...profiled("gateway", profileDir), join(root, "src/main.ts"), "serve", "--config", file],
    cwd: root,
    url,
    metered,
  });
  return {
    name: "gateway",
    process,
    url: url + scenarios[scenario].path,
    headers: { authorization: `Bearer ${await issueToken(url)}` },
  };
}

/** Portkey's gateway, installed on demand into its own folder with its own lockfile. */
export async function startPortkey(scenario: ScenarioName, upstream: Running): Promise<Contestant> {
  const folder = here("peers/portkey/");
  const program = join(folder, "node_modules/@portkey-ai/gateway/build/start-server.js");
  if (!existsSync(program)) {
    console.error("installing Portkey's gateway into test/bench/peers/portkey …");
    const { status } = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
      cwd: folder,
      stdio: ["ignore", "ignore", "inherit"],
    });
    if (status !== 0)
      throw new Error("npm ci failed in test/bench/peers/portkey; run the bench with --no-peers to leave Portkey out");
  }
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const process = await start({ args: [program, `--port=${port}`, "--headless"], cwd: folder, url });
  const headers = {
    authorization: "Bearer bench-provider-key",
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": `${upstream.url}/v1`,
  };
  return { name: "portkey 1.15.2", process, url: url + scenarios[scenario].path, headers };
}

const profiled = (name: string, folder: string | undefined): string[] =>
  folder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}.cpuprofile`];

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
