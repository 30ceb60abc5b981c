import { z } from "zod";
import type { AdminActions } from "../console/console.ts";
import { GatewayError } from "../core/errors.ts";
import { durationMs } from "../core/units.ts";
import type { Epochs } from "./epochs.ts";
import type { Foundation } from "./foundation.ts";

const keyRequest = z.strictObject({
  name: z.string().min(1).max(100),
  tenant: z.string().min(1).max(256).exactOptional(),
  scopes: z.array(z.string().min(1)).max(100).exactOptional(),
  groups: z.array(z.string().min(1)).max(100).exactOptional(),
  expires: durationMs().exactOptional(),
});

const pageQuery = z.strictObject({
  after: z.string().exactOptional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

const journalQuery = z.strictObject({
  chain: z.string().exactOptional(),
  principal: z.string().exactOptional(),
  target: z.string().exactOptional(),
  after: z.string().exactOptional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

/** What the admin API does, over the faces of the domains. */
export function createAdminActions(
  epochs: Epochs,
  { journal, store, clock }: Foundation,
  life: () => object,
): AdminActions {
  const keys = () => epochs.current().auth.keys;
  return {
    status() {
      const { publicUrl, routes, authz } = epochs.current();
      return { ...life(), publicUrl, policyHash: authz.policyHash, durability: store.durability, routes: routes.all };
    },
    issueKey: (request) => {
      const { expires, ...rest } = parse(keyRequest, request);
      return keys().issue({ ...rest, ...(expires !== undefined && { expiresAtMs: clock.now() + expires }) });
    },
    listKeys: (query) => keys().list(parse(pageQuery, query)),
    revokeKey: (id) => keys().revoke(id),
    queryJournal: (query) => journal.query(parse(journalQuery, query)),
  };
}

function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new GatewayError("invalid_params", z.prettifyError(result.error));
}
