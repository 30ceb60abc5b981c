import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { randomHex } from "../core/ids.ts";
import type { Store, StoredRecord } from "../state/store.ts";
import type { AuthConfig } from "./config.ts";
import { type ApiKeyRequest, configuredKey, keyPrincipal } from "./key-principal.ts";
import { checkTenant, type TenantOf } from "./principal-from.ts";
import type { Revocations } from "./revocations.ts";
import type { Verdict } from "./token-verifier.ts";

export interface ApiKeyInfo extends ApiKeyRequest {
  readonly id: string;
  readonly createdAtMs: number;
}

export interface ApiKeys {
  /** `key` is shown this once; the store keeps its SHA-256. Rejects with `invalid_params` what would never be accepted. */
  issue(request: ApiKeyRequest): Promise<{ readonly id: string; readonly key: string }>;
  /** Keys made at run time, in the order of their ids. */
  list(page?: {
    readonly limit?: number;
    readonly after?: string;
  }): Promise<{ readonly keys: readonly ApiKeyInfo[]; readonly next: string | undefined }>;
  /** Whether a key went away; every replica refuses it within 60 s, and at once where the store's messages arrive. */
  revoke(id: string): Promise<boolean>;
}

interface KeyRecord extends ApiKeyRequest {
  readonly sha256: string;
  readonly createdAtMs: number;
}

const COLLECTION = "auth-keys";
/* No delegated token lives longer. */
const DELEGATED_MS = 86_400_000;
/** `sp_`, the key's id, 256 random bits. */
const FORMAT = /^sp_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;
const sha256 = (text: string): string => hash("sha256", text, "base64url");

const matches = (key: string, expected: string): boolean =>
  timingSafeEqual(Buffer.from(sha256(key)), Buffer.from(expected));

function accept(id: string, record: ApiKeyRequest): Verdict {
  return {
    ok: true,
    audiences: undefined,
    expiresAtMs: record.expiresAtMs ?? Number.POSITIVE_INFINITY,
    principal: keyPrincipal(id, record),
  };
}

const refused: Verdict = { ok: false, reason: "The API key is not valid.", detail: "unknown key" };

/** API keys: those of the configuration and those made at run time. */
export function createApiKeys(options: {
  config: AuthConfig["keys"];
  store: Store;
  revocations: Revocations;
  clock: Clock;
  tenant: TenantOf;
}) {
  const { config, store, revocations, clock, tenant } = options;
  const configured = new Map(
    Object.entries(config).map(([id, key]) => [sha256(key.secret), { id, record: configuredKey(id, key) }]),
  );
  const idOf = (handle: string): string => `key_${handle}`;
  const toInfo = ({ key, value: { sha256: _secret, ...info } }: StoredRecord<KeyRecord>): ApiKeyInfo => ({
    id: key,
    ...info,
  });

  const keys: ApiKeys = {
    async issue(request) {
      if (request.name === "" || request.name.length > 128)
        throw new GatewayError("invalid_params", "An API key needs a name of at most 128 characters.", {
          param: "name",
        });
      if (request.expiresAtMs !== undefined && request.expiresAtMs <= clock.now())
        throw new GatewayError("invalid_params", "The key would have expired already.", { param: "expires" });
      const handle = randomHex(8);
      checkTenant(keyPrincipal(idOf(handle), request), tenant, "key");
      const key = `sp_${handle}_${randomBytes(32).toString("base64url")}`;
      const createdAtMs = clock.now();
      const ttl = request.expiresAtMs === undefined ? {} : { ttlMs: request.expiresAtMs - createdAtMs };
      const stored = await store.put<KeyRecord>(
        COLLECTION,
        idOf(handle),
        { ...request, sha256: sha256(key), createdAtMs },
        { ifVersion: 0, ...ttl },
      );
      if (stored === undefined) throw new GatewayError("internal", "The key could not be made; try again.");
      return { id: idOf(handle), key };
    },
    async list({ limit = 100, after } = {}) {
      const page = await store.list<KeyRecord>(COLLECTION, { limit, ...(after === undefined ? {} : { after }) });
      return { keys: page.records.map(toInfo), next: page.next };
    },
    async revoke(id) {
      const gone = /^key_[0-9a-f]{16}$/.test(id) && (await store.delete(COLLECTION, id));
      if (!gone) return false;
      await revocations.announce(`key:${id}`);
      // For what agents were given on behalf of the key's bearer.
      await revocations.revoke(`token:${id}`, DELEGATED_MS);
      return true;
    },
  };

  return {
    keys,
    async verify(key: string): Promise<Verdict> {
      const fixed = configured.get(sha256(key));
      if (fixed !== undefined) return accept(fixed.id, fixed.record);
      const handle = FORMAT.exec(key)?.[1];
      if (handle === undefined) return refused;
      const found = await store.get<KeyRecord>(COLLECTION, idOf(handle));
      if (found === undefined || !matches(key, found.value.sha256)) return refused;
      const { sha256: _secret, ...record } = found.value;
      if (record.expiresAtMs !== undefined && record.expiresAtMs <= clock.now())
        return { ok: false, reason: "The API key has expired.", detail: "expired key" };
      return accept(found.key, record);
    },
  };
}
