import { createHash, randomBytes } from "node:crypto";
import { openBrowser, type Browser } from "./browser.ts";
import { basic, post, type Answer } from "./oauth-calls.ts";
import type { Started } from "./start-auth.ts";

export const users = {
  alice: { password: "alice-password", groups: ["analyst"], tenant: "blue" },
  bob: { password: "bob-password", scopes: ["gateway"] },
};
export const clients = {
  agent: {
    secret: "agent-secret-agent-secret",
    grants: ["client_credentials", "token_exchange"],
    groups: ["agents"],
    tenant: "blue",
  },
  app: {
    secret: "app-secret-app-secret-app",
    grants: ["authorization_code", "refresh_token"],
    redirectUris: ["https://app.example/callback"],
    label: "The app",
  },
};
export const config = { embedded: { users, clients, scopes: ["tools:read", "tools:write"] } };

export const agentAuth = basic("agent", clients.agent.secret);
export const appAuth = basic("app", clients.app.secret);

/** Asks the token endpoint. */
export const token = (gateway: Started, form: Record<string, string>, authorization?: string): Promise<Answer> =>
  post(gateway, "token", form, authorization);

export const verifier = randomBytes(32).toString("base64url");
export const challenge = createHash("sha256").update(verifier).digest("base64url");

export function authorizeUrl(gateway: Started, parameters: Record<string, string | undefined> = {}): string {
  const url = new URL(`${gateway.url}/oauth/authorize`);
  const all = {
    client_id: "app",
    response_type: "code",
    redirect_uri: "https://app.example/callback",
    code_challenge: challenge,
    code_challenge_method: "S256",
    state: "s-1",
    scope: "gateway tools:read",
    resource: `${gateway.url}/mcp`,
    ...parameters,
  };
  for (const [name, value] of Object.entries(all)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** Signs in as alice, allows, and gives back where the browser was sent. */
export async function authorize(
  gateway: Started,
  parameters: Record<string, string | undefined> = {},
  browser: Browser = openBrowser(gateway.url),
): Promise<URL> {
  let page = await browser.open(authorizeUrl(gateway, parameters));
  if (page.location === undefined && page.text.includes("Sign in"))
    page = await browser.submit(page, { action: "login", name: "alice", password: users.alice.password });
  if (page.location === undefined) page = await browser.submit(page, { action: "allow" });
  if (page.location === undefined) throw new Error(`no redirect: ${page.status} ${page.text.slice(0, 3_000)}`);
  return new URL(page.location);
}

export const exchangeCode = (
  gateway: Started,
  code: string | null,
  changes: Record<string, string> = {},
  authorization: string | undefined = appAuth,
): Promise<Answer> =>
  token(
    gateway,
    {
      grant_type: "authorization_code",
      code: code ?? "",
      redirect_uri: "https://app.example/callback",
      code_verifier: verifier,
      ...changes,
    },
    authorization,
  );

export async function signIn(gateway: Started): Promise<Record<string, string>> {
  const { body } = await exchangeCode(gateway, (await authorize(gateway)).searchParams.get("code"));
  return body;
}
