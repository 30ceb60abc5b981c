import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Pace } from "./pace.ts";

/** Finds objects whose status somebody else writes with our name, and leaves them alone for a while. */
export interface Contests {
  /** This was written, and the server kept it. */
  written(key: string, said: unknown): void;
  /** Whether an object is left alone for which this is to be said. */
  isLeft(key: string, said: unknown): boolean;
  /** Forgets objects that are not among these. */
  keep(keys: { has(key: string): boolean }): void;
  close(): void;
}

interface ContestsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly pace: Pace;
  readonly controllerName: () => string;
  /** What was left alone may be written again. */
  again(): void;
}

interface Contest {
  said: string;
  /** When each of the last times was that the same had to be written anew. */
  times: number[];
  until: number;
}

/** So often within so long: two gateways that write against each other reach that in a second, and a person does not. */
const TIMES = 5;
const WITHIN_MS = 60_000;

export function createContests({ clock, log, pace, controllerName, again }: ContestsOptions): Contests {
  const contests = new Map<string, Contest>();
  let timer: NodeJS.Timeout | undefined;

  /* Until the last of them is due. */
  function wait(): void {
    const now = clock.monotonic();
    const due = [...contests.values()].flatMap(({ until }) => (until > now ? [until] : []));
    if (timer !== undefined || due.length === 0) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        again();
        wait();
      },
      Math.min(...due) - now + 1,
    ).unref();
  }

  function leave(key: string, contest: Contest, now: number): void {
    const isFirst = [...contests.values()].every(({ until }) => until === 0);
    contest.until = now + pace.contestedMs;
    if (isFirst)
      log.error(
        { object: key, controllerName: controllerName() },
        "another gateway writes statuses under the same name: this object's, and others like it, are left alone for some minutes. Give each gateway its own `kubernetes.controllerName`, and its own GatewayClass",
      );
    wait();
  }

  return {
    written(key, said) {
      const now = clock.monotonic();
      const text = JSON.stringify(said);
      const contest = contests.get(key);
      if (contest === undefined) return void contests.set(key, { said: text, times: [], until: 0 });
      /* What is contested is so until what was written has stood for a while. */
      if (contest.until > 0 && now - contest.until > WITHIN_MS) Object.assign(contest, { times: [], until: 0 });
      if (contest.said === text) contest.times = [...contest.times, now].slice(-TIMES);
      contest.said = text;
      if (contest.until === 0) contest.times = contest.times.filter((at) => now - at <= WITHIN_MS);
      if (contest.times.length >= TIMES) leave(key, contest, now);
    },
    isLeft(key, said) {
      const contest = contests.get(key);
      return contest !== undefined && contest.until > clock.monotonic() && contest.said === JSON.stringify(said);
    },
    keep(keys) {
      for (const key of contests.keys()) if (!keys.has(key)) contests.delete(key);
    },
    close: () => clearTimeout(timer),
  };
}
