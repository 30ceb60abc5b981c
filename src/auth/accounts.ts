import { hash, randomInt, timingSafeEqual } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Store } from "../state/store.ts";
import type { EmbeddedConfig } from "./embedded/config.ts";

export interface Account {
  readonly id: string;
  readonly groups: readonly string[];
  readonly tenant: string | undefined;
  /** Undefined: every scope of the server. */
  readonly scopes: readonly string[] | undefined;
}

export interface Accounts {
  /** `users`: name and password; `passcode`: the operator alone. */
  readonly mode: "users" | "passcode";
  find(id: string): Account | undefined;
  /** The account, undefined for a wrong name or password. Throws GatewayError("rate_limited") after too many failures. */
  signIn(name: string, password: string): Promise<Account | undefined>;
  /** A new passcode as long as nobody ever signed in with one; undefined after that, and where users are configured. */
  unusedPasscode(): Promise<string | undefined>;
  resetPasscode(): Promise<string>;
}

interface PasscodeRecord {
  readonly sha256: string;
  /** Whether somebody signed in with it: until then every start may show a new one, so that a lost line of output locks nobody out. */
  readonly used: boolean;
}

const OPERATOR = "operator";
const COLLECTION = "auth-secrets";
const RECORD = "passcode";
const MAX_FAILURES = 5;
const LOCK_MS = 30_000;
const MAX_TRACKED = 1_000;
/* Without letters and digits that look alike; 16 of them hold 80 bits. */
const ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ0123456789";

const digest = (text: string): Buffer => hash("sha256", text, "buffer");
const plain = (passcode: string): string => passcode.toUpperCase().replaceAll(/[^0-9A-Z]/g, "");

function makePasscode(): string {
  const letters = Array.from({ length: 16 }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return letters.replaceAll(/(.{4})(?=.)/g, "$1-");
}

/** Counts failures per name and locks a name for 30 s after five, so that guessing stays slow; bounded. */
function createThrottle(clock: Clock) {
  const failures = new Map<string, { count: number; untilMs: number }>();
  return {
    check(name: string): void {
      const found = failures.get(name);
      if (found === undefined || found.count < MAX_FAILURES) return;
      const waitMs = found.untilMs - clock.now();
      if (waitMs > 0)
        throw new GatewayError(
          "rate_limited",
          `Too many attempts. Try again in ${Math.ceil(waitMs / 1_000)} seconds.`,
          { headers: { "retry-after": String(Math.ceil(waitMs / 1_000)) } },
        );
      failures.delete(name);
    },
    fail(name: string): void {
      if (failures.size >= MAX_TRACKED)
        for (const oldest of failures.keys()) {
          failures.delete(oldest);
          break;
        }
      const count = (failures.get(name)?.count ?? 0) + 1;
      failures.delete(name);
      failures.set(name, { count, untilMs: clock.now() + LOCK_MS });
    },
    succeed: (name: string): void => void failures.delete(name),
  };
}

/** Who can sign in at the embedded server: the configured users or, without any, the operator with a passcode kept as a hash. */
export function createAccounts(options: { config: EmbeddedConfig; store: Store; clock: Clock }): Accounts {
  const { config, store, clock } = options;
  const throttle = createThrottle(clock);
  const users = new Map(Object.entries(config.users));
  const mode = users.size > 0 ? "users" : "passcode";

  const readPasscode = () => store.get<PasscodeRecord>(COLLECTION, RECORD);
  async function makeNewPasscode(): Promise<string> {
    const passcode = makePasscode();
    const record: PasscodeRecord = { sha256: digest(plain(passcode)).toString("base64url"), used: false };
    await store.put(COLLECTION, RECORD, record);
    return passcode;
  }
  async function markUsed(): Promise<void> {
    const record = await readPasscode();
    if (record === undefined || record.value.used) return;
    await store.put(COLLECTION, RECORD, { ...record.value, used: true }, { ifVersion: record.version });
  }

  const expected = async (name: string): Promise<Buffer | undefined> => {
    if (mode === "users") {
      const password = users.get(name)?.password;
      return password === undefined ? undefined : digest(password);
    }
    const record = await readPasscode();
    return record === undefined ? undefined : Buffer.from(record.value.sha256, "base64url");
  };

  const find = (id: string): Account | undefined => {
    const { groups, tenant, scopes } =
      (mode === "users" ? users.get(id) : id === OPERATOR ? { ...config.operator, scopes: undefined } : undefined) ??
      {};
    return groups === undefined ? undefined : { id, groups, tenant, scopes };
  };

  return {
    mode,
    find,
    async signIn(name, password) {
      const id = mode === "users" ? name : OPERATOR;
      if (id.length > 128 || password.length > 1_024) return undefined;
      throttle.check(id);
      const given = digest(mode === "users" ? password : plain(password));
      const right = await expected(id);
      // An unknown name takes the same work as a wrong password.
      if (!timingSafeEqual(given, right ?? digest(`\0${password}`))) {
        throttle.fail(id);
        return undefined;
      }
      throttle.succeed(id);
      if (mode === "passcode") await markUsed();
      return find(id);
    },
    async unusedPasscode() {
      if (mode === "users" || (await readPasscode())?.value.used === true) return undefined;
      return makeNewPasscode();
    },
    resetPasscode: makeNewPasscode,
  };
}
