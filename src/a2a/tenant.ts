/** Names the agent's own tenant in a request, as the agent's card asks (A2A 1.0.1, section 4.4.6). Callers never see it. */
export function withTenant(bytes: Buffer, tenant: string): Buffer {
  if (tenant === "") return bytes;
  const value = JSON.parse(bytes.toString("utf8")) as { params?: object };
  return Buffer.from(JSON.stringify({ ...value, params: { ...value.params, tenant } }));
}
