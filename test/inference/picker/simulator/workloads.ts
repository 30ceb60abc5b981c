import { blockTokens, hashText, toBlockChain } from "../../../../src/inference/picker/block-chain.ts";
import type { PickRequest } from "../../../../src/inference/picker/scene.ts";
import { createRandom, poissonGapMs } from "./random.ts";

export interface Arrival {
  readonly atMs: number;
  readonly request: PickRequest;
  readonly outputTokens: number;
}

export interface Workload {
  /** Tokens that the KV cache of each server holds. */
  readonly kvTokens: number;
  readonly arrivals: (seed: number, perS: number, forMs: number) => Arrival[];
}

/** Text of so many tokens that the key alone decides on; four bytes a token. */
function text(key: string, tokens: number): Int32Array {
  const random = createRandom(hashText(key));
  return Int32Array.from({ length: tokens }, () => random() * 2 ** 32);
}

function promptOf(parts: readonly Int32Array[]): Int32Array {
  const prompt = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    prompt.set(part, at);
    at += part.length;
  }
  return prompt;
}

function toRequest(id: string, parts: readonly Int32Array[], adapter?: string, session?: string): PickRequest {
  const prompt = promptOf(parts);
  const chain = toBlockChain(new Uint8Array(prompt.buffer), hashText(adapter ?? "base"));
  return { id, chain, promptTokens: prompt.length, adapter, session };
}

function poisson(
  seed: number,
  perS: number,
  forMs: number,
  make: (random: () => number, at: number) => Omit<Arrival, "atMs">,
) {
  const random = createRandom(seed);
  const arrivals: Arrival[] = [];
  for (let atMs = poissonGapMs(random, perS); atMs < forMs; atMs += poissonGapMs(random, perS)) {
    arrivals.push({ atMs, ...make(random, arrivals.length) });
  }
  return arrivals;
}

const anyOf = (random: () => number, count: number) => Math.floor(random() * count);

/** Groups of users under a long system prompt each, scaled from the b2b-saas workload (inference.md 2.9). */
const sharedPrefixes: Workload = {
  kvTokens: 307_328,
  arrivals(seed, perS, forMs) {
    const prefixes = Array.from({ length: 120 }, (_, group) => text(`group ${seed} ${group}`, 94 * blockTokens));
    return poisson(seed, perS, forMs, (random, at) => ({
      request: toRequest(`${seed}-${at}`, [prefixes[anyOf(random, 120)]!, text(`q ${seed} ${at}`, 600)]),
      outputTokens: 150 + anyOf(random, 100),
    }));
  },
};

/** Conversations that grow by a question and an answer a turn. */
const multiTurn: Workload = {
  kvTokens: 307_328,
  arrivals(seed, perS, forMs) {
    const turns: (Int32Array[] | undefined)[] = Array.from({ length: 200 }, () => undefined);
    return poisson(seed, perS, forMs, (random, at) => {
      const session = anyOf(random, turns.length);
      let said = turns[session] ?? [text(`system ${seed} ${session % 4}`, 500)];
      if (said.length > 14) said = said.slice(0, 1);
      said = [...said, text(`turn ${seed} ${at}`, 600)];
      turns[session] = said;
      return {
        request: toRequest(`${seed}-${at}`, said, undefined, `session ${session}`),
        outputTokens: 100 + anyOf(random, 100),
      };
    });
  },
};

/** More adapters than one server holds. */
const manyAdapters: Workload = {
  kvTokens: 307_328,
  arrivals: (seed, perS, forMs) =>
    poisson(seed, perS, forMs, (random, at) => ({
      request: toRequest(`${seed}-${at}`, [text(`q ${seed} ${at}`, 500)], `adapter-${anyOf(random, 24)}`),
      outputTokens: 80 + anyOf(random, 80),
    })),
};

/** Nothing in common, lengths far apart, and all at once every ten seconds. */
const bursts: Workload = {
  kvTokens: 307_328,
  arrivals(seed, perS, forMs) {
    const even = poisson(seed, perS, forMs, (random, at) => ({
      request: toRequest(`${seed}-${at}`, [text(`q ${seed} ${at}`, random() < 0.1 ? 8_000 : 400)]),
      outputTokens: 80 + anyOf(random, 160),
    }));
    // Each ten seconds' arrivals within their first two.
    return even.map((arrival) => ({
      ...arrival,
      atMs: Math.floor(arrival.atMs / 10_000) * 10_000 + (arrival.atMs % 10_000) / 5,
    }));
  },
};

export const workloads = { sharedPrefixes, multiTurn, manyAdapters, bursts } as const;
export type WorkloadName = keyof typeof workloads;
