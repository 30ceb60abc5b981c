import { expect } from "vitest";
import type { Started } from "./start-auth.ts";

/** Clients of the tests, as configured. */
export const clients = {
  agent: { secret: "agent-secret-agent-secret", grants: ["client_credentials", "token_exchange"], groups: ["agents"] },
  second: {
    secret: "second-secret-second-secret",
    grants: ["client_credentials", "token_exchange"],
    scopes: ["gateway"],
  },
  plain: { secret: "plain-secret-plain-secret" },
};
export const config = { embedded: { clients, scopes: ["tools:read"] } };
export const tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
export const accessTokenType = "urn:ietf:params:oauth:token-type:access_token";
/** What a refused credential ends in. */
export const refused = { kind: "unauthenticated" };

export type Form = Record<string, string>;
export interface Answer {
  readonly status: number;
  readonly body: Record<string, string>;
  readonly headers: Headers;
}

export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;

/** Posts a form to an endpoint under /oauth. */
export async function post(gateway: Started, path: string, form: Form, authorization?: string): Promise<Answer> {
  const response = await fetch(`${gateway.url}/oauth/${path}`, {
    method: "POST",
    body: new URLSearchParams(form),
    headers: authorization === undefined ? {} : { authorization },
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : JSON.parse(text), headers: response.headers };
}

/** Posts as one of the clients above. */
export const postAs = (gateway: Started, client: keyof typeof clients, path: string, form: Form): Promise<Answer> =>
  post(gateway, path, form, basic(client, clients[client].secret));

/** An access token by client credentials. */
export async function credentials(
  gateway: Started,
  client: keyof typeof clients = "agent",
  form: Form = {},
): Promise<string> {
  const { status, body } = await postAs(gateway, client, "token", { grant_type: "client_credentials", ...form });
  expect(status).toBe(200);
  return body["access_token"] ?? "";
}

/** Who a token is on a route; rejects when it is nobody. */
export const who = async (gateway: Started, token: string | undefined, path = "/mcp") =>
  gateway.authenticate(path, { authorization: `Bearer ${token}` });
