import type { Log } from "../../core/log.ts";
import type { Meter } from "../../core/meter.ts";
import type { Store } from "../../state/store.ts";
import { setBounded } from "../../core/bounded-map.ts";
import { ChainAccount, type ChainTotals } from "./chain-account.ts";
import { chainScript, parseTotals } from "./chain-script.ts";

/* How late another replica's view of what a chain has cost may be, beside the time of two store calls. */
const FLUSH_AFTER_MS = 250;
const RETRY_AFTER_MS = 2_000;
/* Store calls under way at once: enough to hide a network, few enough to leave the store to the requests. */
const AT_ONCE = 16;
/* Some 300 bytes each. */
const MAX_KNOWN = 20_000;
const MAX_WAITING = 20_000;
const MAX_HEARD = 10_000;
/* As long as a hand-off stands. */
const TTL_MS = 24 * 3_600_000;
const TAINTS = "chain-taints";
/* A name in the store's record and in a message: never what was said. */
const MAX_TAINT_LENGTH = 200;

/** The accounts of chains in one process, and what the store knows of them. */
export interface ChainAccounts {
  /** An account nobody else sees: most chains begin and end with one request, and cost the store nothing. */
  open(id: string): ChainAccount;
  /** The account of a chain that several requests of this process may be part of; read from the store in the background when it is new here. */
  shared(id: string): ChainAccount;
  /** The same, read first when it is new here. Rejects with GatewayError("state_unavailable"). */
  load(id: string): Promise<ChainAccount>;
  /** What is known of a chain, this process's own part included. Rejects with GatewayError("state_unavailable"). */
  totals(id: string): Promise<ChainTotals>;
  /** Makes an open account one that others see, and writes it. Rejects with GatewayError("state_unavailable"). */
  share(account: ChainAccount): Promise<void>;
  /** Notes an operation, or what it cost. Never waits and never throws. */
  add(account: ChainAccount, operations: number, costNanos: number): void;
  /** Marks the chain, here at once and on other replicas as soon as a message takes. Whether it was clean. */
  taint(account: ChainAccount, by: string): boolean;
  /** Writes what waits. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface ChainAccountsDeps {
  readonly store: Store;
  readonly log: Log;
  readonly meter: Meter;
}

// oxlint-disable-next-line max-lines-per-function -- one closure over one table
export async function createChainAccounts({ store, log, meter }: ChainAccountsDeps): Promise<ChainAccounts> {
  const known = new Map<string, ChainAccount>();
  const loading = new Map<string, Promise<ChainAccount>>();
  /* Taints of chains that have no account here yet. */
  const heard = new Map<string, string>();
  let waiting = new Set<ChainAccount>();
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> | undefined;
  let closed = false;
  let failed = false;
  const dropped = meter.counter("chain_writes_dropped_total", "Chain accounts not written for want of a store", []);
  const taints = meter.counter("chain_taints_total", "Chains marked as tainted by this process", []);

  const unsubscribe = await store.subscribe(TAINTS, (message) => {
    const at = message.indexOf(" ");
    const [id, by] = [message.slice(0, at), message.slice(at + 1)];
    const account = known.get(id);
    if (account !== undefined) account.taintedBy ??= by;
    else setBounded(heard, id, by, MAX_HEARD);
  });

  function insert(id: string): ChainAccount {
    const account = new ChainAccount(id);
    account.shared = true;
    account.taintedBy = heard.get(id);
    setBounded(known, id, account, MAX_KNOWN);
    return account;
  }

  async function read(account: ChainAccount): Promise<void> {
    const stored = { operations: 0, nanos: 0 };
    account.merge(parseTotals(await store.run(chainScript, [keyOf(account.id)], ["", "", "", "", ""])), stored);
  }

  async function write(account: ChainAccount): Promise<void> {
    const stored = { operations: account.ownOperations, nanos: account.ownNanos };
    account.dirty = false;
    const args = [
      account.slot,
      String(stored.operations),
      String(stored.nanos),
      account.taintedBy ?? "",
      String(TTL_MS),
    ];
    try {
      account.merge(parseTotals(await store.run(chainScript, [keyOf(account.id)], args)), stored);
    } catch (error) {
      mark(account);
      throw error;
    }
  }

  function mark(account: ChainAccount): void {
    if (account.dirty || closed) return;
    if (waiting.size >= MAX_WAITING) return dropped.add([]);
    account.dirty = true;
    waiting.add(account);
    schedule(failed ? RETRY_AFTER_MS : FLUSH_AFTER_MS);
  }

  function schedule(delayMs: number): void {
    if (timer !== undefined || flushing !== undefined || closed) return;
    timer = setTimeout(() => void flush(), delayMs);
    timer.unref();
  }

  async function writeAll(): Promise<void> {
    const batch = [...waiting];
    waiting = new Set();
    for (let at = 0; at < batch.length; at += AT_ONCE) {
      const results = await Promise.allSettled(batch.slice(at, at + AT_ONCE).map(write));
      const error = results.find((result) => result.status === "rejected")?.reason as unknown;
      if (error === undefined) continue;
      if (!failed) log.warn({ error }, "chain accounts cannot be written; keeping them and trying again");
      failed = true;
      for (const account of batch.slice(at + AT_ONCE)) {
        account.dirty = false;
        mark(account);
      }
      return;
    }
    if (failed && batch.length > 0) {
      failed = false;
      log.info({}, "chain accounts are written again");
    }
  }

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (flushing !== undefined) await flushing;
    flushing = writeAll().finally(() => {
      flushing = undefined;
      if (waiting.size > 0) schedule(failed ? RETRY_AFTER_MS : FLUSH_AFTER_MS);
    });
    await flushing;
  }

  function load(id: string): Promise<ChainAccount> {
    const here = known.get(id);
    if (here !== undefined) return loading.get(id) ?? Promise.resolve(here);
    const account = insert(id);
    const pending = read(account)
      .then(() => account)
      .catch((error: unknown) => {
        /* The next one asks again. */
        known.delete(id);
        throw error;
      })
      .finally(() => loading.delete(id));
    loading.set(id, pending);
    return pending;
  }

  return {
    open: (id) => new ChainAccount(id),
    shared(id) {
      const here = known.get(id);
      if (here !== undefined) return here;
      const account = insert(id);
      read(account).catch((error: unknown) => log.debug({ error }, "a chain's account could not be read"));
      return account;
    },
    load,
    async totals(id) {
      const here = known.get(id);
      if (here === undefined) return parseTotals(await store.run(chainScript, [keyOf(id)], ["", "", "", "", ""]));
      await write(here);
      return here;
    },
    async share(account) {
      if (!account.shared) {
        account.shared = true;
        setBounded(known, account.id, account, MAX_KNOWN);
      }
      await write(account);
    },
    add(account, operations, costNanos) {
      account.ownOperations += operations;
      account.ownNanos += costNanos;
      if (!account.shared) return;
      /* A run's first request alone is of no use to anybody else. */
      if (account.operations > 1) mark(account);
    },
    taint(account, by) {
      if (account.taintedBy !== undefined) return false;
      const name = by.slice(0, MAX_TAINT_LENGTH);
      account.taintedBy = name;
      taints.add([]);
      if (!account.shared) return true;
      mark(account);
      store
        .publish(TAINTS, `${account.id} ${name}`)
        .catch((error: unknown) => log.warn({ error }, "a taint could not be told to other replicas at once"));
      return true;
    },
    flush,
    async close() {
      await flush();
      closed = true;
      clearTimeout(timer);
      await unsubscribe();
    },
  };
}

const keyOf = (id: string): string => `chain:${id}`;
