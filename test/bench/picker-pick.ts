import { hashText, toBlockChain } from "../../src/inference/picker/block-chain.ts";
import { Endpoints } from "../../src/inference/picker/endpoints.ts";
import { createPicker } from "../../src/inference/picker/picker.ts";
import { PrefixIndex } from "../../src/inference/picker/prefix-index.ts";
import { type ProfileName, profiles } from "../../src/inference/picker/profiles.ts";

const ENDPOINTS = 100;
const PROMPT_BYTES = 40_960;
const WARM_UP = 30_000;
const PICKS = 20_000;
/** Requests under way at a time. */
const OPEN = 400;

/** How much of each prompt is new, bytes; the rest is one of 150 prefixes. */
const workloads = {
  "asked again": 0,
  "shared prefix of 8k": 8_192,
  "shared prefix of 6k": 16_384,
  "nothing shared": PROMPT_BYTES,
} as const;

export interface PickTimes {
  readonly name: string;
  readonly hashP50Us: number;
  readonly pickP50Us: number;
  readonly bothP50Us: number;
  readonly bothP99Us: number;
  /** User and system time over the picks, hash included. */
  readonly cpuUs: number;
}

const padding = Buffer.from('{"model":"mo","messages":');

/** Prompts as they come from a socket: text, each in a buffer of its own. */
function writePrompt(bytes: Buffer, from: number, seed: number): void {
  let state = seed | 1;
  for (let at = from; at < bytes.length; at += 4) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5;
    bytes.writeInt32LE(0x20202020 | (state & 0x1f1f1f1f), at);
  }
}

function percentile(times: Float64Array, share: number): number {
  return times[Math.floor(times.length * share)]!;
}

/** What a pick costs in a pool of 100 endpoints whose prefix caches are full, with prompts of 10,240 tokens. */
export function measurePicks(profile: ProfileName, workload: keyof typeof workloads): PickTimes {
  const endpoints = new Endpoints({ slots: 256 });
  for (let at = 0; at < ENDPOINTS; at++) {
    const slot = endpoints.add(`http://10.0.0.${at}:8000`);
    endpoints.report(slot, { queued: at % 3, running: at % 7, kvUsage: (at % 10) / 10 }, 0);
  }
  const prefixes = new PrefixIndex();
  const picker = createPicker({ endpoints, prefixes, profile: profiles[profile], replica: "bench" });
  const fresh = workloads[workload];
  const starts = Array.from({ length: 150 }, (_, group) => {
    const bytes = Buffer.alloc(PROMPT_BYTES);
    writePrompt(bytes, 0, hashText(`group ${group}`));
    return bytes;
  });
  const hash = new Float64Array(PICKS);
  const pick = new Float64Array(PICKS);
  const both = new Float64Array(PICKS);
  const open: { end(): void }[] = [];
  let cpuUs = 0;
  for (let at = -WARM_UP; at < PICKS; at++) {
    // Within the bytes of a request, and so at no whole word.
    const bytes = Buffer.concat([padding, starts[(at + WARM_UP * 7) % starts.length]!]).subarray(padding.length);
    if (fresh > 0) writePrompt(bytes, PROMPT_BYTES - fresh, hashText(`question ${at}`));
    const before = process.threadCpuUsage();
    const startedMs = performance.now();
    const chain = toBlockChain(bytes, 7);
    const hashedMs = performance.now();
    const picked = picker.pick({ id: `request-${at}`, chain, promptTokens: PROMPT_BYTES / 4 }, { nowMs: 1 });
    const pickedMs = performance.now();
    const used = process.threadCpuUsage(before);
    open[(at + WARM_UP) % OPEN]?.end();
    open[(at + WARM_UP) % OPEN] = picked!;
    if (at < 0) continue;
    cpuUs += used.user + used.system;
    hash[at] = (hashedMs - startedMs) * 1_000;
    pick[at] = (pickedMs - hashedMs) * 1_000;
    both[at] = (pickedMs - startedMs) * 1_000;
  }
  for (const times of [hash, pick, both]) times.sort();
  return {
    name: workload,
    hashP50Us: percentile(hash, 0.5),
    pickP50Us: percentile(pick, 0.5),
    bothP50Us: percentile(both, 0.5),
    bothP99Us: percentile(both, 0.99),
    cpuUs: cpuUs / PICKS,
  };
}

export const pickWorkloads = Object.keys(workloads) as (keyof typeof workloads)[];
