import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Meter } from "../../core/meter.ts";
import type { Store } from "../../state/store.ts";
import type { Lease } from "./counting.ts";
import type { Ledger } from "./ledger.ts";
import { openKeptCounters } from "./kept-counters.ts";
import { createLocalLedger } from "./local-ledger.ts";
import { keepLoneTerms } from "./lone-terms.ts";
import { createStoreLedger } from "./store-ledger.ts";

interface OpenLedgerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Where a process that keeps its counters to itself notes what is not in the store yet. */
  readonly tailFile: string | undefined;
}

/* What a replica that died had reserved is back after 20 to 24 s. */
const lease: Lease = { lengthMs: 20_000, grainMs: 4_000 };
const RENEW_EVERY_MS = 5_000;
/* A caller learns within 100 ms that the store is down or hangs. */
const STORE_TIMEOUT_MS = 80;

/**
 * The ledger of a process. In the store where replicas share it: every deed one atomic script. Otherwise in this process, which is the
 * only one: with a state file, what is booked is noted beside it at once, written to it behind, and read again at the next start.
 */
export async function openLedger({ store, clock, log, meter, tailFile }: OpenLedgerOptions): Promise<Ledger> {
  const lost = meter.counter("budget_settlements_lost_total", "Calls whose use could not be booked", []);
  const kept = tailFile === undefined ? undefined : await openKeptCounters({ store, tailFile, clock, log });
  const own = createLocalLedger({ clock, lease, ...(kept !== undefined && { kept }) });
  const shared = store.durability.sharedAcrossReplicas
    ? createStoreLedger({ store, lease, log, timeoutMs: STORE_TIMEOUT_MS, onLost: () => lost.add([]) })
    : undefined;
  const ledger = shared === undefined ? own : keepLoneTerms(shared, own);
  const renew = (): void => {
    own.renew();
    void shared?.renew();
  };
  const timer = setInterval(renew, RENEW_EVERY_MS);
  timer.unref();
  return {
    ...ledger,
    async close() {
      clearInterval(timer);
      await ledger.close();
    },
  };
}
