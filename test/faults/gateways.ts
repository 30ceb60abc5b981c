import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import { freePorts } from "../../src/cli/quickstart-process.ts";
import { startModelServer } from "../budgets/scene.ts";
import { listenOn, type ServeProcess, startServeProcess } from "../e2e/serve-process.ts";
import type { RedisServer } from "../state/redis-server.ts";

export const key = `sp_${"k".repeat(40)}`;

/** A real gateway before this model server, with these budgets (YAML), in a folder of its own. */
export async function startBudgetGateway(
  dir: string,
  modelUrl: string,
  state: string,
  budgets: string,
  port?: number,
): Promise<ServeProcess> {
  mkdirSync(dir, { recursive: true });
  const own = port ?? (await freePorts());
  const yaml = `
publicUrl: http://127.0.0.1:${own}
listen: ${listenOn(own).replace("{", "{host: 127.0.0.1, ")}
auth: {keys: {only: {secret: "\${env:KEY}"}}}
models: {small: {provider: vllm, url: "${modelUrl}", price: {input: "$0", output: "$0"}}}
policies: open
state: ${state}
observability: {log: {level: info}}
drain: {grace: 1ms}
budgets: ${budgets}
`;
  return startServeProcess(dir, own, yaml, { KEY: key });
}

/** One call that may take 20 output tokens, and takes them. The status; 0 when the gateway has gone. */
export async function askOnce(url: string, dispatcher?: Agent): Promise<number> {
  try {
    const { statusCode, body } = await request(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: '{"model":"small","max_tokens":20,"messages":[{"role":"user","content":"hi"}]}',
      ...(dispatcher !== undefined && { dispatcher }),
    });
    await body.dump();
    return statusCode;
  } catch {
    return 0;
  }
}

function countOf(statuses: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} × ${status}`).join(", ");
}

const CALLS = 10_000;
const REPLICAS = 3;

/** 10,000 requests at once to three gateways want the last 1,000 tokens, 20 each. Throws unless the provider gets exactly 50. */
export async function crowdOfRequests(server: RedisServer): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-crowd-"));
  const provider = await startModelServer();
  const budgets = '[{ name: last, limits: ["1000 output tokens/month"] }]';
  const gateways = await Promise.all(
    Array.from({ length: REPLICAS }, (_, at) =>
      startBudgetGateway(join(dir, `${at}`), provider.url, server.url, budgets),
    ),
  );
  const agent = new Agent({ connections: Math.ceil(CALLS / REPLICAS), headersTimeout: 120_000, bodyTimeout: 120_000 });
  const statuses = await Promise.all(
    Array.from({ length: CALLS }, (_, call) => askOnce(gateways[call % REPLICAS]!.url, agent)),
  );
  const inStorm = provider.asked.length;
  /* Who was refused because Redis could not keep up may ask again: what is left is given out to the last token, and no further. */
  for (const { url } of gateways) for (let status = 0; status !== 429; status = await askOnce(url)) await sleep(10);
  const reached = provider.asked.length;
  await agent.close();
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await provider.close();
  rmSync(dir, { recursive: true });
  console.log(
    `crowd: of ${CALLS} requests at once to ${REPLICAS} gateways ${inStorm} reached the provider (${countOf(statuses)}), then ${reached - inStorm} more: ${20 * reached} of the last 1,000 tokens`,
  );
  if (reached !== 50) throw new Error(`${reached} calls reached the provider, not 50`);
}

const KILLS = 10;
const AT_A_TIME = 32;

/**
 * A gateway with a state file, killed again and again under load. Who was answered is counted, but for those whose answer was on its
 * way out at that instant: it is settled when it has gone.
 */
export async function killGateway(): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-killed-"));
  const provider = await startModelServer();
  const budgets = '[{ name: last, limits: ["20000 output tokens/month"] }]';
  const port = await freePorts();
  const start = () => startBudgetGateway(dir, provider.url, "./state.db", budgets, port);
  const agent = new Agent({ connections: AT_A_TIME });
  let answered = 0;
  let gateway = await start();
  for (let kill = 0; kill < KILLS; kill += 1) {
    const enough = answered + 80 + Math.floor(Math.random() * 20);
    const work = async () => {
      for (;;) {
        const status = await askOnce(gateway.url, agent);
        if (status === 0) return;
        if (status === 200) answered += 1;
        if (answered >= enough) gateway.signal("SIGKILL");
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    await gateway.kill();
    gateway = await start();
  }
  let last = 0;
  while ((last = await askOnce(gateway.url)) === 200) answered += 1;
  await gateway.stop();
  await agent.close();
  const reached = provider.asked.length;
  await provider.close();
  rmSync(dir, { recursive: true });
  const forgotten = Math.max(0, answered - 1_000);
  console.log(
    `kills: a gateway with a state file killed ${KILLS} times under load: ${answered} answers of a budget for 1,000, ${forgotten} of them on their way out when it was killed; ${reached - answered} calls under way were never answered`,
  );
  if (forgotten > KILLS * AT_A_TIME || last !== 429)
    throw new Error(`${forgotten} answers are forgotten, then ${last}`);
  return KILLS;
}
