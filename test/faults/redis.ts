import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startModelServer } from "../budgets/scene.ts";
import type { ServeProcess } from "../e2e/serve-process.ts";
import { type RedisServer, startRedis } from "../state/redis-server.ts";
import { askOnce, startBudgetGateway } from "./gateways.ts";

const CALLS_WHILE_AWAY = 200;
const CALLS_FOR_MEMORY = 10_000;
const ROUNDS = 3;
const AT_A_TIME = 32;
const MOST_GROWTH_MB = 64;
const GOAL_ANSWER_MS = 100;
const GOAL_BACK_MS = 2_000;
/* The machine may be busy with something else for a moment. */
const LEAST_IN_TIME = 0.99;

const statusWhenAway = { closed: 503, open: 200 } as const;
type Policy = keyof typeof statusWhenAway;

interface Outage {
  readonly name: string;
  begin(server: RedisServer): void | Promise<void>;
  end(server: RedisServer): void | Promise<void>;
}

const outages: readonly Outage[] = [
  { name: "down", begin: (server) => server.kill(), end: (server) => server.start() },
  { name: "hung", begin: (server) => server.signal("SIGSTOP"), end: (server) => server.signal("SIGCONT") },
];

const rssMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024;

async function timed(url: string): Promise<{ readonly status: number; readonly ms: number }> {
  const startedAt = performance.now();
  const status = await askOnce(url);
  return { status, ms: performance.now() - startedAt };
}

async function load(url: string, count: number): Promise<ReadonlySet<number>> {
  const statuses = new Set<number>();
  let left = count;
  const work = async () => {
    while (left-- > 0) statuses.add(await askOnce(url));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return statuses;
}

function only(statuses: Iterable<number>, wanted: number, when: string): void {
  for (const status of statuses) if (status !== wanted) throw new Error(`${when}: ${status}, not ${wanted}`);
}

const inMs = (ms: number): string => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;

interface Seen {
  readonly waitsMs: readonly number[];
  /** Since Redis takes connections again. */
  readonly backMs: number;
}

/** Redis goes, calls are answered as the budget says, Redis comes back, and calls are counted again. */
async function away(
  gateway: ServeProcess,
  server: RedisServer,
  policy: Policy,
  outage: Outage,
  meanwhile: () => void | Promise<void>,
): Promise<Seen> {
  await outage.begin(server);
  const answers = [];
  for (let call = 0; call < CALLS_WHILE_AWAY; call += 1) answers.push(await timed(gateway.url));
  const statuses = answers.map(({ status }) => status);
  only(statuses, statusWhenAway[policy], `${outage.name}, ${policy}`);
  await meanwhile();
  await outage.end(server);
  const returnedAt = performance.now();
  const uncounted = () => gateway.metric("sallyport_budget_uncounted_total");
  const isCounted = async (): Promise<boolean> => {
    const before = await uncounted();
    return (await askOnce(gateway.url)) === 200 && (await uncounted()) === before;
  };
  while (!(await isCounted())) await sleep(10);
  return { waitsMs: answers.map(({ ms }) => ms), backMs: performance.now() - returnedAt };
}

async function faultOf(gateway: ServeProcess, server: RedisServer, policy: Policy, outage: Outage): Promise<void> {
  await load(gateway.url, CALLS_FOR_MEMORY);
  const seen: Seen[] = [];
  let beforeMb = 0;
  let grownMb = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const isLast = round === ROUNDS - 1;
    const flood = async () => {
      /* What waits for Redis has a bound, which the first calls reach. */
      for (const part of [1, 2]) {
        beforeMb = rssMb(gateway.pid);
        only(
          await load(gateway.url, CALLS_FOR_MEMORY),
          statusWhenAway[policy],
          `${outage.name}, ${policy}, part ${part}`,
        );
        grownMb = rssMb(gateway.pid) - beforeMb;
      }
    };
    seen.push(await away(gateway, server, policy, outage, isLast ? flood : () => {}));
  }
  const waits = seen.flatMap(({ waitsMs }) => waitsMs);
  const inTime = waits.filter((ms) => ms <= GOAL_ANSWER_MS).length;
  const backs = seen.map(({ backMs }) => backMs);
  console.log(
    `redis ${outage.name}, ${policy}: ${statusWhenAway[policy]}, ${inTime} of ${waits.length} within ${GOAL_ANSWER_MS} ms, the longest ${inMs(Math.max(...waits))}; ` +
      `memory ${beforeMb.toFixed(0)} MB, ${grownMb >= 0 ? "+" : ""}${grownMb.toFixed(0)} MB over ${CALLS_FOR_MEMORY} calls; ` +
      `back in ${backs.map(inMs).join(", ")} (goal ${GOAL_BACK_MS})`,
  );
  const when = `${outage.name}, ${policy}`;
  if (grownMb > MOST_GROWTH_MB) throw new Error(`${when}: ${grownMb.toFixed(0)} MB more while Redis was away`);
  if (inTime < LEAST_IN_TIME * waits.length || Math.max(...backs) > GOAL_BACK_MS)
    throw new Error(`${when}: not within the goals`);
}

/** Redis is down and hangs, before a gateway whose budget fails closed and one whose budget fails open. Prints what callers see of it. */
export async function faultRedis(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-redis-away-"));
  const server = await startRedis("--appendonly", "yes");
  const provider = await startModelServer();
  let scenes = 0;
  try {
    for (const policy of ["closed", "open"] as const) {
      const budgets = `[{ name: day, limits: ["1G requests/month"], onStoreFailure: ${policy} }]`;
      const gateway = await startBudgetGateway(join(dir, policy), provider.url, server.url, budgets);
      try {
        for (const outage of outages) {
          await faultOf(gateway, server, policy, outage);
          scenes += 1;
        }
      } finally {
        await gateway.kill();
      }
    }
    console.log(`faults redis: ${scenes} of ${2 * outages.length} as configured`);
  } finally {
    await server.stop();
    await provider.close();
    rmSync(dir, { recursive: true });
  }
}
