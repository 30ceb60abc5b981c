import { emptyChain, hashText, toBlockChain } from "../../../../src/inference/picker/block-chain.ts";
import type { PickRequest } from "../../../../src/inference/picker/scene.ts";
import { createRandom, poissonGapMs } from "./random.ts";

/** Tokens in a block of the simulated servers: four times vLLM's, which makes a run faster and changes little. */
export const blockTokens = 64;

/** A request as its sender, the picker and the model server see it. */
export interface Arrival {
  readonly atMs: number;
  /** Its chain is left out where nobody asks for it: hashing is the costliest part of a run. */
  readonly request: (hashed: boolean) => PickRequest;
  readonly prompt: readonly number[];
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly adapter?: string | undefined;
}

export interface Workload {
  readonly description: string;
  /** Tokens that the KV cache of each server holds. */
  readonly kvTokens: number;
  readonly arrivals: (seed: number, perS: number, count: number) => Arrival[];
}

/** A part of a prompt: text that `key` alone decides on. */
interface Part {
  readonly key: number;
  readonly tokens: number;
}

/** The parts' text, four bytes a token. */
function write(parts: readonly Part[], tokens: number): Uint8Array {
  const words = new Int32Array(tokens);
  let at = 0;
  for (const part of parts) {
    let state = (part.key * 0x9e3779b1) | 1;
    for (const end = at + part.tokens; at < end; at++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[at] = state;
    }
  }
  return new Uint8Array(words.buffer);
}

/** Keys of the prompt's whole blocks; a block belongs to the part that it ends in, which must be nobody else's from there on. */
function keysOf(parts: readonly Part[], tokens: number): number[] {
  const keys: number[] = [];
  let part = 0;
  let end = parts[0]!.tokens;
  for (let block = 0; (block + 1) * blockTokens <= tokens; block++) {
    while (end < (block + 1) * blockTokens) end += parts[++part]!.tokens;
    keys.push(parts[part]!.key * 4_096 + block);
  }
  return keys;
}

interface Asked {
  readonly parts: readonly Part[];
  readonly outputTokens: number;
  readonly adapter?: string;
  readonly session?: string;
}

function poisson(seed: number, perS: number, count: number, ask: (random: () => number, at: number) => Asked) {
  const random = createRandom(seed);
  let atMs = 0;
  return Array.from({ length: count }, (_, at): Arrival => {
    atMs += poissonGapMs(random, perS);
    const { parts, outputTokens, adapter, session } = ask(random, at);
    const promptTokens = parts.reduce((sum, part) => sum + part.tokens, 0);
    const request = (hashed: boolean) => ({
      ...{ id: `${seed}-${at}`, promptTokens, adapter, session },
      chain: hashed ? toBlockChain(write(parts, promptTokens), hashText(adapter ?? "base")) : emptyChain,
    });
    return { atMs, request, prompt: keysOf(parts, promptTokens), promptTokens, outputTokens, adapter };
  });
}

const anyOf = (random: () => number, count: number) => Math.floor(random() * count);
/** Even between half and one and a half times the mean. */
const around = (random: () => number, mean: number) => Math.round(mean * (0.5 + random()));
/** Keys of texts that are asked once. */
const once = (at: number) => 1_000_000 + at;

/* The published b2b-saas workload (inference.md 2.9, 6): 150 groups, 6,000 tokens shared, 1,200 asked, 1,000 answered, KV caches of 307,328 tokens. */
const sharedPrefixes: Workload = {
  description: "150 groups of users, each with a system prompt of 6,000 tokens; questions of 1,200, answers of 1,000",
  kvTokens: 307_328,
  arrivals: (seed, perS, count) =>
    poisson(seed, perS, count, (random, at) => ({
      parts: [
        { key: anyOf(random, 150), tokens: 6_000 },
        { key: once(at), tokens: 1_200 },
      ],
      outputTokens: 1_000,
    })),
};

const shortAnswers: Workload = {
  ...sharedPrefixes,
  description: "the same with answers of 100 to 300 tokens: what agents ask between two calls of tools",
  arrivals: (seed, perS, count) =>
    poisson(seed, perS, count, (random, at) => ({
      parts: [
        { key: anyOf(random, 150), tokens: 6_000 },
        { key: once(at), tokens: 1_200 },
      ],
      outputTokens: around(random, 200),
    })),
};

const multiTurn: Workload = {
  description: "200 conversations under way; each turn adds 300 to 900 tokens, and after 14 turns another begins",
  kvTokens: 307_328,
  arrivals(seed, perS, count) {
    const sessions = Array.from({ length: 200 }, () => ({ key: 0, turns: [] as Part[] }));
    return poisson(seed, perS, count, (random, at) => {
      const number = anyOf(random, sessions.length);
      const session = sessions[number]!;
      if (session.turns.length === 0 || session.turns.length > 14) {
        session.key = at;
        session.turns = [{ key: at % 4, tokens: 500 }];
      }
      session.turns.push({ key: once(at), tokens: around(random, 600) });
      return {
        ...{ parts: [...session.turns], outputTokens: around(random, 200) },
        session: `session ${number} ${session.key}`,
      };
    });
  },
};

const manyAdapters: Workload = {
  description: "24 LoRA adapters on servers that hold 4 each; prompts of 500 tokens with nothing in common",
  kvTokens: 307_328,
  arrivals: (seed, perS, count) =>
    poisson(seed, perS, count, (random, at) => ({
      parts: [{ key: once(at), tokens: 500 }],
      ...{ outputTokens: around(random, 120), adapter: `adapter-${anyOf(random, 24)}` },
    })),
};

const reasoning: Workload = {
  description: "nothing shared; prompts of 500 to 1,500 tokens, long answers of 500 to 4,000",
  kvTokens: 307_328,
  arrivals: (seed, perS, count) =>
    poisson(seed, perS, count, (random, at) => ({
      parts: [{ key: once(at), tokens: around(random, 1_000) }],
      outputTokens: 500 + anyOf(random, 3_500),
    })),
};

const bursts: Workload = {
  description: "nothing shared; one prompt in twenty 20 times as long as the others; each ten seconds' arrivals in two",
  kvTokens: 307_328,
  arrivals: (seed, perS, count) =>
    poisson(seed, perS, count, (random, at) => ({
      parts: [{ key: once(at), tokens: random() < 0.05 ? 8_000 : 400 }],
      outputTokens: around(random, 160),
    })).map((arrival) => ({
      ...arrival,
      atMs: Math.floor(arrival.atMs / 10_000) * 10_000 + (arrival.atMs % 10_000) / 5,
    })),
};

export const workloads = { sharedPrefixes, shortAnswers, multiTurn, manyAdapters, reasoning, bursts } as const;
export type WorkloadName = keyof typeof workloads;
