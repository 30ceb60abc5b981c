import type { Response } from "express";
import { GatewayError } from "../core/errors.ts";
import { toCounts, type Traffic } from "../observability/traffic.ts";
import type { BudgetState, End, Tick } from "./api/overview.ts";

export interface LiveOptions {
  readonly traffic: Traffic;
  readonly inFlight: () => number;
  readonly budgets: () => Promise<readonly BudgetState[]>;
  readonly clock: { now(): number };
  /** Default a second. */
  readonly tickMs?: number;
}

/** Who looks on. */
export interface Viewer {
  /** Names their session; undefined: the operator's token. */
  readonly session: string | undefined;
  readonly endsAtMs: number | undefined;
  /** Whether they would be let in now. Rejects while nobody can tell. */
  readonly mayGoOn: () => Promise<boolean>;
}

/** The event stream of the console. */
export interface Live {
  /**
   * Answers with ticks until the page goes, its session ends or cannot be checked for a minute, or the gateway stops. Throws
   * GatewayError("overloaded") beyond 100 pages, and beyond 6 of one session.
   */
  open(response: Response, viewer: Viewer): void;
  close(): void;
}

const TICK_MS = 1_000;
/* A session that has ended is noticed within so many ticks. */
const CHECK_EVERY = 10;
/* A store that is away a moment ends no stream; one that stays away must not keep one open for a session that was revoked. */
const MOST_UNCHECKED_MS = 60_000;
const MOST_PAGES = 100;
/* A browser has six connections for one host: two stay for all else that its pages ask. */
const MOST_OF_SESSION = 4;
/* A minute of ticks: a page that is so far behind does not read. */
const MOST_UNREAD_BYTES = 65_536;
const MOST_BUDGETS = 20;
const NEARLY = 0.8;

interface Reader {
  readonly response: Response;
  readonly viewer: Viewer;
  ticks: number;
  /** When they were last known to be let in. */
  knownMs: number;
}

/** One tick a second for all pages that look, made once; none is made while nobody does. */
export function createLive({ traffic, inFlight, budgets, clock, tickMs = TICK_MS }: LiveOptions): Live {
  const readers = new Set<Reader>();
  let timer: NodeJS.Timeout | undefined;
  let last = traffic.sum();
  let lastMs = clock.now();
  let shares = new Map<string, number>();

  const send = ({ response }: Reader, event: string, data: Tick | End): void => {
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };

  function drop(reader: Reader, reason?: End["reason"]): void {
    if (!readers.delete(reader)) return;
    if (readers.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
    if (reason === undefined) {
      reader.response.destroy();
      return;
    }
    send(reader, "end", { reason });
    reader.response.end();
  }

  async function movedBudgets(): Promise<Tick["budgets"]> {
    const all = (await budgets()).flatMap(({ name, counters }) =>
      counters.map(({ key, limit, share }) => ({ name, key, limit, share })),
    );
    const idOf = ({ name, key, limit }: (typeof all)[number]): string => `${name}\n${limit}\n${key}`;
    const moved = all.filter((each) => each.share >= NEARLY || shares.get(idOf(each)) !== each.share);
    shares = new Map(all.map((each) => [idOf(each), each.share]));
    return moved.toSorted((one, other) => other.share - one.share).slice(0, MOST_BUDGETS);
  }

  async function makeTick(): Promise<Tick> {
    const sum = traffic.sum();
    const nowMs = clock.now();
    const row = sum.map((count, at) => count - last[at]!);
    const elapsedMs = nowMs - lastMs;
    last = sum;
    lastMs = nowMs;
    /* A store that is away says nothing of budgets, and traffic goes on. */
    const moved = await movedBudgets().catch(() => []);
    return { nowMs, elapsedMs, inFlight: inFlight(), ...toCounts(row), budgets: moved };
  }

  async function check(reader: Reader): Promise<void> {
    reader.ticks += 1;
    if (reader.ticks % CHECK_EVERY !== 0) return;
    const askedMs = clock.now();
    const isLetIn = await reader.viewer.mayGoOn().catch(() => undefined);
    if (isLetIn === false) drop(reader, "session");
    if (isLetIn === true) reader.knownMs = askedMs;
  }

  /** By the clock alone: a store that hangs holds up ticks and checks, and no end. */
  function dropEnded(): void {
    const nowMs = clock.now();
    for (const reader of readers) {
      const { endsAtMs = Number.POSITIVE_INFINITY } = reader.viewer;
      if (nowMs >= endsAtMs || nowMs - reader.knownMs > MOST_UNCHECKED_MS) drop(reader, "session");
    }
  }

  let ticking = false;
  async function tick(): Promise<void> {
    dropEnded();
    /* A slow store must not pile them up. */
    if (ticking) return;
    ticking = true;
    try {
      const made = await makeTick();
      for (const reader of readers) {
        if (reader.response.writableLength > MOST_UNREAD_BYTES) drop(reader);
        else send(reader, "tick", made);
      }
      await Promise.all([...readers].map(check));
    } finally {
      ticking = false;
    }
  }

  return {
    open(response, viewer) {
      const ofSession = [...readers].filter((each) => each.viewer.session === viewer.session).length;
      const isOver = viewer.session !== undefined && ofSession >= MOST_OF_SESSION;
      if (isOver || readers.size >= MOST_PAGES)
        throw new GatewayError(
          "overloaded",
          `${isOver ? `${MOST_OF_SESSION} pages of this session` : `${MOST_PAGES} pages`} look on already; close one.`,
          { headers: { "retry-after": "10" } },
        );
      response.writeHead(200, {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      });
      const reader: Reader = { response, viewer, ticks: 0, knownMs: clock.now() };
      readers.add(reader);
      response.on("close", () => drop(reader));
      if (timer === undefined) {
        last = traffic.sum();
        lastMs = clock.now();
        timer = setInterval(() => void tick(), tickMs);
        timer.unref();
      }
      response.write("retry: 2000\n\n");
    },
    close() {
      for (const reader of readers) drop(reader, "stopping");
    },
  };
}
