import { timingSafeEqual, createHash } from "node:crypto";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Problem } from "./api/session.ts";
import { createAppFiles } from "./app-files.ts";
import { secureAnswers, serveApp } from "./serve-app.ts";

type Query = Readonly<Record<string, string>>;

/** What the admin API may do; each function is the face of its domain, handed in by the gateway. */
export interface AdminActions {
  readonly status: () => unknown;
  readonly issueKey: (request: unknown) => Promise<unknown>;
  readonly listKeys: (query: Query) => Promise<unknown>;
  readonly revokeKey: (id: string) => Promise<boolean>;
  readonly createClient: (request: unknown) => Promise<unknown>;
  readonly listClients: (query: Query) => Promise<unknown>;
  readonly deleteClient: (id: string) => Promise<boolean>;
  readonly resetPasscode: () => Promise<unknown>;
  readonly rotateSigningKeys: () => Promise<void>;
  readonly queryJournal: (query: Query) => Promise<unknown>;
  /** By its own id or that of one of its requests; undefined: nothing is on record. */
  readonly showChain: (id: string) => Promise<unknown>;
  readonly reportSpend: (query: Query) => Promise<unknown>;
  readonly showCache: () => unknown;
  readonly flushCache: (request: unknown) => Promise<unknown>;
  /** An endpoint of a pool gets no more calls, or gets them again; false: there is none of this name. */
  readonly drainEndpoint: (name: string, drained: boolean) => boolean;
}

export interface ConsoleOptions {
  readonly actions: AdminActions;
  /** The operator's bearer token; from a file only the operator can read. */
  readonly adminToken: string;
  readonly log: Log;
}

const BODY_LIMIT_BYTES = 65_536;

/**
 * The admin API, behind an edge that checks Host and Origin. A bearer token on every call all the same: a port on loopback is open to
 * every process of the machine.
 */
export function createConsole({ actions, adminToken, log }: ConsoleOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  const files = createAppFiles();
  app.use(secureAnswers(files.scriptHashes), serveApp(files));
  app.use("/api", checkToken(adminToken), express.json({ limit: BODY_LIMIT_BYTES }), (_request, response, next) => {
    response.set("cache-control", "no-store"); // answers hold secrets that are shown once
    next();
  });
  app.get("/api/status", (_request, response) => void response.json(actions.status()));
  app.get("/api/keys", async (request, response) => void response.json(await actions.listKeys(queryOf(request))));
  app.post(
    "/api/keys",
    async (request, response) => void response.status(201).json(await actions.issueKey(request.body)),
  );
  app.delete("/api/keys/:id", async (request, response) => {
    if (!(await actions.revokeKey(request.params.id))) throw new GatewayError("not_found", "No API key has this id.");
    response.status(204).end();
  });
  app.get("/api/clients", async (request, response) => void response.json(await actions.listClients(queryOf(request))));
  app.post(
    "/api/clients",
    async (request, response) => void response.status(201).json(await actions.createClient(request.body)),
  );
  app.delete("/api/clients/:id", async (request, response) => {
    if (!(await actions.deleteClient(request.params.id)))
      throw new GatewayError("not_found", "No client was created or registered under this id.");
    response.status(204).end();
  });
  app.post(
    "/api/passcode",
    async (_request, response) => void response.status(201).json(await actions.resetPasscode()),
  );
  app.post("/api/signing-keys", async (_request, response) => {
    await actions.rotateSigningKeys();
    response.status(204).end();
  });
  app.get("/api/spend", async (request, response) => void response.json(await actions.reportSpend(queryOf(request))));
  app.get("/api/cache", (_request, response) => void response.json(actions.showCache()));
  app.post(
    "/api/cache/flush",
    async (request, response) => void response.json(await actions.flushCache(request.body ?? {})),
  );
  app.get(
    "/api/journal",
    async (request, response) => void response.json(await actions.queryJournal(queryOf(request))),
  );
  app.get("/api/chains/:id", async (request, response) => {
    const chain = await actions.showChain(request.params.id);
    if (chain === undefined) throw new GatewayError("not_found", "The journal has nothing of this chain.");
    response.json(chain);
  });
  const drain = (drained: boolean) => (request: Request<{ name: string }>, response: Response) => {
    if (!actions.drainEndpoint(request.params.name, drained))
      throw new GatewayError("not_found", "No endpoint of a pool has this name.");
    response.status(204).end();
  };
  app.put("/api/endpoints/:name/drain", drain(true));
  app.delete("/api/endpoints/:name/drain", drain(false));
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
  return app;
}

function queryOf({ query }: Request): Query {
  return Object.fromEntries(
    Object.entries(query).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
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

function checkToken(adminToken: string) {
  const expected = digest(`Bearer ${adminToken}`);
  return (request: Request, _response: Response, next: NextFunction): void => {
    if (timingSafeEqual(digest(request.headers.authorization ?? ""), expected)) return next();
    throw new GatewayError("unauthenticated", "The admin API needs the operator's token.", {
      headers: { "www-authenticate": "Bearer" },
    });
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
