import { type Request, type Response, Router } from "express";
import { GatewayError } from "../core/errors.ts";

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

/** What administers the gateway, for the command line and the pages; who may do what is seen to before. */
export function createAdminRoutes(actions: AdminActions): Router {
  const router = Router();
  router.get("/api/status", (_request, response) => void response.json(actions.status()));
  router.get("/api/keys", async (request, response) => void response.json(await actions.listKeys(queryOf(request))));
  router.post(
    "/api/keys",
    async (request, response) => void response.status(201).json(await actions.issueKey(request.body)),
  );
  router.delete("/api/keys/:id", async (request, response) => {
    if (!(await actions.revokeKey(request.params.id))) throw new GatewayError("not_found", "No API key has this id.");
    response.status(204).end();
  });
  router.get(
    "/api/clients",
    async (request, response) => void response.json(await actions.listClients(queryOf(request))),
  );
  router.post(
    "/api/clients",
    async (request, response) => void response.status(201).json(await actions.createClient(request.body)),
  );
  router.delete("/api/clients/:id", async (request, response) => {
    if (!(await actions.deleteClient(request.params.id)))
      throw new GatewayError("not_found", "No client was created or registered under this id.");
    response.status(204).end();
  });
  router.post(
    "/api/passcode",
    async (_request, response) => void response.status(201).json(await actions.resetPasscode()),
  );
  router.post("/api/signing-keys", async (_request, response) => {
    await actions.rotateSigningKeys();
    response.status(204).end();
  });
  router.get(
    "/api/spend",
    async (request, response) => void response.json(await actions.reportSpend(queryOf(request))),
  );
  router.get("/api/cache", (_request, response) => void response.json(actions.showCache()));
  router.post(
    "/api/cache/flush",
    async (request, response) => void response.json(await actions.flushCache(request.body ?? {})),
  );
  router.get(
    "/api/journal",
    async (request, response) => void response.json(await actions.queryJournal(queryOf(request))),
  );
  router.get("/api/chains/:id", async (request, response) => {
    const chain = await actions.showChain(request.params.id);
    if (chain === undefined) throw new GatewayError("not_found", "The journal has nothing of this chain.");
    response.json(chain);
  });
  const drain = (drained: boolean) => (request: Request<{ name: string[] }>, response: Response) => {
    if (!actions.drainEndpoint(request.params.name.join("/"), drained))
      throw new GatewayError("not_found", "No endpoint of a pool has this name.");
    response.status(204).end();
  };
  // Names may have slashes.
  router.put("/api/endpoints/*name/drain", drain(true));
  router.delete("/api/endpoints/*name/drain", drain(false));
  return router;
}

function queryOf({ query }: Request): Query {
  return Object.fromEntries(
    Object.entries(query).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
