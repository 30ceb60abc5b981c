import type { Connect } from "../console/api/models.ts";
import type { Epoch } from "./epoch.ts";

/** What somebody needs to know who wants to call this gateway. */
export function toConnect({ config, publicUrl, auth }: Pick<Epoch, "config" | "publicUrl" | "auth">): Connect {
  const base = publicUrl.href.replace(/\/$/, "");
  const { embedded, issuers = [], anonymous = false } = config.auth ?? {};
  const models = Object.keys(config.models ?? {});
  return {
    publicUrl: base,
    issuer: auth.issuer,
    auth: {
      embedded: embedded !== undefined,
      dynamicRegistration: embedded?.dynamicRegistration === true,
      ...(embedded !== undefined && { tokenUrl: `${base}/oauth/token` }),
      issuers: issuers.map(({ url }) => url),
      anonymous,
      scopes: config.auth?.scopes ?? (embedded === undefined ? [] : ["gateway"]),
      keys: true,
    },
    mcp: Object.entries(config.mcp?.routes ?? {}).map(([path, { servers }]) => ({ path, url: base + path, servers })),
    agents: Object.keys(config.a2a?.agents ?? {}).map((name) => ({
      name,
      url: `${base}/a2a/${name}`,
      cardUrl: `${base}/a2a/${name}/.well-known/agent-card.json`,
    })),
    models: {
      names: models,
      ...(models.length > 0 && { openaiUrl: `${base}/v1`, anthropicUrl: base }),
    },
  };
}
