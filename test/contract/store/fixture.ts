import type { Page, PageOptions, Store } from "../../../src/state/store.ts";

/** One implementation under the contract. */
export interface StoreFixture {
  readonly store: Store;
  /** A second store on the same data; absent where data cannot be shared. */
  readonly second: Store | undefined;
  /** Lets the store's clock pass, for real where it is the server's. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** What a section of the contract is written against: the fixture is opened before its first test. */
export interface Subject {
  fixture(): StoreFixture;
  store(): Store;
  /** A collection, channel or tag of its own for each test. */
  fresh(): string;
}

export const TTL_MS = 700;
export const AFTER_TTL_MS = 900;

/** Every key, page by page. */
export async function all<T>(
  read: (page: PageOptions) => Promise<Page<T>>,
  limit: number,
  descending = false,
): Promise<string[]> {
  const keys: string[] = [];
  let after: string | undefined;
  do {
    const page: Page<T> = await read({ limit, descending, ...(after !== undefined && { after }) });
    keys.push(...page.records.map((record) => record.key));
    after = page.next;
  } while (after !== undefined);
  return keys;
}

/** A number as a key that sorts like it. */
export const number = (n: number) => String(n).padStart(6, "0");
