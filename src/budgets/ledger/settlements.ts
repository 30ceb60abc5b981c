import type { Log } from "../../core/log.ts";

type Book = () => Promise<void>;

/* What waits while the store is down: 10,000 calls of some 500 bytes each. */
const MOST_WAITING = 10_000;
const RETRY_MS = 250;
const AT_A_TIME = 100;
const CLOSE_MS = 2_000;

export interface Settlements {
  /** Books it now, or, while the store cannot answer, later. Booking twice must do nothing. */
  add(book: Book): void;
  /** Waits for what is under way, and gives what cannot be booked one last try. */
  close(): Promise<void>;
}

export interface SettlementsOptions {
  readonly log: Log;
  /** One of them will never be booked: its lease gives back what it reserved, and what it used is forgotten. */
  readonly onLost: () => void;
}

/** Books what calls have used, in the background: nobody waits for it, and nothing is forgotten while the store is away for a while. */
export function createSettlements({ log, onLost }: SettlementsOptions): Settlements {
  const waiting: Book[] = [];
  let underWay = 0;
  let timer: NodeJS.Timeout | undefined;
  let closing = false;
  let idle: (() => void) | undefined;

  function start(book: Book): void {
    underWay += 1;
    book()
      .catch(() => keep(book))
      .finally(() => {
        underWay -= 1;
        if (underWay === 0) idle?.();
      });
  }

  function keep(book: Book): void {
    if (closing || waiting.length >= MOST_WAITING) {
      onLost();
      return;
    }
    if (waiting.length === 0) log.warn({}, "what calls have used cannot be booked at the moment; trying again");
    waiting.push(book);
    timer ??= setTimeout(() => void retry(), RETRY_MS).unref();
  }

  /* A few at a time: a store that is still away, or has just come back, shall not be stormed. */
  async function retry(): Promise<void> {
    underWay += 1;
    let isAway = false;
    while (waiting.length > 0 && !isAway && !closing) {
      const batch = waiting.splice(0, AT_A_TIME);
      const outcomes = await Promise.allSettled(batch.map((book) => book()));
      const failed = batch.filter((_, at) => outcomes[at]!.status === "rejected");
      isAway = failed.length > 0;
      if (closing) for (const _ of failed) onLost();
      else waiting.unshift(...failed);
    }
    timer = isAway && !closing ? setTimeout(() => void retry(), RETRY_MS).unref() : undefined;
    underWay -= 1;
    if (underWay === 0) idle?.();
  }

  return {
    add: start,
    async close() {
      clearTimeout(timer);
      closing = true;
      for (const book of waiting.splice(0)) start(book);
      if (underWay === 0) return;
      let limit: NodeJS.Timeout | undefined;
      await Promise.race([
        new Promise<void>((resolve) => {
          idle = resolve;
        }),
        new Promise<void>((resolve) => {
          limit = setTimeout(resolve, CLOSE_MS);
        }),
      ]);
      clearTimeout(limit);
    },
  };
}
