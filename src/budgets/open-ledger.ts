import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Meter } from "../core/meter.ts";
import type { Store } from "../state/store.ts";
import type { Ledger } from "./ledger.ts";
import { createLocalLedger } from "./local-ledger.ts";

interface OpenLedgerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

const lease = { lengthMs: 20_000, grainMs: 4_000 };
const RENEW_EVERY_MS = 5_000;

/** The ledger of a process. */
export function openLedger({ clock }: OpenLedgerOptions): Ledger {
  const ledger = createLocalLedger({ clock, lease });
  const timer = setInterval(() => ledger.renew(), RENEW_EVERY_MS);
  timer.unref();
  return {
    ...ledger,
    async close() {
      clearInterval(timer);
      await ledger.close();
    },
  };
}
