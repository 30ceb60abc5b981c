import type { SignalName } from "./signals.ts";

/** What each signal adds to the logarithm of the odds that a request needs the strong model. */
export interface Weights {
  readonly bias: number;
  readonly signals: Readonly<Record<SignalName, number>>;
}

/** What is held of a signal before any data is seen; fitting moves away from it as far as data says. */
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

export const complexityWeights: Weights = priorWeights;
