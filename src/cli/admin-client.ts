import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../config/load.ts";
import { GatewayError } from "../core/errors.ts";
import { adminTokenFile } from "../gateway/admin-token.ts";
import { checkout } from "./quickstart.ts";

/** Calls the admin API of a gateway that runs on this machine. */
export interface AdminClient {
  /** The parsed answer; throws with the gateway's own message when it refuses. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
}

/** The option of every command that speaks to a running gateway. */
export const gatewayOption = {
  type: "string",
  short: "c",
  value: "FILE",
  description: "the configuration the gateway runs with (default: the quickstart's)",
} as const;

/** The gateway of this configuration, with the token beside its state; without one, the gateway that `npm start` runs. */
export function openAdminClient(configFile: string | undefined): AdminClient {
  if (configFile === undefined)
    return createAdminClient("http://127.0.0.1:4001", join(checkout, "data", "admin-token"));
  const config = loadConfig(configFile);
  const { host, port } = config.listen.console;
  return createAdminClient(`http://${reachable(host)}:${port}`, adminTokenFile(config));
}

/** Every record of a list that comes in pages: `field` is the page's name for them. */
export async function listAll<T>(admin: AdminClient, field: string): Promise<readonly T[]> {
  const all: T[] = [];
  for (let after: string | undefined; ;) {
    const query = after === undefined ? "" : `&after=${encodeURIComponent(after)}`;
    const page = (await admin.call("GET", `/api/${field}?limit=1000${query}`)) as Record<string, unknown>;
    all.push(...(page[field] as readonly T[]));
    if (typeof page["next"] !== "string") return all;
    after = page["next"];
  }
}

/** An address to call, from the one that is bound: "every address" is none that can be called. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

function createAdminClient(url: string, tokenFile: string): AdminClient {
  return {
    async call(method, path, body) {
      const headers = { authorization: `Bearer ${readToken(tokenFile)}`, "content-type": "application/json" };
      const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
      const response = await fetch(`${url}${path}`, init).catch((cause: unknown) => {
        throw new GatewayError("upstream_unavailable", `no gateway answers at ${url}: is it running?`, { cause });
      });
      if (response.status === 204) return undefined;
      const answer: unknown = await response.json().catch((cause: unknown) => {
        const message = `what answers at ${url} is no gateway's admin API: is its port another one?`;
        throw new GatewayError("upstream_invalid", message, { cause });
      });
      if (response.ok) return answer;
      throw new GatewayError("invalid_request", messageOf(answer) ?? `the gateway answered ${response.status}`);
    },
  };
}

function readToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    throw new GatewayError(
      "not_found",
      `cannot read the admin token in ${file}: it is made when the gateway first starts, for its own account`,
    );
  }
}

function messageOf(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("error" in answer)) return undefined;
  const { error } = answer;
  return typeof error === "object" && error !== null && "message" in error ? String(error.message) : undefined;
}
