import type { SignalName } from "./signals.ts";

/** What each signal adds to the logarithm of the odds that a request needs the strong model. */
export interface Weights {
  readonly bias: number;
  readonly signals: Readonly<Record<SignalName, number>>;
}

/** By judgement: what is held of a signal before any data is seen; fitting moves away from it as far as data says. */
export const priorWeights: Weights = {
  bias: -2.5,
  signals: {
    chars: 1.5,
    context: 0.5,
    lines: 0.2,
    items: 0.2,
    sentences: 0.5,
    questions: 0,
    commas: 0.3,
    quotes: 0,
    codeMarks: 0.8,
    fences: 0.8,
    codeWords: 0.8,
    numbers: 0.5,
    digits: 0.2,
    operators: 0.6,
    mathsWords: 1.2,
    quantityWords: 0.5,
    wordLength: 0.5,
    longWords: 0.3,
    capitals: 0,
    foreign: 0.3,
    reasoningWords: 1.2,
    conditionWords: 0.6,
    lawWords: 0.4,
    scienceWords: 0.4,
    turns: 0.6,
    toolResults: 0.6,
    toolsOffered: 0.5,
  },
};

/**
 * The weights of `llm.complexity`. 1/2 stands for a question as hard as those it was fitted on, which are of school and of examinations.
 *
 * As of 2026-11. Source: answers of Mixtral-8x7B and GPT-4 (1106) to GSM8K and MMLU as https://github.com/lm-sys/RouteLLM publishes them
 * (Apache-2.0, commit 0b64fdafe049), without the prompts it calls contaminated; `splitHalves`, the tuning halves alone: 651 and 7,058 prompts.
 * `fitWeights` from `priorWeights` with strength 4 on each, the mean of the two, so that no weight tells one set from the other, times 2,
 * which spreads scores and changes no order. Signals that those sets do not have (`context`, `fences`, `turns`, tools) keep twice their
 * prior.
 */
export const complexityWeights: Weights = {
  bias: -2.725,
  signals: {
    chars: 2.825,
    context: 1,
    lines: -0.644,
    items: 0.518,
    sentences: 0.791,
    questions: -0.442,
    commas: 1.307,
    quotes: -0.181,
    codeMarks: 0.593,
    fences: 1.6,
    codeWords: 0.934,
    numbers: 0.815,
    digits: -1.479,
    operators: 0.541,
    mathsWords: 1.293,
    quantityWords: 0.343,
    wordLength: 0.337,
    longWords: -0.214,
    capitals: 0.994,
    foreign: 0.572,
    reasoningWords: 0.814,
    conditionWords: 1.509,
    lawWords: 0.284,
    scienceWords: 0.569,
    turns: 1.2,
    toolResults: 1.2,
    toolsOffered: 1,
  },
};
