/** One stored record. Versions start at 1 and grow by one with every put. */
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
  /** Undefined keeps the record for ever. */
  readonly ttlMs?: number;
  /** Secondary indexes: name → value. They replace the record's former ones. */
  readonly indexes?: Readonly<Record<string, string>>;
}

export interface Entry<T> extends Omit<PutOptions, "ifVersion"> {
  readonly key: string;
  readonly value: T;
}

/** A page in key order. `after` is the last key of the page before; keys that sort by time make pages sort by time. */
export interface PageOptions {
  /** 1 to 1,000. */
  readonly limit: number;
  readonly after?: string;
  readonly descending?: boolean;
}

export interface Page<T> {
  readonly records: readonly StoredRecord<T>[];
  /** Present when more may follow. */
  readonly next: string | undefined;
}

/** What a script may touch inside its atomic step: the records under the keys it was given. */
export interface ScriptView {
  get(key: string): Record<string, string> | undefined;
  set(key: string, fields: Readonly<Record<string, string>>, ttlMs?: number): void;
  delete(key: string): void;
  /** Milliseconds since the epoch by the store's own clock (Redis: its server's). */
  readonly nowMs: number;
}

/**
 * An atomic script in two forms that must mean the same. Its records are hashes of strings.
 * `lua` gets KEYS (already prefixed) and ARGV (strings) and returns a string; `run` returns the same string.
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
 * What outlives an exchange. Values are JSON. Collections are short constant names; keys are printable ASCII.
 * Every method rejects with GatewayError("state_unavailable") when the store cannot answer in time.
 */
export interface Store {
  readonly durability: Durability;
  get<T>(collection: string, key: string): Promise<StoredRecord<T> | undefined>;
  /** The new version, or undefined when `ifVersion` did not hold. */
  put<T>(collection: string, key: string, value: T, options?: PutOptions): Promise<number | undefined>;
  /** Many records, all or none, without compare-and-set. */
  putMany<T>(collection: string, entries: readonly Entry<T>[]): Promise<void>;
  /** Whether a live record went away. */
  delete(collection: string, key: string, ifVersion?: number): Promise<boolean>;
  /** Records whose index `index` has `value`. */
  find<T>(collection: string, index: string, value: string, page: PageOptions): Promise<Page<T>>;
  list<T>(collection: string, page: PageOptions): Promise<Page<T>>;
  /** Runs one script atomically. Its keys are apart from those of the collections. Keys of one call share a `{tag}`. */
  run(script: StoreScript, keys: readonly string[], args: readonly string[]): Promise<string>;
  publish(channel: string, message: string): Promise<void>;
  /** Resolves once messages published from now on will arrive; the result unsubscribes. */
  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}
