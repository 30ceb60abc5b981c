import { listAll, openAdminClient } from "./admin-client.ts";
import { defineCommand, UsageError } from "./command.ts";
import { gatewayOptions } from "./find-gateway.ts";

interface ClientInfo {
  readonly id: string;
  readonly label: string;
  readonly origin: string;
  readonly grants: readonly string[];
  readonly scopes?: readonly string[];
  readonly groups: readonly string[];
  readonly tenant?: string;
}

export const clientsCommand = defineCommand({
  usage:
    "create --label LABEL [--id ID] [--grant G]… [--redirect URI]… [--group G]… [--scope S]… [--tenant T] [--public] | list | delete ID",
  args: [1, 2],
  options: {
    ...gatewayOptions,
    label: { type: "string", value: "LABEL", description: "shown on the consent page" },
    id: { type: "string", value: "ID", description: "its client id; made up when left out" },
    grant: {
      type: "string",
      value: "GRANT",
      multiple: true,
      description: "client_credentials (default), authorization_code, refresh_token or token_exchange",
    },
    redirect: { type: "string", value: "URI", multiple: true, description: "an address codes may be sent to" },
    group: {
      type: "string",
      value: "GROUP",
      multiple: true,
      description: "a group it belongs to, for policies to judge",
    },
    scope: { type: "string", value: "SCOPE", multiple: true, description: "a scope it may have; all when left out" },
    tenant: { type: "string", value: "TENANT", description: "the tenant it belongs to" },
    public: { type: "boolean", description: "without a secret, for a program that cannot keep one" },
  },
  async run({ options, args: [action, id], out, err }) {
    switch (action) {
      case "create": {
        const { label, grant, redirect, group, scope, tenant } = options;
        if (label === undefined) throw new UsageError("clients create needs --label");
        const request = {
          label,
          public: options.public,
          groups: group,
          ...(options.id !== undefined && { id: options.id }),
          ...(grant.length > 0 && { grants: grant }),
          ...(redirect.length > 0 && { redirectUris: redirect }),
          ...(scope.length > 0 && { scopes: scope }),
          ...(tenant !== undefined && { tenant }),
        };
        const admin = openAdminClient(options);
        const made = (await admin.call("POST", "/api/clients", request)) as { id: string; secret?: string };
        out(`client ${made.id}`);
        if (made.secret !== undefined) out(`secret ${made.secret} (shown this once)`);
        if (made.secret !== undefined && (grant.length === 0 || grant.includes("client_credentials"))) {
          const { publicUrl } = (await admin.call("GET", "/api/status")) as { publicUrl: string };
          err(
            `a token: curl -u ${made.id}:SECRET -d grant_type=client_credentials ${new URL("/oauth/token", publicUrl)}`,
          );
        }
        return 0;
      }
      case "list": {
        const clients = await listAll<ClientInfo>(openAdminClient(options), "clients");
        for (const client of clients) out(describe(client));
        if (clients.length === 0) err("There are no clients: none in the configuration, created or registered.");
        return 0;
      }
      case "delete":
        if (id === undefined) throw new UsageError("clients delete needs the client's id");
        await openAdminClient(options).call("DELETE", `/api/clients/${encodeURIComponent(id)}`);
        out(`${id} is deleted, and its tokens are revoked`);
        return 0;
      default:
        throw new UsageError(`clients does create, list and delete, not "${action}"`);
    }
  },
});

function describe({ id, label, origin, grants, scopes, groups, tenant }: ClientInfo): string {
  const may = `tenant ${tenant ?? "-"}  groups ${groups.join(",") || "-"}  scopes ${scopes?.join(" ") ?? "all"}`;
  return `${id}  ${label}  ${origin}  ${grants.join(" ")}  ${may}`;
}
