import { lexicalGuards } from "../cache/guards/registry.ts";
import { readQuestion } from "../cache/question/question.ts";
import { type Embedder, toUnit } from "./embedder.ts";

const DIMENSIONS = 512;
/* Tuned on the pairs for tuning. */
const THRESHOLD = 0.55;
/* Share of a word's weight that its letters have, so that misspelt words stay near. */
const LETTERS = 0.35;
const LETTERS_OF_A_PIECE = 3;

/* FNV-1a with a last mix: neighbouring words land apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/* Two places with signs of their own: one collision alone cannot make two words one. */
function add(vector: Float32Array, feature: string, weight: number): void {
  const hash = hashOf(feature);
  const half = weight * Math.SQRT1_2;
  const first = hash % DIMENSIONS;
  const second = (hash >>> 12) % DIMENSIONS;
  vector[first] = (vector[first] ?? 0) + (hash & 0x400000 ? half : -half);
  vector[second] = (vector[second] ?? 0) + (hash & 0x800000 ? half : -half);
}

function addLetters(vector: Float32Array, stem: string, weight: number): void {
  const framed = `<${stem}>`;
  const count = Math.max(1, framed.length - LETTERS_OF_A_PIECE + 1);
  const each = weight / Math.sqrt(count);
  for (let at = 0; at < count; at++) add(vector, `#${framed.slice(at, at + LETTERS_OF_A_PIECE)}`, each);
}

/**
 * A vector of 512 from hashed stems and their letters: no model, no download. It sees the same words in other order, forms and
 * frames, not other words for the same thing.
 */
function embed(text: string): Float32Array {
  const vector = new Float32Array(DIMENSIONS);
  const weights = new Map<string, number>();
  const { topics } = readQuestion(text);
  /* `how do I make a good thing`: of nothing in particular. */
  if (!topics.some(({ weight }) => weight === 1)) return vector;
  for (const { stem, weight } of topics) weights.set(stem, Math.max(weight, weights.get(stem) ?? 0));
  for (const [stem, weight] of weights) {
    add(vector, stem, weight);
    addLetters(vector, stem, weight * LETTERS);
  }
  return toUnit(vector);
}

/** The embedder that works at once, without a model. */
export const lexical = {
  /* The number is raised whenever stems, synonyms or weights change what a vector says. */
  space: `lexical 5, ${DIMENSIONS}`,
  threshold: THRESHOLD,
  guards: lexicalGuards,
  embed,
} satisfies Embedder;
