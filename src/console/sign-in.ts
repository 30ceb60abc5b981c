import { createHash, randomBytes } from "node:crypto";
import { type Request, type Response, Router } from "express";
import type { Auth } from "../auth/auth.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { SignInProblem } from "./api/session.ts";
import { type Cookie, defineCookie, placeOf } from "./cookies.ts";
import { seal, unseal } from "./sealed.ts";
import { isPlace } from "./serve-app.ts";
import type { Sessions } from "./sessions.ts";

export interface SignInOptions {
  readonly auth: () => Pick<Auth, "console">;
  readonly sessions: Sessions;
  /** Holds the session. */
  readonly cookie: Cookie;
  /** Where the console is reached from other machines. */
  readonly url: () => URL | undefined;
  /** Seals what a browser carries to the sign-in page and back; the same on every replica. */
  readonly key: Buffer;
  readonly clock: { now(): number };
  readonly log: Log;
}

/** What is remembered of a sign-in that was begun, in the browser that began it. */
interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirectUri: string;
  readonly to: string;
  /** The cookie of the session that this one takes the place of: it is Strict, and does not come along from another site. */
  readonly former?: string | undefined;
  readonly untilMs: number;
}

const PATIENCE_MS = 600_000;
const makeSecret = (): string => randomBytes(32).toString("base64url");
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** A place in the console, and never an address elsewhere: the browser goes there on our word. */
function localPath(value: unknown): string {
  const isSafe = typeof value === "string" && value.length <= 500 && /^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(value);
  return isSafe && isPlace(value) ? value : "/overview";
}

/** `/signin` and `/signin/callback`: the authorization code flow with PKCE, by the console's server. Tokens never reach the browser. */
export function createSignIn({ auth, sessions, cookie, url, key, clock, log }: SignInOptions): Router {
  /* Lax: the browser comes back from another site, and brings along nothing that is Strict. */
  const begunCookie = defineCookie("sallyport-signin", "/signin", "Lax", url);
  const router = Router();
  const fail = (response: Response, problem: SignInProblem): void => response.redirect(303, `/?signin=${problem}`);

  router.get("/signin", async (request, response) => {
    response.set("cache-control", "no-store");
    const { console: signIn } = auth();
    const redirectUri = signIn?.callbackAt(placeOf(request, url()).origin);
    if (signIn === undefined) return response.redirect(303, "/");
    if (redirectUri === undefined) return fail(response, "address");
    const begun: Begun = {
      state: makeSecret(),
      nonce: makeSecret(),
      verifier: makeSecret(),
      redirectUri,
      to: localPath(request.query["to"]),
      former: cookie.read(request),
      untilMs: clock.now() + PATIENCE_MS,
    };
    begunCookie.set(request, response, seal(key, JSON.stringify(begun)), PATIENCE_MS);
    const challenge = createHash("sha256").update(begun.verifier).digest("base64url");
    try {
      response.redirect(303, await signIn.authorizeUrl({ ...begun, challenge }));
    } catch (error) {
      log.warn({ error }, "the sign-in page cannot be found");
      fail(response, "failed");
    }
  });

  function readBegun(request: Request): Begun | undefined {
    const sealed = begunCookie.read(request);
    const opened = sealed === undefined ? undefined : unseal(key, sealed);
    if (opened === undefined) return undefined;
    const begun = JSON.parse(opened) as Begun;
    return begun.untilMs > clock.now() && begun.state === request.query["state"] ? begun : undefined;
  }

  router.get("/signin/callback", async (request, response) => {
    response.set("cache-control", "no-store");
    const begun = readBegun(request);
    const { console: signIn } = auth();
    begunCookie.clear(request, response);
    if (begun === undefined || signIn === undefined) return fail(response, "expired");
    /* RFC 9207: that it is the server that was asked. There is one for each gateway, so one that does not say can be no other. */
    if ((request.query["iss"] ?? signIn.issuer) !== signIn.issuer || request.query["error"] !== undefined)
      return fail(response, "refused");
    try {
      const { token, expiresAtMs } = await signIn.redeem({ ...begun, code: text(request.query["code"]) });
      const opened = await sessions.beginWithToken(token, expiresAtMs, begun.former ?? cookie.read(request));
      if (opened === undefined) {
        await signIn.end(token);
        return fail(response, "no-role");
      }
      const { name, role, endsAtMs } = opened.session;
      log.info({ name, role }, "signed in to the console");
      cookie.set(request, response, opened.cookie, endsAtMs - clock.now());
      response.redirect(303, begun.to);
    } catch (thrown) {
      const error = GatewayError.from(thrown);
      log.warn({ error }, "a sign-in to the console failed");
      fail(response, "failed");
    }
  });
  return router;
}
