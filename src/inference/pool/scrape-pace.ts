/* Of those in use as of the others: 200 scrapes a second together cost some hundredths of a core. */
const SPACING_MS = 5;
/* However many are in use: what is older than 2 s says nothing, and each wait may be a fifth longer. */
const LONGEST_IN_USE_MS = 1_500;
/* A pool that is called at all is called again within this time. */
const IN_USE_MS = 60_000;

/** What one pool has of the scrapes of this process. */
export interface PaceShare {
  /** How many endpoints of it are scraped from now on. */
  resize(endpoints: number): void;
  /** A call looks for an endpoint. True: they are scraped more often from now on. */
  called(nowMs: number): boolean;
  /** From one scrape of an endpoint to the next at the least, on average. */
  everyMs(nowMs: number): number;
}

/** How often endpoints are scraped where there are many: a thousand pools must not cost a core before anybody calls them. */
export interface ScrapePace {
  open(): PaceShare;
}

export function createScrapePace(): ScrapePace {
  const scraped = { inUse: 0, idle: 0 };
  return {
    open() {
      let own = 0;
      let group: keyof typeof scraped = "idle";
      let calledAtMs = 0;
      function move(endpoints: number, to: keyof typeof scraped): void {
        scraped[group] -= own;
        own = endpoints;
        group = to;
        scraped[group] += own;
      }
      const spacingMs = () =>
        group === "idle" ? scraped.idle * SPACING_MS : Math.min(LONGEST_IN_USE_MS, scraped.inUse * SPACING_MS);
      return {
        resize: (endpoints) => move(endpoints, group),
        called(nowMs) {
          calledAtMs = nowMs;
          if (group === "inUse") return false;
          const beforeMs = spacingMs();
          move(own, "inUse");
          return spacingMs() < beforeMs;
        },
        everyMs(nowMs) {
          if (group === "inUse" && nowMs - calledAtMs > IN_USE_MS) move(own, "idle");
          return spacingMs();
        },
      };
    },
  };
}
