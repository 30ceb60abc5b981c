import { hash } from "node:crypto";
import { errors, type Adapter, type AdapterPayload } from "oidc-provider";
import type { PutOptions, Store } from "../../state/store.ts";
import type { ClientRegistry } from "../clients.ts";
import type { Revocations } from "../revocations.ts";

/* What a caller shows is kept under its hash: whoever reads the database cannot use it. */
const HASHED = new Set([
  "AuthorizationCode",
  "RefreshToken",
  "AccessToken",
  "ClientCredentials",
  "InitialAccessToken",
  "RegistrationAccessToken",
]);
const COLLECTIONS = new Map(
  ["Session", "Interaction", "Grant", "AuthorizationCode", "RefreshToken", "ReplayDetection"].map((model) => [
    model,
    `oauth-${model.toLowerCase()}`,
  ]),
);
const KEY = /^[\x21-\x7E]{1,256}$/;

export interface AdapterOptions {
  readonly store: Store;
  readonly clients: ClientRegistry;
  readonly revocations: Revocations;
  /** How long an access token can still be used after its grant was revoked. */
  readonly accessTokenTtlMs: number;
  /** The access token that the current request wants revoked, as the record the provider looks for. */
  readonly presented: (model: string, id: string) => AdapterPayload | undefined;
}

/** The provider's models over our store. JWT access tokens are not stored: revoking one, or its grant, puts it on the list of the revoked. */
export function createAdapterFactory(options: AdapterOptions): (model: string) => Adapter {
  const { store, clients, revocations, accessTokenTtlMs, presented } = options;

  const clientAdapter: Adapter = {
    ...unused,
    upsert: (id, payload) => clients.register(id, payload),
    async find(id) {
      return (await clients.find(id))?.metadata;
    },
  };
  const tokenAdapter = (model: string): Adapter => ({
    ...unused,
    find: (id) => Promise.resolve(presented(model, id)),
    destroy: (id) => revocations.revoke(`token:${id}`, accessTokenTtlMs),
    revokeByGrantId: (grantId) => revocations.revoke(`grant:${grantId}`, accessTokenTtlMs),
  });
  return (model) => {
    if (model === "Client") return clientAdapter;
    const collection = COLLECTIONS.get(model);
    return collection === undefined ? tokenAdapter(model) : recordAdapter(model, collection, store);
  };
}

function recordAdapter(model: string, collection: string, store: Store): Adapter {
  const toKey = (id: string): string => (HASHED.has(model) ? hash("sha256", id, "base64url") : id);
  const restore = (id: string, value: AdapterPayload): AdapterPayload =>
    HASHED.has(model) ? { ...value, jti: id } : value;

  return {
    ...unused,
    async upsert(id, payload, expiresIn) {
      const { grantId, uid } = payload;
      const { jti: _jti, ...withoutId } = payload;
      const indexes = {
        ...(grantId === undefined ? {} : { grant: grantId }),
        ...(model === "Session" && uid !== undefined ? { uid } : {}),
      };
      const put: PutOptions = {
        indexes,
        ...(expiresIn !== undefined && expiresIn > 0 ? { ttlMs: expiresIn * 1_000 } : {}),
        // A client assertion counts once, also when two copies arrive at the same moment.
        ...(model === "ReplayDetection" ? { ifVersion: 0 } : {}),
      };
      const version = await store.put(collection, toKey(id), HASHED.has(model) ? withoutId : payload, put);
      if (version === undefined) throw new errors.InvalidClient("client assertion was used already");
    },
    async find(id) {
      if (!KEY.test(id)) return undefined;
      const found = await store.get<AdapterPayload>(collection, toKey(id));
      return found === undefined ? undefined : restore(id, found.value);
    },
    async findByUid(uid) {
      if (!KEY.test(uid)) return undefined;
      const page = await store.find<AdapterPayload>(collection, "uid", uid, { limit: 1 });
      return page.records[0]?.value;
    },
    async consume(id) {
      const found = await store.get<AdapterPayload>(collection, toKey(id));
      if (found === undefined || found.value.consumed !== undefined)
        throw new errors.InvalidGrant("this was used already");
      const { grantId } = found.value;
      const put: PutOptions = {
        ifVersion: found.version,
        ...(found.expiresAtMs === undefined ? {} : { ttlMs: Math.max(1_000, found.expiresAtMs - Date.now()) }),
        ...(grantId === undefined ? {} : { indexes: { grant: grantId } }),
      };
      const version = await store.put(
        collection,
        toKey(id),
        { ...found.value, consumed: Math.floor(Date.now() / 1_000) },
        put,
      );
      // Of two requests with one code or refresh token at the same moment, one wins.
      if (version === undefined) throw new errors.InvalidGrant("this was used already");
    },
    async destroy(id) {
      await store.delete(collection, toKey(id));
    },
    async revokeByGrantId(grantId) {
      for (;;) {
        const page = await store.find(collection, "grant", grantId, { limit: 100 });
        await Promise.all(page.records.map(({ key }) => store.delete(collection, key)));
        if (page.next === undefined || page.records.length === 0) return;
      }
    },
  };
}

const nothing = (): Promise<undefined> => Promise.resolve(undefined);
const unused: Adapter = {
  upsert: nothing,
  find: nothing,
  findByUid: nothing,
  findByUserCode: nothing,
  consume: nothing,
  destroy: nothing,
  revokeByGrantId: nothing,
};
