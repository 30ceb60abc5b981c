import { splice } from "../http/json-splice.ts";

/** Names the agent's own tenant in a request, as the agent's card asks (A2A 1.0.1, section 4.4.6). Callers never see it. */
export function withTenant(bytes: Buffer, tenant: string): Buffer {
  return tenant === "" ? bytes : splice(bytes, [{ path: ["params", "tenant"], json: JSON.stringify(tenant) }]);
}
