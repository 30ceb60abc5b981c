import { gatewayOption, listAll, openAdminClient } from "./admin-client.ts";
import { defineCommand, UsageError } from "./command.ts";

interface ClientInfo {
  readonly id: string;
  readonly label: string;
  readonly origin: string;
  readonly grants: readonly string[];
}

export const clientsCommand = defineCommand({
  name: "clients",
  summary: "create, list and delete OAuth clients of a running gateway",
  usage: "create --label LABEL [--id ID] [--grant G]… [--redirect URI]… [--group G]… [--public] | list | delete ID",
  args: [1, 2],
  options: {
    config: gatewayOption,
    label: { type: "string", value: "LABEL", description: "shown on the consent page" },
    id: { type: "string", value: "ID", description: "its client id; made up when left out" },
    grant: {
      type: "string",
      value: "GRANT",
      multiple: true,
      description: "client_credentials (default), authorization_code, refresh_token or token_exchange",
    },
    redirect: { type: "string", value: "URI", multiple: true, description: "an address codes may be sent to" },
    group: { type: "string", value: "GROUP", multiple: true, description: "a group it belongs to" },
    scope: { type: "string", value: "SCOPE", multiple: true, description: "a scope it may have; all when left out" },
    tenant: { type: "string", value: "TENANT", description: "the tenant it belongs to" },
    public: { type: "boolean", description: "without a secret, for a program that cannot keep one" },
  },
  async run({ options, args: [action, id], out }) {
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
        const admin = openAdminClient(options.config);
        const made = (await admin.call("POST", "/api/clients", request)) as { id: string; secret?: string };
        out(`client ${made.id}`);
        if (made.secret !== undefined) out(`secret ${made.secret} (shown this once)`);
        return 0;
      }
      case "list": {
        const admin = openAdminClient(options.config);
        for (const client of await listAll<ClientInfo>(admin, "clients")) out(describe(client));
        return 0;
      }
      case "delete":
        if (id === undefined) throw new UsageError("clients delete needs the client's id");
        await openAdminClient(options.config).call("DELETE", `/api/clients/${encodeURIComponent(id)}`);
        out(`${id} is deleted, and its tokens are revoked`);
        return 0;
      default:
        throw new UsageError(`clients does create, list and delete, not "${action}"`);
    }
  },
});

function describe({ id, label, origin, grants }: ClientInfo): string {
  return `${id}  ${label}  ${origin}  ${grants.join(" ")}`;
}
