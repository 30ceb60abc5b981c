import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Response } from "express";
import { GatewayError } from "../../core/errors.ts";
import { parseCompactJws } from "../compact-jws.ts";
import type { ClientRecord } from "../clients.ts";
import { hashSecret } from "../clients.ts";
import { CALLBACK, callbackAt, type ConsoleSignIn, loopbackHosts } from "../console-sign-in.ts";
import type { Verdict } from "../token-verifier.ts";

/** The gateway's own console, as a client of its own authorization server. */
export const CONSOLE_CLIENT = "sallyport-console";
/** The admin API as a resource (RFC 8707). No route can have this name, and no other client gets a token for it. */
export const ADMIN_RESOURCE = "urn:sallyport:admin";
export const ADMIN_SCOPE = "admin";

/** The client's record: one with a secret, because a code that leads to a port of this machine may be read by another program on it. */
export const consoleClient = (secret: string, origin: string | undefined): ClientRecord => ({
  origin: "config",
  metadata: {
    client_id: CONSOLE_CLIENT,
    client_name: "Sallyport console",
    grant_types: ["authorization_code"],
    response_types: ["code"],
    redirect_uris: [...loopbackHosts.map((host) => `http://${host}`), ...(origin === undefined ? [] : [origin])].map(
      (each) => each + CALLBACK,
    ),
    application_type: "native",
    token_endpoint_auth_method: "client_secret_basic",
    client_secret: hashSecret(secret),
  },
  scopes: [],
  groups: [],
});

export interface ConsoleSignInOptions {
  readonly issuer: string;
  readonly secret: string;
  /** Where the console is reached from other machines, beside this one's own addresses. */
  readonly origin: string | undefined;
  readonly handle: (request: IncomingMessage, response: Response) => Promise<void>;
  readonly verify: (token: string) => Promise<Verdict>;
  readonly revoke: (id: string, ttlMs: number) => Promise<void>;
  readonly clock: { now(): number };
}

export function createConsoleSignIn(options: ConsoleSignInOptions): ConsoleSignIn {
  const { issuer, secret, origin, handle, verify, revoke, clock } = options;
  const authorization = `Basic ${Buffer.from(`${CONSOLE_CLIENT}:${encodeURIComponent(secret)}`).toString("base64")}`;
  const refused = (why: string) => new GatewayError("denied", `The sign-in was refused: ${why}.`);

  return {
    issuer,
    callbackAt: (from) => callbackAt(from, origin),
    async authorizeUrl({ redirectUri, state, nonce, challenge }) {
      const query = new URLSearchParams({
        client_id: CONSOLE_CLIENT,
        response_type: "code",
        redirect_uri: redirectUri,
        scope: `openid ${ADMIN_SCOPE}`,
        resource: ADMIN_RESOURCE,
        prompt: "login",
        state,
        nonce,
        code_challenge: challenge,
        code_challenge_method: "S256",
      });
      return `${issuer}/oauth/authorize?${query}`;
    },
    async redeem({ code, redirectUri, nonce, verifier }) {
      const form = new URLSearchParams({
        grant_type: "authorization_code",
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        resource: ADMIN_RESOURCE,
      });
      const { status, body } = await askInside(handle, "/oauth/token", authorization, form);
      const { access_token: token, id_token: idToken, expires_in: seconds } = body;
      if (status !== 200 || typeof token !== "string" || typeof seconds !== "number")
        throw refused(typeof body["error_description"] === "string" ? body["error_description"] : "try again");
      /* It came from our own token endpoint, and so from nobody else: its signature says nothing more (OpenID Connect Core, 3.1.3.7). */
      const said = typeof idToken === "string" ? parseCompactJws(idToken)?.payload["nonce"] : undefined;
      if (said !== nonce) throw refused("it was begun elsewhere");
      return { token, expiresAtMs: clock.now() + seconds * 1_000 };
    },
    async identify(token) {
      const verdict = await verify(token);
      if (!verdict.ok || verdict.principal.client !== CONSOLE_CLIENT) return undefined;
      return verdict.audiences?.includes(ADMIN_RESOURCE) === true ? verdict.principal : undefined;
    },
    async end(token) {
      const verdict = await verify(token);
      if (!verdict.ok || verdict.principal.credentialId === undefined) return;
      await revoke(`token:${verdict.principal.credentialId}`, verdict.expiresAtMs - clock.now());
    },
  };
}

/** Asks the provider without a connection: the public address may lead elsewhere from here, or nowhere. */
async function askInside(
  handle: ConsoleSignInOptions["handle"],
  url: string,
  authorization: string,
  form: URLSearchParams,
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const bytes = Buffer.from(form.toString());
  const request = Object.assign(new IncomingMessage(new Socket()), { method: "POST", url });
  request.headers = {
    host: "localhost",
    authorization,
    "content-type": "application/x-www-form-urlencoded",
    "content-length": String(bytes.length),
  };
  request.push(bytes);
  request.push(null);
  const response = new ServerResponse(request);
  const said = new Promise<string>((resolve) => {
    Object.defineProperty(response, "end", { value: (chunk?: string | Buffer) => resolve(chunk?.toString() ?? "") });
  });
  await handle(request, response as Response);
  const body: unknown = JSON.parse((await said) || "{}");
  return { status: response.statusCode, body: body as Readonly<Record<string, unknown>> };
}
