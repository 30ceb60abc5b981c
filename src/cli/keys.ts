import { listAll, openAdminClient } from "./admin-client.ts";
import { defineCommand, UsageError } from "./command.ts";
import { gatewayOptions } from "./find-gateway.ts";

interface KeyInfo {
  readonly id: string;
  readonly name: string;
  readonly tenant?: string;
  readonly groups?: readonly string[];
  readonly scopes?: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
}

export const keysCommand = defineCommand({
  usage: "issue --name NAME [--group G]… [--scope S]… [--tenant T] [--expires 30d] | list | revoke ID",
  args: [1, 2],
  options: {
    ...gatewayOptions,
    name: { type: "string", value: "NAME", description: "what the key is for" },
    group: { type: "string", value: "GROUP", multiple: true, description: "a group its bearer belongs to" },
    scope: { type: "string", value: "SCOPE", multiple: true, description: "a scope it carries" },
    tenant: { type: "string", value: "TENANT", description: "the tenant its bearer belongs to" },
    expires: {
      type: "string",
      value: "TIME",
      description: "how long it is valid, such as 30d; for ever when left out",
    },
  },
  async run({ options, args: [action, id], out, err }) {
    const admin = openAdminClient(options);
    switch (action) {
      case "issue": {
        const { name, group, scope, tenant, expires } = options;
        if (name === undefined) throw new UsageError("keys issue needs --name");
        const request = {
          name,
          groups: group,
          scopes: scope,
          ...(tenant !== undefined && { tenant }),
          ...(expires !== undefined && { expires }),
        };
        const issued = (await admin.call("POST", "/api/keys", request)) as { id: string; key: string };
        out(issued.key);
        // Beside the output, so that KEY=$(sallyport keys issue …) holds the key alone.
        err(`id ${issued.id}; the key is shown this once`);
        return 0;
      }
      case "list": {
        const keys = await listAll<KeyInfo>(admin, "keys");
        for (const key of keys) out(describe(key));
        if (keys.length === 0) err("No keys were issued; those of the configuration are not listed.");
        return 0;
      }
      case "revoke":
        if (id === undefined) throw new UsageError("keys revoke needs the key's id");
        await admin.call("DELETE", `/api/keys/${encodeURIComponent(id)}`);
        out(`${id} is revoked`);
        return 0;
      default:
        throw new UsageError(`keys does issue, list and revoke, not "${action}"`);
    }
  },
});

function describe({ id, name, tenant, groups = [], scopes = [], expiresAtMs }: KeyInfo): string {
  const until = expiresAtMs === undefined ? "" : `  until ${new Date(expiresAtMs).toISOString()}`;
  return `${id}  ${name}  tenant ${tenant ?? "-"}  groups ${groups.join(",") || "-"}  scopes ${scopes.join(" ") || "-"}${until}`;
}
