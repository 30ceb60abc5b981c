import { hash, randomBytes } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { randomHex } from "../core/ids.ts";
import type { Store } from "../state/store.ts";
import { clientPrincipal } from "./client-principal.ts";
import type { ClientConfig, EmbeddedConfig } from "./embedded/config.ts";
import { checkTenant, type TenantOf } from "./principal-from.ts";
import type { Revocations } from "./revocations.ts";
import { LEEWAY_MS } from "./token-verifier.ts";

export type Grant = ClientConfig["grants"][number];

export interface ClientRequest {
  /** Made up when left out. */
  readonly id?: string;
  readonly label: string;
  readonly grants: readonly Grant[];
  readonly redirectUris?: readonly string[];
  readonly scopes?: readonly string[];
  readonly groups?: readonly string[];
  readonly tenant?: string;
  /** A client without a secret, for programs that cannot keep one. */
  readonly public?: boolean;
}

export interface ClientInfo {
  readonly id: string;
  readonly label: string;
  readonly origin: "config" | "created" | "registered";
  readonly grants: readonly string[];
  readonly redirectUris: readonly string[];
  /** Undefined: every scope of the server. */
  readonly scopes: readonly string[] | undefined;
  readonly groups: readonly string[];
  readonly tenant: string | undefined;
  readonly createdAtMs: number | undefined;
}

export interface Clients {
  /** `secret` is shown this once; the store keeps its SHA-256. Rejects with `invalid_params` when the id is taken, and for what would never work. */
  create(request: ClientRequest): Promise<{ readonly id: string; readonly secret: string | undefined }>;
  /** Configured clients come with the first page. */
  list(page?: {
    readonly limit?: number;
    readonly after?: string;
  }): Promise<{ readonly clients: readonly ClientInfo[]; readonly next: string | undefined }>;
  /** A new secret for a created client; the former one stops working, tokens stay. GatewayError("not_found") for any other client. */
  resetSecret(id: string): Promise<string>;
  /** Removes a created or registered client and revokes its tokens; its id is free again when those have expired. */
  delete(id: string): Promise<boolean>;
}

/** One client as it is kept. `metadata` has the names of RFC 7591; its `client_secret` is a hash. */
export interface ClientRecord {
  readonly origin: ClientInfo["origin"];
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Undefined: every scope of the server. */
  readonly scopes?: readonly string[];
  readonly groups: readonly string[];
  readonly tenant?: string;
  readonly createdAtMs?: number;
}

export const tokenExchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";

const COLLECTION = "auth-clients";
/* A client that registered itself and was not used for this long is forgotten. */
const REGISTERED_TTL_MS = 30 * 86_400_000;
const ID = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/;

const makeSecret = (): string => randomBytes(32).toString("base64url");
export const hashSecret = (secret: string): string => `sha256:${hash("sha256", secret, "base64url")}`;

/** Whether a program on the user's machine waits at one of these addresses (RFC 8252). */
export const isNative = (redirectUris: readonly string[]): boolean =>
  redirectUris.some((uri) => {
    const url = URL.parse(uri);
    return (
      url !== null &&
      (url.protocol === "http:"
        ? ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname)
        : url.protocol !== "https:")
    );
  });

function toMetadata(
  id: string,
  request: {
    label?: string | undefined;
    grants: readonly Grant[];
    redirectUris: readonly string[];
    secret?: string | undefined;
    jwksUrl?: string | undefined;
  },
) {
  const { label, grants, redirectUris, secret, jwksUrl } = request;
  return {
    client_id: id,
    client_name: label ?? id,
    grant_types: grants.map((grant) => (grant === "token_exchange" ? tokenExchangeGrant : grant)),
    response_types: grants.includes("authorization_code") ? ["code"] : [],
    redirect_uris: redirectUris,
    application_type: isNative(redirectUris) ? "native" : "web",
    token_endpoint_auth_method:
      secret !== undefined ? "client_secret_basic" : jwksUrl !== undefined ? "private_key_jwt" : "none",
    ...(secret === undefined ? {} : { client_secret: hashSecret(secret) }),
    ...(jwksUrl === undefined ? {} : { jwks_uri: jwksUrl }),
  };
}

const toInfo = (id: string, { metadata, origin, scopes, groups, tenant, createdAtMs }: ClientRecord): ClientInfo => ({
  id,
  label: typeof metadata["client_name"] === "string" ? metadata["client_name"] : id,
  origin,
  grants: (metadata["grant_types"] as readonly string[] | undefined) ?? [],
  redirectUris: (metadata["redirect_uris"] as readonly string[] | undefined) ?? [],
  scopes,
  groups,
  tenant,
  createdAtMs,
});

/** The clients of the embedded server: configured ones, and those created or registered at run time. */
export function createClients(options: {
  issuer: string;
  config: EmbeddedConfig;
  /** Clients of the gateway's own, which no list shows. */
  own: ReadonlyMap<string, ClientRecord>;
  store: Store;
  revocations: Revocations;
  clock: Clock;
  tenant: TenantOf;
}) {
  const { issuer, config, own, store, revocations, clock } = options;
  const configured = new Map<string, ClientRecord>(
    Object.entries(config.clients).map(([id, { scopes, groups, tenant, ...rest }]) => [
      id,
      {
        origin: "config",
        metadata: toMetadata(id, rest),
        groups,
        ...(scopes === undefined ? {} : { scopes }),
        ...(tenant === undefined ? {} : { tenant }),
      },
    ]),
  );
  const find = async (id: string): Promise<ClientRecord | undefined> => {
    const fixed = own.get(id) ?? configured.get(id);
    if (fixed !== undefined) return fixed;
    return ID.test(id) ? (await store.get<ClientRecord>(COLLECTION, id))?.value : undefined;
  };

  const clients: Clients = {
    async create(request) {
      const id = request.id ?? `client_${randomHex(8)}`;
      const redirectUris = request.redirectUris ?? [];
      const refuse = (message: string, param: string): never => {
        throw new GatewayError("invalid_params", message, { param });
      };
      if (!ID.test(id)) refuse("A client id has letters, digits and . _ @ -, at most 128.", "id");
      if (id === "operator" || Object.hasOwn(config.users, id) || configured.has(id) || own.has(id))
        refuse("This id is taken.", "id");
      if (request.grants.includes("authorization_code") && redirectUris.length === 0)
        refuse("authorization_code needs a redirect address.", "redirectUris");
      if (
        request.public === true &&
        request.grants.some((grant) => grant === "client_credentials" || grant === "token_exchange")
      )
        refuse("This grant needs a client with a secret.", "grants");
      const { label, grants, groups = [], scopes, tenant } = request;
      if (grants.includes("client_credentials"))
        checkTenant(clientPrincipal(issuer, id, { scopes, groups, tenant }), options.tenant, "client");
      if (await revocations.isRevoked([`client:${id}`]))
        refuse("A client of this id was deleted a moment ago; choose another id.", "id");
      const secret = request.public === true ? undefined : makeSecret();
      const record: ClientRecord = {
        origin: "created",
        metadata: toMetadata(id, { label, grants, redirectUris, secret }),
        groups,
        ...(scopes === undefined ? {} : { scopes }),
        ...(tenant === undefined ? {} : { tenant }),
        createdAtMs: clock.now(),
      };
      if ((await store.put(COLLECTION, id, record, { ifVersion: 0 })) === undefined) refuse("This id is taken.", "id");
      return { id, secret };
    },
    async list({ limit = 100, after } = {}) {
      const page = await store.list<ClientRecord>(COLLECTION, { limit, ...(after === undefined ? {} : { after }) });
      const first = after === undefined ? [...configured].map(([id, record]) => toInfo(id, record)) : [];
      return { clients: [...first, ...page.records.map(({ key, value }) => toInfo(key, value))], next: page.next };
    },
    async resetSecret(id) {
      const found = ID.test(id) ? await store.get<ClientRecord>(COLLECTION, id) : undefined;
      if (found?.value.origin !== "created" || found.value.metadata["client_secret"] === undefined)
        throw new GatewayError("not_found", "No client with a secret was created under this id.");
      const secret = makeSecret();
      const metadata = { ...found.value.metadata, client_secret: hashSecret(secret) };
      const stored = await store.put(COLLECTION, id, { ...found.value, metadata }, { ifVersion: found.version });
      if (stored === undefined)
        throw new GatewayError("state_unavailable", "The client was changed at the same moment; try again.");
      return secret;
    },
    async delete(id) {
      const gone = ID.test(id) && (await store.delete(COLLECTION, id));
      if (gone) await revocations.revoke(`client:${id}`, config.accessTokenTtl + 2 * LEEWAY_MS);
      return gone;
    },
  };

  return {
    clients,
    find,
    /** Keeps a client that registered itself; it has no groups and no grant of its own. */
    async register(id: string, metadata: Readonly<Record<string, unknown>>): Promise<void> {
      const secret = metadata["client_secret"];
      const record: ClientRecord = {
        origin: "registered",
        metadata: { ...metadata, ...(typeof secret === "string" ? { client_secret: hashSecret(secret) } : {}) },
        groups: [],
        createdAtMs: clock.now(),
      };
      await store.put(COLLECTION, id, record, { ttlMs: REGISTERED_TTL_MS, ifVersion: 0 });
    },
    /** A registered client that is in use stays. */
    async touch(id: string): Promise<void> {
      const found = await store.get<ClientRecord>(COLLECTION, id);
      if (found?.value.origin !== "registered" || found.expiresAtMs === undefined) return;
      if (found.expiresAtMs - clock.now() > REGISTERED_TTL_MS / 2) return;
      await store.put(COLLECTION, id, found.value, { ttlMs: REGISTERED_TTL_MS, ifVersion: found.version });
    },
  };
}

export type ClientRegistry = ReturnType<typeof createClients>;

/** What stands in when there is no embedded server. */
export const noClients: Clients = {
  create: () =>
    Promise.reject(
      new GatewayError("unsupported", "Clients need the embedded authorization server: set auth.embedded."),
    ),
  list: () => Promise.resolve({ clients: [], next: undefined }),
  resetSecret: () =>
    Promise.reject(new GatewayError("not_found", "No client with a secret was created under this id.")),
  delete: () => Promise.resolve(false),
};
