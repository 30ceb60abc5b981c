import type { IncomingMessage } from "node:http";
import type { Request, Response } from "express";
import { compactVerify } from "jose";
import { Provider, type AdapterPayload } from "oidc-provider";
import { parseCompactJws } from "../compact-jws.ts";
import type { SigningKeys } from "../signing-keys.ts";
import { readBody, withBody } from "./replay.ts";

const LIMIT_BYTES = 32 * 1024;

/** The record the provider would have of an access token that we signed, whether or not it has expired; undefined for anything else. */
async function recordOf(token: string, issuer: string, keys: SigningKeys): Promise<AdapterPayload | undefined> {
  const jws = parseCompactJws(token);
  if (jws?.payload["iss"] !== issuer || jws.header["alg"] !== "ES256") return undefined;
  const key = await keys.keyFor({ alg: "ES256", kid: String(jws.header["kid"]) });
  if (key === undefined) return undefined;
  const valid = await compactVerify(token, key, { algorithms: ["ES256"] }).then(
    () => true,
    () => false,
  );
  if (!valid) return undefined;
  const { jti, sub, client_id: clientId, iat, exp, gid, act } = jws.payload;
  const own = sub === clientId && act === undefined;
  return {
    kind: own ? "ClientCredentials" : "AccessToken",
    jti: String(jti),
    clientId: String(clientId),
    iat: Number(iat),
    exp: Number(exp),
    ...(own ? {} : { accountId: String(sub) }),
    // A delegated token ends alone: the agent that holds it may not end the user's own grant.
    ...(typeof gid === "string" && act === undefined ? { grantId: gid } : {}),
  };
}

/**
 * RFC 7009 for tokens the provider does not keep. It authenticates the client and decides; a JWT that we signed is put before it as the id
 * it would have had, and its adapter finds the record in the token itself.
 */
export function createRevocation(issuer: string, keys: SigningKeys) {
  const records = new WeakMap<IncomingMessage, AdapterPayload>();
  return {
    /** The record behind the token that the request under way wants revoked. */
    presented(model: string, id: string): AdapterPayload | undefined {
      const context = Provider.ctx;
      const record = context === undefined ? undefined : records.get(context.req);
      return record?.kind === model && record.jti === id ? record : undefined;
    },
    async handle(
      request: Request,
      response: Response,
      next: (request: IncomingMessage, response: Response) => Promise<void>,
    ): Promise<void> {
      const body = await readBody(request, LIMIT_BYTES);
      const form = new URLSearchParams(body.toString("utf8"));
      const record = await recordOf(form.get("token") ?? "", issuer, keys);
      if (record === undefined) return next(withBody(request, body), response);
      form.set("token", record.jti ?? "");
      const replayed = withBody(request, Buffer.from(form.toString()));
      records.set(replayed, record);
      return next(replayed, response);
    },
  };
}
