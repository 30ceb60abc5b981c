import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { randomHex } from "../core/ids.ts";
import type { Store } from "../state/store.ts";
import type { Session, SessionRecord } from "./session.ts";

const COLLECTION = "mcp_sessions";
/** Another replica may have ended a session: the record is read again after this long. */
const TRUST_MS = 5_000;
/** Sessions this process keeps in memory; beyond it the least used are dropped from memory, not from the store. */
const MAX_RESIDENT = 10_000;
/** How often a principal's sessions are counted: each count reads its records. */
const COUNT_EVERY = 32;
const MAX_COUNTERS = 10_000;
const CAS_TRIES = 5;

export interface SessionsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly idleMs: number;
  /** Per principal. */
  readonly max: number;
  /** Ends what a session holds at servers. */
  readonly release: (session: Session) => Promise<void>;
}

/** Sessions of the session era. Ids sort by their time, carry 160 random bits, and mean nothing to another principal or on another route. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #resident = new Map<string, Session>();
  readonly #counts = new Map<string, number>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  get residentCount(): number {
    return this.#resident.size;
  }

  async create(record: SessionRecord): Promise<Session> {
    const { store, clock, idleMs } = this.#options;
    await this.#makeRoom(record.principal);
    const id = clock.now().toString(16).padStart(12, "0") + randomHex(20);
    const stored = await store.put(COLLECTION, id, record, {
      ifVersion: 0,
      ttlMs: idleMs,
      indexes: { principal: record.principal },
    });
    return this.#keep(id, record, stored ?? 1);
  }

  /** The session, if it is this principal's and this route's. To anybody else it does not exist. */
  async find(id: string, principal: string, route: string): Promise<Session> {
    const session = await this.#find(id);
    if (session === undefined || session.record.principal !== principal || session.record.route !== route)
      throw new GatewayError("not_found", "This session does not exist or has ended; start a new one with initialize.");
    await this.#touch(session);
    return session;
  }

  /** Changes the record where it is kept; `change` may run again when another replica was faster. */
  async update(session: Session, change: (record: SessionRecord) => SessionRecord): Promise<void> {
    const { store, clock, idleMs } = this.#options;
    for (let attempt = 0; attempt < CAS_TRIES; attempt += 1) {
      const record = change(session.record);
      const stored = await store.put(COLLECTION, session.id, record, {
        ifVersion: session.stored,
        ttlMs: idleMs,
        indexes: { principal: record.principal },
      });
      if (stored !== undefined) {
        session.record = record;
        session.stored = stored;
        session.writtenAtMs = clock.monotonic();
        return;
      }
      await this.refresh(session);
    }
    throw new GatewayError("state_unavailable", "The session is being changed too often.");
  }

  /** Reads the record again: another replica may have changed it. */
  async refresh(session: Session): Promise<void> {
    const found = await this.#options.store.get<SessionRecord>(COLLECTION, session.id);
    if (found === undefined) throw new GatewayError("not_found", "This session has ended.");
    session.record = found.value;
    session.stored = found.version;
    session.readAtMs = this.#options.clock.monotonic();
  }

  async end(session: Session): Promise<void> {
    this.#forget(session);
    await this.#remove(session);
    await this.#options.release(session);
  }

  /* What another replica has written meanwhile, such as a session it made at a server, is to be ended as well. */
  async #remove(session: Session): Promise<void> {
    const { store } = this.#options;
    for (let attempt = 0; attempt < CAS_TRIES; attempt += 1) {
      if (await store.delete(COLLECTION, session.id, session.stored)) return;
      const found = await store.get<SessionRecord>(COLLECTION, session.id);
      if (found === undefined) return;
      session.record = found.value;
      session.stored = found.version;
    }
    await store.delete(COLLECTION, session.id);
  }

  /** Ends sessions that have idled too long, with what they hold at servers. */
  async sweep(): Promise<void> {
    const oldestMs = this.#options.clock.monotonic() - this.#options.idleMs;
    for (const session of [...this.#resident.values()]) {
      if (session.stream !== undefined || session.inFlight.size > 0) await this.#touch(session).catch(() => {});
      else if (session.usedAtMs < oldestMs) await this.end(session).catch(() => {});
    }
  }

  /** Lets go of everything in memory. The records stay: sessions go on after a restart. */
  close(): void {
    for (const session of [...this.#resident.values()]) this.#forget(session);
  }

  async #find(id: string): Promise<Session | undefined> {
    const { store, clock } = this.#options;
    const resident = this.#resident.get(id);
    const nowMs = clock.monotonic();
    if (resident !== undefined && nowMs - resident.readAtMs < TRUST_MS) return resident;
    /* Keys of the store are printable ASCII; an id of another shape was never given out. */
    if (!/^[0-9a-f]{52}$/.test(id)) return undefined;
    const found = await store.get<SessionRecord>(COLLECTION, id);
    if (found === undefined) {
      if (resident !== undefined) this.#forget(resident);
      return undefined;
    }
    const now = this.#resident.get(id);
    if (now === undefined) return this.#keep(id, found.value, found.version);
    now.record = found.value;
    now.stored = found.version;
    now.readAtMs = nowMs;
    return now;
  }

  #keep(id: string, record: SessionRecord, stored: number): Session {
    const nowMs = this.#options.clock.monotonic();
    if (this.#resident.size >= MAX_RESIDENT) {
      for (const old of this.#resident.values()) {
        if (old.stream !== undefined || old.inFlight.size > 0) continue;
        this.#forget(old);
        break;
      }
    }
    const session: Session = {
      id,
      record,
      stored,
      usedAtMs: nowMs,
      readAtMs: nowMs,
      writtenAtMs: nowMs,
      inFlight: new Map(),
      links: new Map(),
      stream: undefined,
    };
    this.#resident.set(id, session);
    return session;
  }

  #forget(session: Session): void {
    this.#resident.delete(session.id);
    session.stream?.end();
    for (const call of session.inFlight.values()) call.abort(new GatewayError("cancelled", "The session has ended."));
  }

  /* The store's expiry moves on with use, but a write for every call would cost more than the call. */
  async #touch(session: Session): Promise<void> {
    const nowMs = this.#options.clock.monotonic();
    session.usedAtMs = nowMs;
    if (nowMs - session.writtenAtMs > this.#options.idleMs / 4) await this.update(session, (record) => record);
  }

  async #makeRoom(principal: string): Promise<void> {
    const { store, max } = this.#options;
    const count = this.#counts.get(principal) ?? 0;
    if (this.#counts.size >= MAX_COUNTERS) this.#counts.clear();
    this.#counts.set(principal, count + 1);
    if (count % Math.min(COUNT_EVERY, max) !== 0) return;
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await store.find<SessionRecord>(COLLECTION, "principal", principal, {
        limit: 1_000,
        ...(after === undefined ? {} : { after }),
      });
      ids.push(...page.records.map(({ key }) => key));
      after = page.next;
    } while (after !== undefined && ids.length < 2 * max + 1_000);
    /* Ids sort by time: the first are the oldest. */
    for (const id of ids.slice(0, Math.max(0, ids.length - max + 1))) {
      const session = await this.#find(id);
      if (session !== undefined) await this.end(session).catch(() => {});
    }
  }
}
