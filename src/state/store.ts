/**
 * One stored record. Versions start at 1 and grow by one with every put. A record that was deleted or has expired starts at 1
 * again, so who must tell two lives of one key apart puts something unique into the value.
 */
export interface StoredRecord<T> {
  readonly key: string;
  readonly value: T;
  readonly version: number;
  /** Milliseconds since the epoch; undefined: never. */
  readonly expiresAtMs: number | undefined;
}

export interface PutOptions {
  /** Compare-and-set: the version that must stand now; 0 means that no live record may exist. */
  readonly ifVersion?: number;
  /** Undefined keeps the record for ever, whatever it had before; zero or less has it gone at once. */
  readonly ttlMs?: number;
  /** Secondary indexes: name → value, any text up to 4,096 characters. They replace the record's former ones; undefined means none. */
  readonly indexes?: Readonly<Record<string, string>>;
}

/** A record to write: its value, or the JSON text of it that the caller has made already and answers for. */
export type Entry<T> = Omit<PutOptions, "ifVersion"> & { readonly key: string } & (
    | { readonly value: T }
    | { readonly json: string }
  );

/** A page in key order (byte by byte). `after` is the last key of the page before; keys that sort by time make pages sort by time. */
export interface PageOptions {
  /** 1 to 1,000. */
  readonly limit: number;
  readonly after?: string;
  readonly descending?: boolean;
}

export interface Page<T> {
  /** Fewer than `limit` only at the end. A record that stands all through the paging is met exactly once. */
  readonly records: readonly StoredRecord<T>[];
  /** The `after` of the next page; present when more may follow. */
  readonly next: string | undefined;
}

/** What a script may touch inside its atomic step: the records under the keys it was given. */
export interface ScriptView {
  get(key: string): Record<string, string> | undefined;
  /** Replaces all fields (at least one) and the expiry; without `ttlMs` the record stays for ever. */
  set(key: string, fields: Readonly<Record<string, string>>, ttlMs?: number): void;
  delete(key: string): void;
  /** Milliseconds since the epoch by the store's own clock (Redis: its server's). */
  readonly nowMs: number;
}

/**
 * An atomic script in two forms that must mean the same. Its records are hashes of strings.
 * `lua` is the body of a function over `view` (get, set, delete and nowMs as in ScriptView, get giving nil for undefined),
 * KEYS and ARGV (strings), and returns a string; `run` returns the same string. Lua numbers are doubles and `tostring` goes
 * to exponents at 1e14, so integers are written with `string.format("%.0f", n)`. A `run` that throws changes nothing; a Lua
 * script that fails midway is not rolled back by Redis, so it checks before it sets.
 */
export interface StoreScript {
  readonly name: string;
  readonly lua: string;
  run(view: ScriptView, keys: readonly string[], args: readonly string[]): string;
}

/** What survives what. */
export interface Durability {
  readonly survivesRestart: boolean;
  /** What a crash between two writes can lose, in words for the docs and the log at start. */
  readonly crashLoss: string;
  readonly sharedAcrossReplicas: boolean;
}

/**
 * What outlives an exchange. Values are JSON. Collections are short constant names (letters, digits, `.` `_` `-`); keys are 1 to
 * 512 characters of printable ASCII. Looking up or deleting a key that breaks the rule finds nothing, so an id from outside
 * needs no vetting; writing one is an error. Every method rejects with GatewayError("state_unavailable") when the store cannot
 * answer in time: a write may then have happened or not.
 */
export interface Store {
  readonly durability: Durability;
  get<T>(collection: string, key: string): Promise<StoredRecord<T> | undefined>;
  /** The new version, or undefined when `ifVersion` did not hold. */
  put<T>(collection: string, key: string, value: T, options?: PutOptions): Promise<number | undefined>;
  /** Up to 1,000 records, all or none, without compare-and-set. */
  putMany<T>(collection: string, entries: readonly Entry<T>[]): Promise<void>;
  /** Whether a live record went away. */
  delete(collection: string, key: string, ifVersion?: number): Promise<boolean>;
  /** Records whose index `index` has `value`. */
  find<T>(collection: string, index: string, value: string, page: PageOptions): Promise<Page<T>>;
  list<T>(collection: string, page: PageOptions): Promise<Page<T>>;
  /** Removes the records with the lowest keys beyond `keep`, at most `atMost` of them (1,000, also by default); how many went. */
  trim(collection: string, keep: number, atMost?: number): Promise<number>;
  /** Runs one script atomically. Its keys are apart from those of the collections. Several keys of one call share a `{tag}`. */
  run(script: StoreScript, keys: readonly string[], args: readonly string[]): Promise<string>;
  /** Reaches who is subscribed now, at most once and in the publisher's order: a subscriber that is cut off misses what is sent meanwhile. */
  publish(channel: string, message: string): Promise<void>;
  /**
   * Resolves once messages published from now on will arrive; the result unsubscribes. `onGap` is called when they arrive again
   * after a time in which some may have been missed.
   */
  subscribe(channel: string, listener: (message: string) => void, onGap?: () => void): Promise<() => Promise<void>>;
  /** Lets go of connections, files and timers; every later call rejects. A second close does nothing. */
  close(): Promise<void>;
}
