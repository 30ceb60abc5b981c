import express, { type Express, type NextFunction, type Request, type Response } from "express";
import type { Auth } from "../auth/auth.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Principal } from "../core/principal.ts";
import { createAccess } from "./access.ts";
import { type AdminActions, createAdminRoutes } from "./admin-routes.ts";
import type { Problem, Role } from "./api/session.ts";
import { createAppFiles } from "./app-files.ts";
import { defineCookie } from "./cookies.ts";
import { createLive } from "./live.ts";
import { type ConsoleReads, createReadRoutes } from "./read-routes.ts";
import { keyFor } from "./sealed.ts";
import { secureAnswers, serveApp } from "./serve-app.ts";
import { createSessionRoutes } from "./session-routes.ts";
import { createSessions, type SessionKeep, type SessionRecord } from "./sessions.ts";
import { createSignIn } from "./sign-in.ts";

export type { AdminActions, ConsoleReads, SessionKeep, SessionRecord };

/** The console: what answers requests, and what ends the streams of its pages. */
export interface Console {
  readonly app: Express;
  close(): void;
}

export interface ConsoleOptions {
  readonly actions: AdminActions;
  readonly reads: ConsoleReads;
  /** The operator's bearer token; from a file only the operator can read. */
  readonly adminToken: string;
  readonly auth: () => Pick<Auth, "console">;
  readonly roleOf: (principal: Principal) => Role | undefined;
  /** Where the console is reached from other machines. */
  readonly url: () => URL | undefined;
  readonly sessions: SessionKeep;
  /** The gateway's own, the same on every replica. */
  readonly secret: Buffer;
  readonly clock: Clock;
  readonly log: Log;
}

const BODY_LIMIT_BYTES = 65_536;
/* Of each budget, once a second while somebody looks. */
const LIVE_COUNTERS = 10;

/**
 * The web console and the admin API, behind an edge that checks Host and Origin. The operator's bearer token or a session on every call all the
 * same: a port on loopback is open to every process of the machine.
 */
export function createConsole(options: ConsoleOptions): Console {
  const { actions, reads, adminToken, auth, url, clock, log } = options;
  const cookie = defineCookie("sallyport-console", "/", "Strict", url);
  const sessions = createSessions({ ...options, keep: options.sessions, signIn: () => auth().console });
  const access = createAccess({ adminToken, sessions, cookie });
  const files = createAppFiles();
  const app = express();
  app.disable("x-powered-by");
  app.use(secureAnswers(files.scriptHashes), serveApp(files));
  app.use(createSignIn({ auth, sessions, cookie, url, key: keyFor(options.secret, "sign-in"), clock, log }));
  app.use("/api", access.refuseOtherSites);
  app.use(createSessionRoutes({ access, sessions, cookie, oauth: () => auth().console !== undefined, clock }));
  app.use("/api", access.middleware, express.json({ limit: BODY_LIMIT_BYTES }), (_request, response, next) => {
    response.set("cache-control", "no-store"); // answers hold secrets that are shown once
    next();
  });
  const { traffic, inFlight, budgets } = reads;
  const live = createLive({ traffic, inFlight, budgets: () => budgets(LIVE_COUNTERS), clock });
  app.use(createAdminRoutes(actions));
  app.use(createReadRoutes({ reads, live, viewerOf: access.viewerOf, clock }));
  app.use((request: Request) => {
    throw new GatewayError("not_found", `Nothing is served at ${request.path}.`);
  });
  app.use((thrown: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(thrown);
    const error = GatewayError.from(fromExpress(thrown));
    if (error.kind === "internal") log.error({ error: thrown }, "the admin API failed");
    response
      .status(error.spec.status)
      .set(error.headers)
      .json({ error: { type: error.kind, message: error.message } } satisfies Problem);
  });
  return { app, close: () => live.close() };
}

/** What Express and its body parser refuse of a request, in our words; anything else as it is. `type` is the parser's own name for it. */
function fromExpress(thrown: unknown): unknown {
  if (!(thrown instanceof Error && "status" in thrown && typeof thrown.status === "number" && thrown.status < 500))
    return thrown;
  const type = "type" in thrown ? thrown.type : undefined;
  if (type === "entity.too.large")
    return new GatewayError("too_large", `The body may have ${BODY_LIMIT_BYTES} bytes.`, { cause: thrown });
  if (type === "encoding.unsupported" || type === "charset.unsupported")
    return new GatewayError("unsupported_media", "The body must be JSON in UTF-8.", { cause: thrown });
  const message = type === "entity.parse.failed" ? "The body is not JSON." : "The request cannot be read.";
  return new GatewayError("invalid_request", message, { cause: thrown });
}
