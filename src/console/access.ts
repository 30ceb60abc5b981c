import { createHash, timingSafeEqual } from "node:crypto";
import type { Request, RequestHandler } from "express";
import { GatewayError } from "../core/errors.ts";
import type { Cookie } from "./cookies.ts";
import type { Viewer } from "./live.ts";
import type { OpenSession, Sessions } from "./sessions.ts";

export interface AccessOptions {
  readonly adminToken: string;
  readonly sessions: Sessions;
  readonly cookie: Cookie;
}

/** Sent by the console's own pages with whatever changes something: no page of another origin can add it without being asked first (CORS). */
const HEADER = "x-sallyport-console";

const reads = new Set(["GET", "HEAD"]);
/* `none`: a person typed the address. */
const ownSites = new Set<unknown>([undefined, "same-origin", "none"]);
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/**
 * Lets in who shows the operator's bearer token, or the cookie of a session. A cookie comes along whoever makes the browser ask, so what changes
 * something must come from the console's own page. Throws GatewayError("unauthenticated" or "denied").
 */
export function createAccess({ adminToken, sessions, cookie }: AccessOptions) {
  const expected = digest(`Bearer ${adminToken}`);

  /** Throws for a request that a browser may have been made to send. The edge has compared Origin with Host. */
  function checkSource({ headers }: Request): void {
    if (headers.origin === undefined || headers[HEADER] === undefined)
      throw new GatewayError("denied", `Only the console's own pages may do this: send Origin and ${HEADER}: 1.`);
    if (headers["sec-fetch-site"] !== undefined && headers["sec-fetch-site"] !== "same-origin")
      throw new GatewayError("denied", "Only the console's own pages may do this.");
  }

  /** Refuses what a page of elsewhere makes a browser ask for: the cookie comes along to every port of this host, and reading costs. */
  const refuseOtherSites: RequestHandler = ({ headers }, _response, next) => {
    if (headers.authorization === undefined && !ownSites.has(headers["sec-fetch-site"]))
      throw new GatewayError("denied", "Only the console's own pages may ask for this.");
    next();
  };

  const findSession = (request: Request): Promise<OpenSession | undefined> => sessions.find(cookie.read(request));

  async function check(request: Request): Promise<void> {
    const { authorization } = request.headers;
    if (authorization !== undefined && timingSafeEqual(digest(authorization), expected)) return;
    const session = authorization === undefined ? await findSession(request) : undefined;
    if (session === undefined)
      throw new GatewayError(
        "unauthenticated",
        "The admin API needs the operator's token, or a session of the console.",
        {
          headers: { "www-authenticate": "Bearer" },
        },
      );
    if (reads.has(request.method)) return;
    checkSource(request);
    /* It changes nothing. */
    if (request.method === "POST" && request.path === "/policies/try") return;
    if (session.role !== "operator") throw new GatewayError("denied", "A viewer reads only; this takes an operator.");
  }

  /** Whether it would be let in now. */
  const isAllowed = (request: Request): Promise<boolean> =>
    check(request).then(
      () => true,
      (error: unknown) => {
        if (error instanceof GatewayError && error.kind === "unauthenticated") return false;
        throw error;
      },
    );

  /** Who reads a stream, having been let in. */
  async function viewerOf(request: Request): Promise<Viewer> {
    const session = request.headers.authorization === undefined ? await findSession(request) : undefined;
    const cookieHash = session && digest(cookie.read(request) ?? "").toString("base64url");
    return { session: cookieHash, endsAtMs: session?.endsAtMs, mayGoOn: () => isAllowed(request) };
  }

  const middleware: RequestHandler = async (request, _response, next) => {
    await check(request);
    next();
  };
  return { checkSource, refuseOtherSites, findSession, viewerOf, middleware };
}

export type Access = ReturnType<typeof createAccess>;
