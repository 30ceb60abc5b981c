import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError, reasonOf } from "./api-error.ts";
import type { Followed } from "./api-object.ts";
import { OtherVersion } from "./discovery.ts";
import { backOffMs, jittered, type Pace } from "./pace.ts";

/**
 * `absent`: the server has no such kind. `refused`: it does not let this be read. `unknown`: it was never read, because that fails. What
 * was read once is `synced` however long ago that is.
 */
export type ReflectorState = "starting" | "synced" | "absent" | "refused" | "unknown";

/** What to do about a failure. */
export interface Verdict {
  readonly waitMs: number;
  /** Going on from the last version does not help. */
  readonly relist: boolean;
  readonly becomes?: "absent" | "refused" | "unknown";
}

/** What has gone wrong in a row with following a kind. */
export interface Setbacks {
  judge(error: unknown, state: ReflectorState, action: "list" | "watch"): Verdict;
  /** A list was read. */
  listed(): void;
  /** Something came over a watch. */
  heard(): void;
  /** The server ended a watch; how long to wait before the next. `short`: there was nothing in it, and it was over at once. */
  ended(short: boolean): number;
}

/** Failures in a row that are about what was said, after which a new list is made. */
const RELIST_AFTER = 3;
/** How often a kind that was there has to be missing before that is believed: a server that starts knows its kinds only after a while. */
const ABSENT_AFTER = 3;

/** The resource as RBAC and kubectl name it. */
export const resourceName = ({ group, plural }: Pick<Followed, "group" | "plural">): string =>
  group === "" ? plural : `${plural}.${group}`;

export interface SetbackOptions {
  readonly followed: Followed;
  readonly client: Pick<ApiClient, "away" | "answeredAt">;
  readonly clock: Clock;
  readonly log: Log;
  readonly pace: Pace;
}

export function createSetbacks({ followed, client, clock, log, pace }: SetbackOptions): Setbacks {
  const name = resourceName(followed);
  const where = { kind: name, ...(followed.namespace !== undefined && { namespace: followed.namespace }) };
  let failures = 0;
  let expiries = 0;
  let short = 0;
  let missing = 0;
  let strange = 0;
  let toldUnread: string | undefined;
  /** When it began to fail though the server is there. */
  let failingSince: number | undefined;

  /* A server that is away is waited for: it is one kind that fails while others are answered that must not hold up everything. */
  function isLost(): boolean {
    if (client.away !== undefined) failingSince = undefined;
    else failingSince ??= clock.monotonic();
    return (
      failingSince !== undefined &&
      (client.answeredAt ?? 0) > failingSince &&
      clock.monotonic() - failingSince >= pace.unknownAfterMs
    );
  }

  /* What was read of it before stays, as it does where the server fails. */
  function unread(reason: string, state: ReflectorState): Verdict {
    const verdict = { waitMs: jittered(pace.recheckMs), relist: true };
    const isFirst = toldUnread !== reason;
    toldUnread = reason;
    if (state !== "synced") return { ...verdict, ...(isFirst ? unknown(reason) : { becomes: "unknown" }) };
    if (isFirst) log.error({ ...where, reason }, `${name} cannot be followed; what is known of them stays in force`);
    return verdict;
  }

  function unknown(reason: string): Pick<Verdict, "becomes"> {
    log.error(
      { ...where, reason },
      `${name} cannot be read and count as unknown: what they may guard or lead to is closed until they can; the other kinds go on without`,
    );
    return { becomes: "unknown" };
  }

  function forbidden({ message }: ApiError, action: "list" | "watch"): Verdict {
    if (failures++ === 0)
      log.error(
        { ...where, reason: message },
        `not allowed to ${action} ${name}: give the service account get, list and watch on them; the other kinds go on without`,
      );
    return { waitMs: jittered(pace.recheckMs), relist: true, becomes: "refused" };
  }

  function notThere(state: ReflectorState): Verdict {
    missing += 1;
    if (state === "synced" && missing < ABSENT_AFTER)
      return { waitMs: jittered(pace.recheckMs / ABSENT_AFTER), relist: true };
    return { waitMs: jittered(pace.recheckMs), relist: true, becomes: "absent" };
  }

  return {
    judge(error, state, action) {
      const said = error instanceof ApiError ? error : undefined;
      /* At once, but not again and again: a server whose history is that short cannot be helped. */
      if (said?.isExpired === true)
        return { waitMs: ++expiries === 1 ? 0 : backOffMs(pace, expiries - 1), relist: true };
      if (said?.status === 403) return forbidden(said, action);
      if (said?.status === 404) return notThere(state);
      if (error instanceof OtherVersion) return unread(error.message, state);
      failures += 1;
      log.debug({ ...where, reason: reasonOf(error), failures }, "a watch broke off");
      const isStrange = error instanceof SyntaxError || (said !== undefined && said.status !== 401);
      const relist = isStrange && ++strange >= RELIST_AFTER;
      if (relist) strange = 0;
      const waitMs = Math.max(backOffMs(pace, failures), said?.retryAfterMs ?? 0);
      if (state === "starting" && isLost()) return { waitMs, relist, ...unknown(reasonOf(error)) };
      /* The client says when the server is away. What it answers is said here, once. */
      if (state === "synced" && (isStrange || said !== undefined) && failures === RELIST_AFTER)
        log.warn(
          { ...where, reason: reasonOf(error) },
          `${name} cannot be followed; what is known of them stays in force`,
        );
      return { waitMs, relist };
    },
    listed() {
      missing = 0;
      toldUnread = undefined;
    },
    heard() {
      failures = expiries = strange = 0;
    },
    ended(isShort) {
      failures = strange = 0;
      short = isShort ? short + 1 : 0;
      if (!isShort) expiries = 0;
      /* At most the shortest time that counts: whoever watches this kind is blind for so long. */
      return isShort ? Math.min(backOffMs(pace, short), pace.shortWatchMs) : 0;
    },
  };
}
