/*
 * Two 32-bit hashes of a JSON value side by side, of which 53 bits are kept: a key that fits a number. Not for secrets: whoever makes two
 * calls collide has only made his own calls look alike.
 */

/* Where sampling is asked for, texts are read whole until so many characters are read; then so many of the beginning, the middle and the end of each. */
const WHOLE_CHARACTERS = 256;
const SAMPLES = 16;
const GLANCE = 8;
/** The same for the elements of a list. */
const WHOLE_LIST = 48;
const FIRST = 8;

/* One hash is made at a time, to its end. */
let a = 0;
let b = 0;
let sampling = false;
let left = 0;
let cut = false;

function begin(): void {
  a = 0x811c9dc5;
  b = 0x9747b28c;
}

function mix(code: number): void {
  a = Math.imul(a ^ code, 0x01000193);
  b = Math.imul(b, 0x5bd1e995) + code;
}

/** Spreads what was mixed over all bits (MurmurHash3's last step). */
function spread(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

const key = (): number => (spread(a) >>> 0) * 2 ** 21 + (spread(b ^ a) >>> 11);

/* Variables of its own: those of the module are written to memory with each character, and took four times as long. */
function mixRange(text: string, from: number, to: number, step: number): void {
  let [x, y] = [a, b];
  for (let at = from; at < to; at += step) {
    const code = text.charCodeAt(at);
    x = Math.imul(x ^ code, 0x01000193);
    y = Math.imul(y, 0x5bd1e995) + code;
  }
  a = x;
  b = y;
}

function mixText(text: string): void {
  const { length } = text;
  mix(length);
  if (!sampling || length <= left) {
    if (sampling) left -= length;
    return mixRange(text, 0, length, 1);
  }
  const samples = left > 0 ? SAMPLES : GLANCE;
  left -= 3 * SAMPLES;
  if (length <= 3 * samples) return mixRange(text, 0, length, 1);
  cut = true;
  mixRange(text, 0, samples, 1);
  mixRange(text, samples, length - samples, Math.ceil(length / samples));
  mixRange(text, length - samples, length, 1);
}

function mixNumber(value: number): void {
  mix(value | 0);
  mix((value * 0x9e3779b1) | 0);
  if (!Number.isInteger(value)) mixText(String(value));
}

function mixList(list: readonly unknown[]): void {
  mix(list.length + 0x5b0000);
  const whole = !sampling || list.length <= WHOLE_LIST;
  if (!whole) cut = true;
  for (let at = 0; at < list.length; at++) {
    if (!whole && at === FIRST) at = list.length - (WHOLE_LIST - FIRST);
    mixValue(list[at]);
  }
}

/* The order of members does not matter: each is hashed by itself, and the hashes are added. */
function mixObject(object: Readonly<Record<string, unknown>>): void {
  const [beforeA, beforeB] = [a, b];
  let [sumA, sumB, members] = [0, 0, 0];
  for (const name in object) {
    const value = object[name];
    if (value === undefined) continue;
    begin();
    mixText(name);
    mixValue(value);
    sumA = (sumA + spread(a)) | 0;
    sumB = (sumB + spread(b)) | 0;
    members++;
  }
  a = beforeA;
  b = beforeB;
  mix(members + 0x7b0000);
  mix(sumA);
  mix(sumB);
}

function mixValue(value: unknown): void {
  switch (typeof value) {
    case "string":
      mix(0x22);
      return mixText(value);
    case "number":
      mix(0x30);
      return mixNumber(value);
    case "boolean":
      return mix(value ? 0x74 : 0x66);
    case "object":
      if (value === null) return mix(0x6e);
      if (Array.isArray(value)) return mixList(value);
      return mixObject(value as Readonly<Record<string, unknown>>);
    default:
      mix(0x75);
  }
}

export interface Fingerprint {
  readonly key: number;
  /** Whether something long was only sampled: equal keys then say that the values may be equal. */
  readonly sampled: boolean;
}

/** Of a value as JSON has it: the order of an object's members does not matter, the spelling of numbers neither. */
export function fingerprintOf(value: unknown): number {
  sampling = false;
  begin();
  mixValue(value);
  return key();
}

/** The same, in a time that does not grow with long texts and lists. */
export function sampleOf(value: unknown): Fingerprint {
  sampling = true;
  left = WHOLE_CHARACTERS;
  cut = false;
  begin();
  mixValue(value);
  return { key: key(), sampled: cut };
}

/** One key out of a few short texts and a number. */
export function keyOf(some: string, more: string, most: string, number: number): number {
  sampling = false;
  begin();
  mixText(some);
  mixText(more);
  mixText(most);
  mix(number | 0);
  mix(Math.floor(number / 2 ** 32));
  return key();
}
