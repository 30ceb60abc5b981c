import { createHash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { Target } from "../core/operation.ts";
import type { OperationContext } from "../core/step.ts";
import type { Entry, Store } from "../state/store.ts";
import type { Bill } from "./reservation.ts";
import { createDearestChains } from "./dearest-chains.ts";
import { NANOS_PER_DOLLAR } from "./money.ts";
import { type Window, windowEnd, windowStart } from "./windows.ts";

/** By what spend is told apart. */
export const spendKeys = ["tenant", "principal", "model", "tool", "chain"] as const;
export type SpendKey = (typeof spendKeys)[number];
export const spendWindows = ["day", "month"] as const satisfies readonly Window[];
type SpendWindow = (typeof spendWindows)[number];

/** What calls have used and cost. */
export interface Spend {
  calls: number;
  inputTokens: number;
  outputTokens: number;
  costNanos: number;
  /** Calls of models whose price nobody knows. */
  unpriced: number;
}

export interface SpendLine extends Spend {
  readonly name: string;
  /** What it will have cost when the window ends, if it goes on as it did since the window began. */
  readonly forecastNanos: number;
}

export interface SpendReport {
  readonly by: SpendKey;
  readonly window: SpendWindow;
  readonly startsMs: number;
  readonly endsMs: number;
  /** The dearest first; at most `limit`. */
  readonly lines: readonly SpendLine[];
  /** False: there are more names than a report looks at, and a dear one may be missing. */
  readonly complete: boolean;
  readonly total: Spend & { readonly forecastNanos: number };
}

/** Adds up what calls cost, and says who spent it. */
export interface SpendBook {
  add(context: OperationContext, bill: Bill): void;
  report(by: SpendKey, window: SpendWindow, limit: number): Promise<SpendReport>;
  close(): Promise<void>;
}

export interface SpendBookOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

interface Row extends Spend {
  readonly name: string;
}

const collection = "spend";
/* What a crash can take from a report; the journal has every call. */
const WRITE_EVERY_MS = 2_000;
const KEPT_MS = 62 * 86_400_000;
/* Chains are many, and over long before. */
const CHAINS_KEPT_MS = 2 * 86_400_000;
/* Calls that wait to be written; beyond, they are written at once. */
const MOST_WAITING = 5_000;
/* A report looks at this many rows. */
const MOST_ROWS = 50_000;
const TRIES = 8;
const MOST_AT_ONCE = 200;

const DAY_MS = 86_400_000;

const none = (): Spend => ({ calls: 0, inputTokens: 0, outputTokens: 0, costNanos: 0, unpriced: 0 });

function sum(one: Spend, other: Spend): Spend {
  return {
    calls: one.calls + other.calls,
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    costNanos: one.costNanos + other.costNanos,
    unpriced: one.unpriced + other.unpriced,
  };
}

/** Spend by name, for each key, of one day. */
type DayRows = { readonly dayMs: number; readonly rows: Readonly<Record<SpendKey, Map<string, Spend>>> };

const emptyDay = (dayMs: number): DayRows => ({
  dayMs,
  rows: { tenant: new Map(), principal: new Map(), model: new Map(), tool: new Map(), chain: new Map() },
});

function addTo(rows: Map<string, Spend>, name: string, { use, costNanos }: Bill, unpriced: number): void {
  let row = rows.get(name);
  if (row === undefined) rows.set(name, (row = none()));
  row.calls += 1;
  row.inputTokens += use.inputTokens;
  row.outputTokens += use.outputTokens;
  row.costNanos += costNanos ?? 0;
  row.unpriced += unpriced;
}

export function createSpendBook({ store, clock, log, meter }: SpendBookOptions): SpendBook {
  const dollars = meter.counter("spend_dollars_total", "What calls have cost, in US dollars", ["tenant", "target"]);
  /* What was added since the last writing: on the way of a call, numbers in maps and nothing else. */
  let waiting = emptyDay(0);
  let count = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const dearest = createDearestChains();

  /* A process that is alone adds all of a writing at once: a transaction for each row would hold up the calls of the moment. */
  async function write(day: DayRows): Promise<void> {
    const added = addedRows(day, dearest(day.dayMs, day.rows.chain));
    if (store.durability.sharedAcrossReplicas) {
      for (const row of added) await addRow(row);
      return;
    }
    for (let at = 0; at < added.length; at += MOST_AT_ONCE) {
      const entries: Entry<Row>[] = [];
      for (const { key, index, ttlMs, name, spend } of added.slice(at, at + MOST_AT_ONCE)) {
        const former = await store.get<Row>(collection, key);
        const value = { name, ...sum(former?.value ?? none(), spend) };
        entries.push({ key, value, ttlMs, indexes: { by: index } });
      }
      await store.putMany(collection, entries);
      /* A file store answers at once, and all of them would hold up the event loop. */
      await turn();
    }
  }

  /* Replicas add to one row. */
  async function addRow({ key, index, ttlMs, name, spend }: AddedRow): Promise<void> {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const former = await store.get<Row>(collection, key);
      const value: Row = { name, ...sum(former?.value ?? none(), spend) };
      const written = await store.put(collection, key, value, {
        ifVersion: former?.version ?? 0,
        ttlMs,
        indexes: { by: index },
      });
      if (written !== undefined) return;
    }
    throw new Error("too many replicas add to one row");
  }

  async function readRows(by: SpendKey, window: SpendWindow, startsMs: number) {
    const rows: Row[] = [];
    let after: string | undefined;
    do {
      const page = await store.find<Row>(collection, "by", indexOf(by, window, startsMs), {
        limit: 1_000,
        ...(after !== undefined && { after }),
      });
      for (const { value } of page.records) rows.push(value);
      after = page.next;
    } while (after !== undefined && rows.length < MOST_ROWS);
    return { rows, complete: after === undefined };
  }

  /** Writes what waits behind what is being written. What cannot be written is left out of reports; the journal has it. */
  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const batch = waiting;
    waiting = emptyDay(batch.dayMs);
    count = 0;
    writing = writing
      .then(() => write(batch))
      .catch((error: unknown) => {
        log.warn({ error }, "what some calls cost could not be added to the reports; the journal has it");
      });
    return writing;
  }

  return {
    add(context, bill) {
      const { exchange, operation, candidate } = context;
      const { principal, chain } = exchange;
      const { target, protocol } = operation;
      const nowMs = clock.now();
      const dayMs = nowMs - (nowMs % DAY_MS);
      if (dayMs !== waiting.dayMs) {
        if (count > 0) void flush();
        waiting = emptyDay(dayMs);
      }
      const { rows } = waiting;
      const isModel = protocol === "llm";
      const unpriced = isModel && bill.costNanos === undefined ? 1 : 0;
      addTo(rows.tenant, principal.tenant, bill, unpriced);
      addTo(rows.principal, principal.id, bill, unpriced);
      addTo(rows.chain, chain.id, bill, unpriced);
      if (isModel) addTo(rows.model, candidate?.name ?? target.name, bill, unpriced);
      else addTo(rows.tool, toolName(target), bill, unpriced);
      const { costNanos = 0 } = bill;
      if (costNanos > 0) dollars.add([principal.tenant, candidate?.name ?? target.name], costNanos / NANOS_PER_DOLLAR);
      count += 1;
      if (count >= MOST_WAITING) void flush();
      else timer ??= setTimeout(() => void flush(), WRITE_EVERY_MS).unref();
    },

    async report(by, window, limit) {
      await flush();
      const nowMs = clock.now();
      const startsMs = windowStart(window, nowMs);
      const endsMs = windowEnd(window, startsMs);
      /* The first minutes of a window tell nothing of the rest. */
      const growth = (endsMs - startsMs) / Math.max(nowMs - startsMs, (endsMs - startsMs) / 100);
      const forecast = (nanos: number): number => Math.round(nanos * growth);
      const { rows, complete } = await readRows(by, window, startsMs);
      /* Of chains only some are kept. */
      const all = by === "chain" ? (await readRows("tenant", window, startsMs)).rows : rows;
      const total = all.reduce<Spend>(sum, none());
      const lines = rows
        .toSorted((one, other) => other.costNanos - one.costNanos || other.calls - one.calls)
        .slice(0, limit)
        .map((row) => ({ ...row, forecastNanos: forecast(row.costNanos) }));
      return {
        by,
        window,
        startsMs,
        endsMs,
        lines,
        complete,
        total: { ...total, forecastNanos: forecast(total.costNanos) },
      };
    },

    async close() {
      await flush();
      clearTimeout(timer);
    },
  };
}

interface AddedRow {
  readonly key: string;
  readonly index: string;
  readonly ttlMs: number;
  readonly name: string;
  readonly spend: Spend;
}

function addedRows({ dayMs, rows }: DayRows, chains: Iterable<readonly [string, Spend]>): readonly AddedRow[] {
  const added: AddedRow[] = [];
  for (const by of spendKeys) {
    for (const [name, spend] of by === "chain" ? chains : rows[by]) {
      for (const window of spendWindows) {
        /* A chain is over long before its month. */
        if (by === "chain" && window === "month") continue;
        const startsMs = windowStart(window, dayMs);
        const ttlMs = by === "chain" ? CHAINS_KEPT_MS : KEPT_MS;
        const [key, index] = [keyOf(by, window, startsMs, name), indexOf(by, window, startsMs)];
        added.push({ key, index, ttlMs, name, spend });
      }
    }
  }
  return added;
}

const toolName = ({ server, name }: Target): string => (server === name ? name : `${server}/${name}`);

const indexOf = (by: SpendKey, window: SpendWindow, startsMs: number): string => `${window}:${startsMs}:${by}`;

/* Names are any text; a key is short ASCII. */
const keyOf = (by: SpendKey, window: SpendWindow, startsMs: number, name: string): string =>
  `${indexOf(by, window, startsMs)}:${createHash("sha256").update(name).digest("base64url").slice(0, 22)}`;
