import { json, Router } from "express";
import { GatewayError } from "../core/errors.ts";
import type { Access } from "./access.ts";
import type { Session } from "./api/session.ts";
import type { Cookie } from "./cookies.ts";
import type { OpenSession, Sessions } from "./sessions.ts";

export interface SessionRoutesOptions {
  readonly access: Access;
  readonly sessions: Sessions;
  readonly cookie: Cookie;
  /** Whether there is a sign-in page. */
  readonly oauth: () => boolean;
  readonly clock: { now(): number };
}

const TOKEN_HINT =
  "The operator's token lies in the file admin-token beside the gateway's state, ./data/admin-token unless `state` says otherwise.";

/** `/api/session`: who is signed in, signing in with the operator's token, and signing out. */
export function createSessionRoutes({ access, sessions, cookie, oauth, clock }: SessionRoutesOptions): Router {
  const router = Router();
  const toAnswer = (session: OpenSession): Session => ({ signedIn: true, ...session });

  router.get("/api/session", async (request, response) => {
    const session = await access.findSession(request);
    const nobody: Session = { signedIn: false, oauth: oauth(), tokenHint: TOKEN_HINT };
    response.set("cache-control", "no-store").json(session === undefined ? nobody : toAnswer(session));
  });
  router.post("/api/session", json({ limit: 4_096 }), async (request, response) => {
    access.checkSource(request);
    const token: unknown = (request.body as { readonly token?: unknown } | undefined)?.token;
    const former = cookie.read(request);
    const begun = typeof token === "string" ? await sessions.beginWithAdminToken(token.trim(), former) : undefined;
    if (begun === undefined)
      throw new GatewayError("unauthenticated", `This is not the operator's token. ${TOKEN_HINT}`);
    cookie.set(request, response, begun.cookie, begun.session.endsAtMs - clock.now());
    response.set("cache-control", "no-store").status(201).json(toAnswer(begun.session));
  });
  router.delete("/api/session", async (request, response) => {
    access.checkSource(request);
    const value = cookie.read(request);
    if (value !== undefined) await sessions.end(value);
    cookie.clear(request, response);
    response.status(204).end();
  });
  return router;
}
