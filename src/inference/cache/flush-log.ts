import { randomHex } from "../../core/ids.ts";
import { GatewayError } from "../../core/errors.ts";
import { isFields } from "../dialects/fields.ts";
import type { Store } from "../../state/store.ts";
import { type Flush, isFlushed, type Partition } from "./answer-cache.ts";

/** How much of a log of flushes has been seen. A log that was lost and begun anew has another life. */
export interface FlushMark {
  readonly life: string;
  readonly seq: number;
}

/** Every flush on any replica, in order; `flushes` has those after `floor`. */
export interface FlushLog extends FlushMark {
  readonly floor: number;
  readonly flushes: readonly { readonly seq: number; readonly which: Flush }[];
}

const COLLECTION = "cache-flushes";
const KEY = "log";
/* It is read with every answer that is; to what is older than these, everything was flushed. */
const MOST_FLUSHES = 32;
const MOST_TRIES = 20;

const none: FlushLog = { life: "", seq: 0, floor: 0, flushes: [] };

/** The flushes of the log after the mark; where that cannot be told, one that takes everything. */
export function flushesSince(log: FlushLog, mark: FlushMark): readonly Flush[] {
  /* Of no life: from a time before there was a log. */
  const seq = mark.life === "" ? 0 : mark.seq;
  if ((mark.life !== "" && mark.life !== log.life) || seq < log.floor || seq > log.seq) return [{}];
  return log.flushes.filter((flush) => flush.seq > seq).map(({ which }) => which);
}

/** Whether an answer of this partition that was asked for at the mark has been flushed since. */
export const isFlushedSince = (log: FlushLog, mark: FlushMark, partition: Partition): boolean =>
  flushesSince(log, mark).some((which) => isFlushed(which, partition));

/** Rejects with GatewayError("state_unavailable") where there is none to be had. */
export async function readFlushLog(store: Store): Promise<FlushLog> {
  const record = await store.get<unknown>(COLLECTION, KEY);
  if (record === undefined) return none;
  if (!isLog(record.value))
    throw new GatewayError("state_unavailable", "What flushes of the cache there were cannot be read.");
  return record.value;
}

function isLog(value: unknown): value is FlushLog {
  if (!isFields(value)) return false;
  const { life, seq, floor, flushes } = value;
  const isEach = (each: unknown) => isFields(each) && Number.isSafeInteger(each["seq"]) && isFields(each["which"]);
  return (
    typeof life === "string" &&
    life !== "" &&
    [seq, floor].every(Number.isSafeInteger) &&
    Array.isArray(flushes) &&
    flushes.every(isEach)
  );
}

/** Writes a flush down: from then on no replica reads an answer that it takes. Rejects with GatewayError("state_unavailable"). */
export async function appendFlush(store: Store, which: Flush): Promise<FlushLog> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const record = await store.get<unknown>(COLLECTION, KEY);
    /* One that cannot be read begins anew, with another life: what was kept under it is flushed. */
    const log = isLog(record?.value) ? record.value : none;
    const seq = log.seq + 1;
    const flushes = [...log.flushes, { seq, which }].slice(-MOST_FLUSHES);
    const next = { life: log.life === "" ? randomHex(8) : log.life, seq, floor: seq - flushes.length, flushes };
    if ((await store.put(COLLECTION, KEY, next, { ifVersion: record?.version ?? 0 })) !== undefined) return next;
  }
  throw new GatewayError("state_unavailable", "Too many flushes of the cache at the same time: try again.");
}
