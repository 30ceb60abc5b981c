import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { budgets, startFloor, startGateway, startUpstream } from "./contestants.ts";
import type { Contestant } from "./contestants.ts";
import { scenarios } from "./messages.ts";
import type { Command, Look, ReadersJob, ReadersResult } from "./processes/stream-readers.ts";
import { printLeaving, printRuns, printSlow } from "./open-report.ts";
import { start } from "./process.ts";
import type { Running } from "./process.ts";
import type { UpstreamStreams } from "./timed-stream.ts";

/* A fast model's pace. */
const EVERY_MS = 50;
/* Where it is looked at how soon an upstream hears that its caller has left, and not at how full the processors are. */
const LEAVERS_EVERY_MS = 200;
const LENGTH_MS = 6_000;
const SETTLE_MS = 1_000;
const WINDOW_MS = 2_500;
/* For an upstream without a pace to have filled every buffer on its way. */
const LONGEST_FLOOD_MS = 20_000;
/* Idle connections to an upstream are kept for a while after their last answer. */
const LONGEST_KEPT_MS = 8_000;

/* Budgets, so that every answer is counted while it streams, and a guard that reads every text of it. */
const counted = { budgets, guardrails: [{ type: "pii", mask: ["email", "phone", "card"], output: "mask" }] };

/* And one whose patterns are 28 characters long: so many are held back until it is known that they are none. */
const held = {
  budgets,
  guardrails: [
    ...counted.guardrails,
    { type: "pattern", reject: ["ignore previous instructions"], mask: ["project nightingale"], direction: "both" },
  ],
};

/** What one run with all streams open showed. */
export interface OpenRun {
  readonly name: string;
  readonly shape: Shape;
  readonly look: Look;
  /** CPU an event, microseconds, while all were open; undefined of the upstream itself. */
  readonly cpuUs: number | undefined;
  readonly memory: Memory | undefined;
  readonly result: ReadersResult;
  readonly upstream: UpstreamStreams;
  /** Of each caller that left: how long until the upstream saw it, milliseconds. */
  readonly leaveMs: readonly number[];
}

export interface Memory {
  /** Resident, MiB: before, with all open, after. */
  readonly residentMiB: readonly [number, number, number];
  /** Alive after a collection, bytes: before, with all open, after. Undefined: the machine was too busy, and some had ended by then. */
  readonly liveBytes: readonly [number, number | undefined, number];
  /** Still open when what is kept for a next request has been let go of: a leak. */
  readonly sockets: number;
}

/** Many streams open at once: what an event costs, what a stream holds, and whether anything stays behind. Prints its tables; gives the CPU of the gateway over the floor's. */
export async function benchOpenStreams(streams: number): Promise<number> {
  const started: Running[] = [];
  try {
    const readers = await start({
      args: [fileURLToPath(new URL("processes/stream-readers.ts", import.meta.url))],
      ipc: true,
    });
    started.push(readers);
    const { upstream, issueToken } = await startUpstream();
    started.push(upstream);
    const scene = { readers, upstream };
    const onGateway = async (name: string, config: object): Promise<Served> => {
      const gateway = await startGateway("llm-stream", upstream, issueToken, { metered: true, config });
      started.push(gateway.process);
      return { ...gateway, name, sockets: gateway.process.sockets() };
    };
    const floor = await startFloor("llm-stream", upstream, { metered: true });
    started.push(floor.process);
    const toFloor = { ...floor, sockets: floor.process.sockets() };
    const direct = { ...toFloor, name: "upstream itself", url: upstream.url + floorPath, process: undefined };
    const gateway = await onGateway("gateway", {});
    const counting = await onGateway("gateway with budgets and pii", counted);
    const holding = await onGateway("… and a pattern of 28 characters", held);

    const all = [direct, toFloor, gateway, counting, holding];
    for (const served of all) await warmUp(scene, served);
    const runs: OpenRun[] = [];
    const steady = { paced: streams, everyMs: EVERY_MS, leaving: 0, stopped: 0 };
    for (const served of all) runs.push(await runOpen(scene, served, steady));
    const leaving = await runOpen(scene, counting, {
      ...steady,
      everyMs: LEAVERS_EVERY_MS,
      leaving: Math.ceil(streams / 10),
    });
    const stopping = { ...steady, paced: 0 };
    const slow = [
      await runOpen(scene, gateway, { ...stopping, stopped: Math.ceil(streams / 10) }),
      /* Fewer, because every byte is read. */
      await runOpen(scene, counting, { ...stopping, stopped: Math.ceil(streams / 50) }),
    ];
    console.log(
      `${streams} streams open at once, ${1_000 / EVERY_MS} events a second each; every stream is checked to its end`,
    );
    printRuns(runs);
    printLeaving(leaving);
    printSlow(slow);
    const faults = [...runs, leaving, ...slow].flatMap(findFaults);
    if (faults.length > 0) throw new Error(faults.join("\n"));
    return (runs[2]?.cpuUs ?? 0) / (runs[1]?.cpuUs ?? 1);
  } finally {
    await Promise.all(started.map((each) => each.stop()));
  }
}

const floorPath = scenarios["llm-stream"].upstreamPath;

interface Scene {
  readonly readers: Running;
  readonly upstream: Running;
}

interface Served extends Omit<Contestant, "process"> {
  readonly process: Running | undefined;
  /** Sockets that it has open before the first call. */
  readonly sockets: number;
}

/** How many streams there are, of which kinds, and their pace. */
export type Shape = Pick<ReadersJob, "paced" | "everyMs" | "leaving" | "stopped">;

async function tell<T>({ readers }: Scene, command: Command): Promise<T> {
  const answer = once(readers.child, "message");
  readers.child.send(command);
  const [{ done, problem }] = (await answer) as [{ done: T; problem?: string }];
  if (problem !== undefined) throw new Error(`with streams open: ${problem}`);
  return done;
}

const control = async <T>({ upstream }: Scene, name: string): Promise<T> =>
  (await (await fetch(`${upstream.url}/bench/${name}`)).json()) as T;

/* V8 compiles what a stream runs through; a hundred streams of a hundred events are enough for that. */
async function warmUp(scene: Scene, { url, headers }: Served): Promise<void> {
  const few = { paced: 100, leaving: 0, stopped: 0, everyMs: 10, events: 100 };
  for (let round = 0; round < 2; round++) {
    await tell(scene, { open: { url, headers, ...few } });
    await tell(scene, "result");
  }
  await tell(scene, "look");
}

async function runOpen(scene: Scene, contestant: Served, shape: Shape): Promise<OpenRun> {
  const { name, url, headers, process: measured } = contestant;
  await control(scene, "forget");
  await untilClosed(contestant);
  const liveBefore = (await measured?.liveBytes()) ?? 0;
  const residentBefore = measured?.residentMiB() ?? 0;
  await tell(scene, { open: { url, headers, ...shape, events: LENGTH_MS / shape.everyMs } });
  if (shape.stopped > 0) await untilFull(scene);
  await sleep(SETTLE_MS);
  await tell(scene, "look");
  const cpuBefore = measured?.cpuUs() ?? 0;
  await sleep(WINDOW_MS);
  const cpu = (measured?.cpuUs() ?? 0) - cpuBefore;
  const look = await tell<Look>(scene, "look");
  const residentOpen = measured?.residentMiB() ?? 0;
  const liveOpen = (await measured?.liveBytes()) ?? 0;
  const during = await control<UpstreamStreams>(scene, "streams");
  const allOpen = during.open === shape.paced + shape.stopped - shape.leaving;
  await control(scene, "end-floods");
  await tell(scene, "read on");
  const result = await tell<ReadersResult>(scene, "result");
  await sleep(SETTLE_MS);
  const residentAfter = measured?.residentMiB() ?? 0;
  const sockets = await untilClosed(contestant);
  const { open, left } = await control<UpstreamStreams>(scene, "streams");
  return {
    name,
    shape,
    look,
    cpuUs: measured === undefined ? undefined : cpu / look.events,
    memory: measured && {
      residentMiB: [residentBefore, residentOpen, residentAfter],
      liveBytes: [liveBefore, allOpen ? liveOpen : undefined, await measured.liveBytes()],
      sockets,
    },
    result,
    upstream: { ...during, open },
    leaveMs: Object.entries(result.left).flatMap(([stream, at]) => {
      const seenAt = left[stream];
      return seenAt === undefined ? [] : [(seenAt - at) / 1_000];
    }),
  };
}

/** What must not be, whatever it costs. */
function findFaults({ name, shape, result, upstream, memory, leaveMs }: OpenRun): string[] {
  const { paced, stopped, leaving } = shape;
  const faults: string[] = [];
  if (result.whole !== paced + stopped - leaving)
    faults.push(`${result.whole} streams of ${paced + stopped} came whole`);
  if (leaveMs.length !== leaving) faults.push(`the upstream saw ${leaveMs.length} of ${leaving} callers leave`);
  if (stopped > 0 && !upstream.floodsWait) faults.push("an upstream went on writing to callers who do not read");
  if (upstream.open > 0) faults.push(`${upstream.open} streams stayed open at the upstream`);
  if ((memory?.sockets ?? 0) > 0) faults.push(`${memory?.sockets} sockets stayed open`);
  return faults.map((fault) => `${name}: ${fault}`);
}

/** Resolves once nothing more is taken of the streams without a pace. */
async function untilFull(scene: Scene): Promise<void> {
  const deadline = Date.now() + LONGEST_FLOOD_MS;
  for (let before = -1; Date.now() < deadline;) {
    const { floodBytes } = await control<UpstreamStreams>(scene, "streams");
    if (floodBytes === before) return;
    before = floodBytes;
    await sleep(SETTLE_MS);
  }
}

/** Resolves once no socket is open that was not open before the first call, or in the end with how many are. */
async function untilClosed({ process: measured, sockets }: Served): Promise<number> {
  if (measured === undefined) return 0;
  for (const deadline = Date.now() + LONGEST_KEPT_MS; Date.now() < deadline; await sleep(250))
    if (measured.sockets() <= sockets) return 0;
  return measured.sockets() - sockets;
}
