import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Auth } from "../auth/auth.ts";
import type { Principal } from "../core/principal.ts";
import type { Role } from "./api/session.ts";
import { keyFor, seal, unseal } from "./sealed.ts";

/** Who is signed in. */
export interface OpenSession {
  readonly name: string;
  readonly role: Role;
  readonly endsAtMs: number;
  readonly by: "oauth" | "token";
}

/** Where sessions are kept, so that every replica knows them and a restart ends none. */
export interface SessionKeep {
  read(id: string): Promise<SessionRecord | undefined>;
  write(id: string, record: SessionRecord, ttlMs: number): Promise<void>;
  forget(id: string): Promise<void>;
}

export interface SessionRecord {
  readonly by: OpenSession["by"];
  readonly endsAtMs: number;
  /** What the session stands on, sealed with the cookie: who reads the store alone can do nothing with it. */
  readonly sealed: string;
}

export interface Sessions {
  /**
   * Signs in with an access token for the admin API, and ends the session of `former`, the cookie that the browser had. Undefined: whoever has the token
   * has no role here.
   */
  beginWithToken(token: string, endsAtMs: number, former: string | undefined): Promise<Begun | undefined>;
  /** The same with the operator's admin token. Undefined: it is another. */
  beginWithAdminToken(given: string, former: string | undefined): Promise<Begun | undefined>;
  /** The session of a cookie; undefined once it has ended, its token was revoked, or nobody has that role any more. */
  find(cookie: string | undefined): Promise<OpenSession | undefined>;
  end(cookie: string): Promise<void>;
}

export interface Begun {
  readonly cookie: string;
  readonly session: OpenSession;
}

export interface SessionsOptions {
  readonly keep: SessionKeep;
  readonly signIn: () => Auth["console"];
  readonly roleOf: (principal: Principal) => Role | undefined;
  readonly adminToken: string;
  readonly clock: { now(): number };
}

/* As long as a browser stays signed in with a password. */
const ADMIN_TOKEN_MS = 8 * 3_600_000;
const COOKIE = /^[A-Za-z0-9_-]{43}$/;

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
const idOf = (cookie: string): string => digest(`id:${cookie}`).toString("base64url");
const keyOf = (cookie: string): Buffer => keyFor(cookie, "session");

/** The console's sessions. A cookie is worth nothing without the record, and the record nothing without the cookie. */
export function createSessions({ keep, signIn, roleOf, adminToken, clock }: SessionsOptions): Sessions {
  async function begin(session: OpenSession, stands: string, former: string | undefined): Promise<Begun> {
    const cookie = randomBytes(32).toString("base64url");
    const { by, endsAtMs } = session;
    await keep.write(idOf(cookie), { by, endsAtMs, sealed: seal(keyOf(cookie), stands) }, endsAtMs - clock.now());
    if (former !== undefined) await end(former);
    return { cookie, session };
  }

  async function fromToken(token: string, endsAtMs: number): Promise<OpenSession | undefined> {
    const principal = await signIn()?.identify(token);
    const role = principal && roleOf(principal);
    return principal && role && { name: principal.subject, role, endsAtMs, by: "oauth" };
  }

  const fromAdminToken = (given: string, endsAtMs: number): OpenSession | undefined =>
    timingSafeEqual(digest(given), digest(adminToken))
      ? { name: "operator", role: "operator", endsAtMs, by: "token" }
      : undefined;

  async function open(cookie: string) {
    const record = COOKIE.test(cookie) ? await keep.read(idOf(cookie)) : undefined;
    if (record === undefined || record.endsAtMs <= clock.now()) return undefined;
    const stands = unseal(keyOf(cookie), record.sealed);
    return stands === undefined ? undefined : { ...record, stands };
  }

  async function end(cookie: string): Promise<void> {
    const found = await open(cookie);
    if (found?.by === "oauth") await signIn()?.end(found.stands);
    await keep.forget(idOf(cookie));
  }

  return {
    async beginWithToken(token, endsAtMs, former) {
      const session = await fromToken(token, endsAtMs);
      return session && begin(session, token, former);
    },
    async beginWithAdminToken(given, former) {
      const session = fromAdminToken(given, clock.now() + ADMIN_TOKEN_MS);
      return session && begin(session, given, former);
    },
    async find(cookie) {
      const found = cookie === undefined ? undefined : await open(cookie);
      if (found === undefined) return undefined;
      const { by, stands, endsAtMs } = found;
      return by === "oauth" ? fromToken(stands, endsAtMs) : fromAdminToken(stands, endsAtMs);
    },
    end,
  };
}
