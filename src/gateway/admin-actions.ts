import { z } from "zod";
import { grants } from "../auth/embedded/config.ts";
import type { AdminActions } from "../console/console.ts";
import { spendKeys, spendWindows } from "../budgets/spend/spend-rows.ts";
import { GatewayError } from "../core/errors.ts";
import { durationMs } from "../core/units.ts";
import { showChain } from "./show-chain.ts";
import type { Cache } from "../inference/cache/cache.ts";
import type { Epochs } from "./epochs.ts";
import type { Foundation } from "./foundation.ts";

const bearer = {
  tenant: z.string().min(1).max(256).exactOptional(),
  scopes: z.array(z.string().min(1)).max(100).exactOptional(),
  groups: z.array(z.string().min(1)).max(100).exactOptional(),
};

const keyRequest = z.strictObject({
  ...bearer,
  name: z.string().min(1).max(100),
  expires: durationMs().exactOptional(),
});

const clientRequest = z.strictObject({
  ...bearer,
  id: z.string().exactOptional(),
  label: z.string().min(1).max(100),
  grants: z.array(z.enum(grants)).min(1).max(grants.length).default(["client_credentials"]),
  redirectUris: z.array(z.url().max(2_048)).max(20).exactOptional(),
  public: z.boolean().exactOptional(),
});

const pageQuery = z.strictObject({
  after: z.string().exactOptional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

const spendQuery = z
  .strictObject({
    by: z.enum(spendKeys).default("tenant"),
    window: z.enum(spendWindows).default("day"),
    limit: z.coerce.number().int().min(1).max(1_000).default(100),
  })
  .refine(({ by, window }) => by !== "chain" || window === "day", "what chains cost is kept by day: window is day");

const journalQuery = z.strictObject({
  request: z.string().exactOptional(),
  chain: z.string().exactOptional(),
  principal: z.string().exactOptional(),
  target: z.string().exactOptional(),
  outcome: z.enum(["denied", "failed", "aborted", "drained"]).exactOptional(),
  after: z.string().exactOptional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

const flushRequest = z.strictObject({
  tenant: z.string().max(256).exactOptional(),
  model: z.string().min(1).max(256).exactOptional(),
  policyHash: z
    .string()
    .regex(/^[0-9a-f]{8,64}$/, "a policy's hash, or at least its first 8 letters")
    .exactOptional(),
});

/** What the admin API does, over the faces of the domains. */
export function createAdminActions(
  epochs: Epochs,
  { journal, chains, store, clock, failover, spend, pools }: Foundation,
  life: () => object,
): AdminActions {
  const auth = () => epochs.current().auth;
  return {
    status() {
      const { publicUrl, routes, authz } = epochs.current();
      const upstreams = failover.breakers.list();
      return {
        ...life(),
        publicUrl,
        policyHash: authz.policyHash,
        durability: store.durability,
        upstreams,
        pools: pools.list(),
        routes: routes.all,
      };
    },
    issueKey: (request) => {
      const { expires, ...rest } = parse(keyRequest, request);
      return auth().keys.issue({ ...rest, ...(expires !== undefined && { expiresAtMs: clock.now() + expires }) });
    },
    listKeys: (query) => auth().keys.list(parse(pageQuery, query)),
    revokeKey: (id) => auth().keys.revoke(id),
    createClient: (request) => auth().clients.create(parse(clientRequest, request)),
    listClients: (query) => auth().clients.list(parse(pageQuery, query)),
    deleteClient: (id) => auth().clients.delete(id),
    resetPasscode: async () => ({ passcode: await auth().resetPasscode() }),
    rotateSigningKeys: () => auth().rotateKeys(),
    reportSpend: (query) => {
      const { by, window, limit } = parse(spendQuery, query);
      return spend.report(by, window, limit);
    },
    showCache: () => cacheOf(epochs).report(),
    flushCache: async (request) => ({ flushed: await cacheOf(epochs).flush(parse(flushRequest, request)) }),
    queryJournal: (query) => journal.query(parse(journalQuery, query)),
    drainEndpoint: pools.drain,
    showChain: (id) => showChain(journal, chains, id),
  };
}

function cacheOf(epochs: Epochs): Cache {
  const { cache } = epochs.current();
  if (cache === undefined)
    throw new GatewayError("not_found", "No cache is configured: see `cache` in the configuration.");
  return cache;
}

function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new GatewayError("invalid_params", z.prettifyError(result.error));
}
