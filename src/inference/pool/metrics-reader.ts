import type { EndpointMetrics } from "../picker/endpoints.ts";
import type { Engine, Reading, WantedMetric } from "./engines.ts";

/* A line of labels that is longer is passed over. */
const LONGEST_LINE = 65_536;
const MOST_ADAPTERS = 1_024;

const NEWLINE = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** What one answer says; `startedAtS` where the server says since when it runs. */
export interface ReadMetrics extends EndpointMetrics {
  readonly startedAtS: number | undefined;
}

interface Needle extends WantedMetric {
  readonly bytes: Buffer;
}

/**
 * Reads the text format of Prometheus as it arrives: the wanted names are looked for natively, and no other line is looked at. Between two
 * chunks only the line is kept that has not ended.
 */
export class MetricsReader {
  readonly #needles: readonly Needle[];
  #rest: Buffer = Buffer.from("\n");
  #found = new Set<Reading>();
  #queued = 0;
  #running = 0;
  #kvUsage = 0;
  #startedAtS: number | undefined;
  #adapters: EndpointMetrics["adapters"];
  #adaptersAt = -Infinity;

  constructor({ wanted }: Engine) {
    this.#needles = wanted.map((each) => ({ ...each, bytes: Buffer.from(`\n${each.name}`) }));
  }

  push(chunk: Buffer): void {
    const last = chunk.lastIndexOf(NEWLINE);
    if (last === -1) {
      this.#rest =
        this.#rest.length + chunk.length > LONGEST_LINE ? Buffer.from("\n") : Buffer.concat([this.#rest, chunk]);
      return;
    }
    this.#read(Buffer.concat([this.#rest, chunk.subarray(0, last + 1)]));
    // With the newline before it, behind which a name begins. Copied: the chunk is not kept for it.
    this.#rest = Buffer.from(chunk.subarray(last));
  }

  /** Undefined: it says nothing of what is wanted, as an answer of another engine does. */
  end(): ReadMetrics | undefined {
    if (this.#rest.length > 1) this.#read(Buffer.concat([this.#rest, Buffer.from("\n")]));
    if (!this.#found.has("queued") && !this.#found.has("running")) return undefined;
    return {
      queued: this.#queued,
      running: this.#running,
      kvUsage: this.#kvUsage,
      ...(this.#adapters !== undefined && { adapters: this.#adapters }),
      startedAtS: this.#startedAtS,
    };
  }

  /** Whole lines, with a newline before the first. */
  #read(lines: Buffer): void {
    for (const needle of this.#needles) {
      for (let at = lines.indexOf(needle.bytes); at !== -1; at = lines.indexOf(needle.bytes, at + 1))
        this.#readSeries(lines, at + needle.bytes.length, needle);
    }
  }

  #readSeries(lines: Buffer, from: number, needle: Needle): void {
    const next = lines[from];
    // A longer name begins with this one.
    if (next !== OPEN && next !== SPACE) return;
    const behind = next === OPEN ? endOfLabels(lines, from) : from;
    if (behind === -1) return;
    const { label, reading } = needle;
    if (label !== undefined && !lines.toString("latin1", from, behind).includes(label)) return;
    const end = lines.indexOf(NEWLINE, behind);
    // A timestamp may follow.
    const value = Number.parseFloat(lines.toString("latin1", behind, Math.min(end, behind + 64)));
    if (!Number.isFinite(value)) return;
    this.#found.add(reading);
    if (reading === "queued") this.#queued += value;
    else if (reading === "running") this.#running += value;
    else if (reading === "kvUsage") this.#kvUsage = Math.max(this.#kvUsage, value);
    else if (reading === "startedAt") this.#startedAtS = value;
    else if (value >= this.#adaptersAt) {
      // Every combination leaves a series of its own behind; its value is when it was current.
      this.#adaptersAt = value;
      this.#adapters = toAdapters(lines.toString("utf8", from, behind));
    }
  }
}

/** Behind the closing brace; -1 when the line has none. Labels may hold braces and quotes. */
function endOfLabels(lines: Buffer, open: number): number {
  let quoted = false;
  for (let at = open + 1; at < lines.length; at++) {
    const byte = lines[at];
    if (byte === NEWLINE) return -1;
    if (quoted && byte === BACKSLASH) at++;
    else if (byte === QUOTE) quoted = !quoted;
    else if (byte === CLOSE && !quoted) return at + 1;
  }
  return -1;
}

function toAdapters(labels: string): EndpointMetrics["adapters"] {
  const list = (name: string) =>
    labelOf(labels, name)
      .split(",", MOST_ADAPTERS)
      .map((each) => each.trim())
      .filter(Boolean);
  const max = Number.parseInt(labelOf(labels, "max_lora"), 10);
  return {
    running: list("running_lora_adapters"),
    waiting: list("waiting_lora_adapters"),
    max: max > 0 ? max : 0,
  };
}

function labelOf(labels: string, name: string): string {
  const found = new RegExp(`[{,]\\s*${name}="((?:[^"\\\\]|\\\\.)*)"`).exec(labels);
  return found?.[1] ?? "";
}
