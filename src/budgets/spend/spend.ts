import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Meter } from "../../core/meter.ts";
import type { OperationContext } from "../../core/step.ts";
import { tenantOf } from "../../core/tenant.ts";
import type { Entry, Store } from "../../state/store.ts";
import type { Bill } from "../reservation.ts";
import { createDearestChains } from "./dearest-chains.ts";
import { NANOS_PER_DOLLAR } from "../money.ts";
import {
  type AddedRow,
  addedRows,
  addLone,
  addTo,
  chainsOf,
  type DayRows,
  emptyDay,
  indexOf,
  merge,
  none,
  saveIn,
  type Spend,
  type SpendKey,
  type SpendWindow,
  sum,
} from "./spend-rows.ts";
import { countedNameOf } from "../runaway/target-names.ts";
import { windowEnd, windowStart } from "../ledger/windows.ts";

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
  /** A call that cost nothing, because its answer had been made for another. */
  save(context: OperationContext, savedNanos: number): void;
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
/* Calls that wait to be written; beyond, they are written at once. */
const MOST_WAITING = 5_000;
/* A report looks at this many rows. */
const MOST_ROWS = 50_000;
const TRIES = 8;
const MOST_AT_ONCE = 200;
/* Rows kept while the store is away: some 10 MB. */
const MOST_LATE = 20_000;

const DAY_MS = 86_400_000;

export function createSpendBook({ store, clock, log, meter }: SpendBookOptions): SpendBook {
  const dollars = meter.counter("spend_dollars_total", "What calls have cost, in US dollars", ["tenant", "target"]);
  /* What was added since the last writing: on the way of a call, numbers in maps and nothing else. */
  let waiting = emptyDay(0);
  let count = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const dearest = createDearestChains();

  const isShared = store.durability.sharedAcrossReplicas;
  /* What a store that was away did not take; it is written with what comes next. */
  let late: readonly AddedRow[] = [];
  let isAway = false;

  async function write(day: DayRows): Promise<void> {
    const added = merge([...late, ...addedRows(day, dearest(day.dayMs, chainsOf(day)))]);
    const atOnce = isShared ? 1 : MOST_AT_ONCE;
    late = [];
    for (let at = 0; at < added.length; at += atOnce) {
      try {
        await writeRows(added.slice(at, at + atOnce));
      } catch (error) {
        late = added.slice(at, at + MOST_LATE);
        throw error;
      }
    }
  }

  /* A process that is alone adds many rows at once: a transaction for each would hold up the calls of the moment. */
  async function writeRows(rows: readonly AddedRow[]): Promise<void> {
    if (isShared) {
      for (const row of rows) await addRow(row);
      return;
    }
    const entries: Entry<Row>[] = [];
    for (const { key, index, ttlMs, name, spend } of rows) {
      const former = await store.get<Row>(collection, key);
      const value = { name, ...sum(former?.value ?? none(), spend) };
      entries.push({ key, value, ttlMs, indexes: { by: index } });
    }
    await store.putMany(collection, entries);
    /* A file store answers at once, and all of them would hold up the event loop. */
    await turn();
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

  /** Writes what waits behind what is being written. */
  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const batch = waiting;
    waiting = emptyDay(batch.dayMs);
    count = 0;
    writing = writing
      .then(() => write(batch))
      .then(() => {
        isAway = false;
      })
      .catch((error: unknown) => {
        if (!isAway) log.warn({ error }, "what calls cost cannot be added to the reports; it is kept and tried again");
        isAway = true;
        timer ??= setTimeout(() => void flush(), WRITE_EVERY_MS).unref();
      });
    return writing;
  }

  function today(): DayRows {
    const nowMs = clock.now();
    if (nowMs - waiting.dayMs >= DAY_MS || nowMs < waiting.dayMs) {
      if (count > 0) void flush();
      waiting = emptyDay(nowMs - (nowMs % DAY_MS));
    }
    return waiting;
  }

  function added(): void {
    count += 1;
    if (count >= MOST_WAITING) void flush();
    else timer ??= setTimeout(() => void flush(), WRITE_EVERY_MS).unref();
  }

  return {
    add(context, bill) {
      const { exchange, operation, candidate } = context;
      const { principal, chain } = exchange;
      const tenant = tenantOf(exchange, operation);
      const { target, protocol } = operation;
      const { rows, lone } = today();
      const isModel = protocol === "llm";
      const unpriced = isModel && bill.costNanos === undefined ? 1 : 0;
      addTo(rows.tenant, tenant, bill, unpriced);
      addTo(rows.principal, principal.id, bill, unpriced);
      if (chain.alone && chain.helped !== true) addLone(lone, chain.id, bill, unpriced);
      else addTo(rows.chain, chain.id, bill, unpriced);
      const name = isModel ? (candidate?.label ?? candidate?.name ?? target.name) : countedNameOf(target);
      addTo(isModel ? rows.model : rows.tool, name, bill, unpriced);
      const { costNanos = 0 } = bill;
      if (costNanos > 0) dollars.add([tenant, name], costNanos / NANOS_PER_DOLLAR);
      added();
    },

    save({ exchange, operation, candidate }, savedNanos) {
      const { rows } = today();
      saveIn(rows.tenant, tenantOf(exchange, operation), savedNanos);
      saveIn(rows.principal, exchange.principal.id, savedNanos);
      saveIn(rows.model, candidate?.name ?? operation.target.name, savedNanos);
      added();
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
