import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

/** What the gateway handed over with a task. */
export interface Handoff {
  /** Lets this agent act for the user it works for; empty when it was handed none. */
  readonly actorToken: string;
  /** W3C trace context of the task; empty when there is none. */
  readonly traceparent: string;
}

/** The gateway as one task sees it. */
export interface GatewayAccess {
  readonly url: string;
  /** A fetch that shows this agent's right to act for the user, and the trace. */
  readonly fetch: typeof fetch;
}

interface Credentials {
  readonly id: string;
  readonly secret: string;
}

const exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";
const accessTokenType = "urn:ietf:params:oauth:token-type:access_token";

/** Opens the gateway for one task: everything this agent does goes through it, and nowhere else. Rejects with what is missing. */
export async function openGateway(handoff: Handoff, signal: AbortSignal): Promise<GatewayAccess> {
  const url = process.env.SALLYPORT_URL?.replace(/\/+$/, "");
  if (url === undefined || url === "")
    throw new Error("SALLYPORT_URL is not set: I reach tools, models and other agents through the gateway alone.");
  const toHere = (address: string) => withinReach(address, url);
  const token = await obtainToken({ url, toHere }, handoff.actorToken, signal);
  const traceparent = childOf(handoff.traceparent);
  return {
    url,
    fetch: (input, init) => {
      const headers = new Headers(init?.headers);
      if (token !== "") headers.set("authorization", `Bearer ${token}`);
      if (traceparent !== "") headers.set("traceparent", traceparent);
      return fetch(input instanceof Request ? input : toHere(String(input)), { ...init, headers });
    },
  };
}

/** Cards and metadata name the gateway by its public address, which this agent's network need not reach. */
function withinReach(address: string, url: string): string {
  const named = process.env.SALLYPORT_PUBLIC_URL?.replace(/\/+$/, "");
  return named && (address === named || address.startsWith(`${named}/`)) ? url + address.slice(named.length) : address;
}

interface Place {
  readonly url: string;
  readonly toHere: (address: string) => string;
}

/**
 * A token of this agent's own for the user it works for: the handed one exchanged (RFC 8693), so that the authorization server has
 * seen this agent's credential too. Without a user it acts for itself; without credentials the handed token must do.
 */
async function obtainToken({ url, toHere }: Place, actorToken: string, signal: AbortSignal): Promise<string> {
  const credentials = readCredentials();
  if (credentials === undefined) return actorToken;
  const grant: Record<string, string> =
    actorToken === ""
      ? { grant_type: "client_credentials" }
      : { grant_type: exchangeGrant, subject_token: actorToken, subject_token_type: accessTokenType };
  const endpoint = toHere(await tokenEndpoint(url, signal));
  const response = await reach(endpoint, {
    method: "POST",
    headers: {
      authorization: `Basic ${Buffer.from(`${encodeURIComponent(credentials.id)}:${encodeURIComponent(credentials.secret)}`).toString("base64")}`,
    },
    body: new URLSearchParams(grant),
    signal,
  });
  const answer = (await response.json().catch(() => ({}))) as {
    access_token?: unknown;
    error?: string;
    error_description?: string;
  };
  if (typeof answer.access_token === "string") return answer.access_token;
  throw new Error(
    `The gateway gave me no token: ${answer.error_description ?? answer.error ?? `status ${response.status}`}.`,
  );
}

async function tokenEndpoint(url: string, signal: AbortSignal): Promise<string> {
  const response = await reach(`${url}/.well-known/oauth-authorization-server`, { signal });
  const metadata = (await response.json().catch(() => ({}))) as { token_endpoint?: unknown };
  if (typeof metadata.token_endpoint !== "string") throw new Error(`The gateway at ${url} names no token endpoint.`);
  return metadata.token_endpoint;
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    throw new Error(`I cannot reach the gateway at ${new URL(url).origin}.`, { cause });
  }
}

/** `id:secret` in a file that may appear after this agent has started, or both in the environment. */
function readCredentials(): Credentials | undefined {
  const { SALLYPORT_CLIENT_FILE: file, SALLYPORT_CLIENT_ID: id, SALLYPORT_CLIENT_SECRET: secret } = process.env;
  if (file !== undefined && file !== "") {
    const line = readFileSync(file, "utf8").trim();
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`SALLYPORT_CLIENT_FILE must hold one line, id:secret.`);
    return { id: line.slice(0, colon), secret: line.slice(colon + 1) };
  }
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** The same trace with a span of this agent's own. */
function childOf(traceparent: string): string {
  const match = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(traceparent);
  return match === null ? "" : `00-${match[1]}-${randomBytes(8).toString("hex")}-${match[2]}`;
}
