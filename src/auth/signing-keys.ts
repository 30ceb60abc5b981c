import { randomBytes } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from "jose";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Store } from "../state/store.ts";
import { createKeyLookup, type KeySource } from "./issuer-keys.ts";

interface SecretsRecord {
  /** Private ES256 keys, newest first: the first signs, all verify. */
  readonly keys: readonly JWK[];
  /** Keys that sign cookies and forms, newest first. */
  readonly cookieKeys: readonly string[];
  readonly changedAtMs: number;
}

export interface SigningKeys extends KeySource {
  readonly privateJwks: readonly JWK[];
  readonly publicJwks: readonly JWK[];
  readonly cookieKeys: readonly string[];
  /** The key that signs now. */
  current(): { readonly kid: string; readonly key: CryptoKey };
  rotate(): Promise<void>;
  /** Called after the keys changed, here or on another replica. */
  onChange(listener: () => void): void;
  close(): Promise<void>;
}

const COLLECTION = "auth-secrets";
const RECORD = "signing";
const CHANNEL = "auth-keys-changed";
const REREAD_MS = 60_000;
const MAX_KEYS = 5;

async function makeKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: "ES256", use: "sig" };
}

const toPublic = ({ kty, crv, x, y, kid, alg, use }: JWK): JWK => ({ kty, crv, x, y, kid, alg, use }) as JWK;

/** The gateway's own keys: made at first start, kept in the store, the same on every replica. */
export async function loadSigningKeys(store: Store, clock: Clock): Promise<SigningKeys> {
  const read = async () => store.get<SecretsRecord>(COLLECTION, RECORD);
  if ((await read()) === undefined) {
    const first: SecretsRecord = {
      keys: [await makeKey()],
      cookieKeys: [randomBytes(32).toString("base64url")],
      changedAtMs: clock.now(),
    };
    // Two replicas may start at once: the first to write wins and both read what it wrote.
    await store.put(COLLECTION, RECORD, first, { ifVersion: 0 });
  }
  let record: SecretsRecord = { keys: [], cookieKeys: [], changedAtMs: -1 };
  let signer: { kid: string; key: CryptoKey };
  let lookup: ReturnType<typeof createKeyLookup>;
  let readAtMs = clock.now();
  const listeners = new Set<() => void>();

  async function load(): Promise<void> {
    const found = await read();
    const [newest] = found?.value.keys ?? [];
    if (found === undefined || newest?.kid === undefined)
      throw new GatewayError("state_unavailable", "The signing keys are missing from the store.");
    readAtMs = clock.now();
    const changed = record.changedAtMs !== found.value.changedAtMs;
    record = found.value;
    if (!changed) return;
    signer = { kid: newest.kid, key: (await importJWK(newest, "ES256")) as CryptoKey };
    lookup = createKeyLookup({ keys: record.keys.map(toPublic) });
    for (const listener of listeners) listener();
  }
  await load();
  const reload = () => void load().catch(() => undefined);
  const unsubscribe = await store.subscribe(CHANNEL, reload, reload);

  return {
    get privateJwks() {
      return record.keys;
    },
    get publicJwks() {
      return record.keys.map(toPublic);
    },
    get cookieKeys() {
      return record.cookieKeys;
    },
    current: () => signer,
    async keyFor(header) {
      const found = await lookup(header);
      if (found !== undefined || clock.now() - readAtMs < REREAD_MS) return found;
      await load();
      return lookup(header);
    },
    async rotate() {
      const before = await read();
      if (before === undefined)
        throw new GatewayError("state_unavailable", "The signing keys are missing from the store.");
      const { keys, cookieKeys } = before.value;
      const next: SecretsRecord = {
        keys: [await makeKey(), ...keys].slice(0, MAX_KEYS),
        cookieKeys: [randomBytes(32).toString("base64url"), ...cookieKeys].slice(0, MAX_KEYS),
        changedAtMs: Math.max(clock.now(), before.value.changedAtMs + 1),
      };
      if ((await store.put(COLLECTION, RECORD, next, { ifVersion: before.version })) === undefined) {
        throw new GatewayError(
          "state_unavailable",
          "Another replica changed the signing keys at the same time; try again.",
        );
      }
      await load();
      await store.publish(CHANNEL, "");
    },
    onChange: (listener) => void listeners.add(listener),
    close: unsubscribe,
  };
}
