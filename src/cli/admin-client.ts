import { readFileSync } from "node:fs";
import { GatewayError } from "../core/errors.ts";
import { findGateway, type GatewayOptions, type GatewayPlace } from "./find-gateway.ts";

/** Calls the admin API of a gateway that runs on this machine. */
export interface AdminClient {
  /** The parsed answer; throws with the gateway's own message when it refuses. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
}

/** The admin API of the gateway that the options name, as `findGateway` finds it. */
export const openAdminClient = (options: GatewayOptions): AdminClient => createAdminClient(findGateway(options));

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

function createAdminClient({ url, tokenFile, which }: GatewayPlace): AdminClient {
  return {
    async call(method, path, body) {
      const headers = { authorization: `Bearer ${readToken(tokenFile, which)}`, "content-type": "application/json" };
      const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
      const response = await fetch(`${url}${path}`, init).catch((cause: unknown) => {
        throw new GatewayError("upstream_unavailable", `no gateway answers at ${url}: is it running? (${which})`, {
          cause,
        });
      });
      if (response.status === 204) return undefined;
      const answer: unknown = await response.json().catch((cause: unknown) => {
        const message = `what answers at ${url} is no gateway's admin API: is its port another one? (${which})`;
        throw new GatewayError("upstream_invalid", message, { cause });
      });
      if (response.ok) return answer;
      const message = messageOf(answer) ?? `the gateway answered ${response.status}`;
      if (response.status !== 401) throw new GatewayError("invalid_request", message);
      throw new GatewayError(
        "unauthenticated",
        `${message} ${url} does not take the one in ${tokenFile}: is another gateway there? (${which})`,
      );
    },
  };
}

function readToken(file: string, which: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    throw new GatewayError(
      "not_found",
      `cannot read the admin token in ${file}: it is made when the gateway first starts, for its own account (${which})`,
    );
  }
}

function messageOf(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null || !("error" in answer)) return undefined;
  const { error } = answer;
  return typeof error === "object" && error !== null && "message" in error ? String(error.message) : undefined;
}
