import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { ApiFailure, expired } from "./api-failure.ts";
import { type ApiRequest, readRequest, readSelectors } from "./api-request.ts";
import { createObjectStore, type Json, type ObjectStore, type Stored } from "./object-store.ts";
import { discover, type Resource, standardResources } from "./resources.ts";
import { startWatch, type Watch } from "./watches.ts";

/** What a test makes of a request in the server's place: nothing, a failure, anything at all, silence, or a broken connection. */
export type Fault =
  | undefined
  | ApiFailure
  | "hang"
  | "drop"
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly delayMs: number };

export interface ApiServer {
  readonly url: string;
  readonly port: number;
  store: ObjectStore;
  /** Every request that was read, in order. */
  readonly requests: ApiRequest[];
  readonly watches: ReadonlySet<Watch>;
  /** Bearer tokens that are let in; undefined: everybody is. */
  tokens: Set<string> | undefined;
  /** Kinds whose definition is not there, by plural. */
  readonly uninstalled: Set<string>;
  intercept: (request: ApiRequest) => Fault;
  expiry: "event" | "status";
  apply(object: Json): Stored;
  delete(kind: string, namespace: string | undefined, name: string): void;
  get(kind: string, namespace: string | undefined, name: string): Stored;
  resource(kind: string): Resource;
  /** Forgets the pages of lists that are under way and all events but the newest `keep`. */
  compact(keep?: number): void;
  stop(): Promise<void>;
  /** The same address again, with the same objects unless `empty`. No event of before is known. */
  start(options?: { readonly empty?: boolean }): Promise<void>;
}

export interface ApiServerOptions {
  readonly resources?: readonly Resource[];
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
}

const BODY_TYPES = {
  create: ["application/json"],
  update: ["application/json"],
  patch: ["application/merge-patch+json"],
};
const PAGE_LIMIT = 10_000;

/** An API server in this process, over real HTTP: what a gateway needs of one, as strict as one. */
export async function startApiServer({
  resources = standardResources,
  tls,
}: ApiServerOptions = {}): Promise<ApiServer> {
  const pages = new Map<string, { readonly items: readonly Stored[]; readonly version: number }>();
  const watches = new Set<Watch>();
  const sockets = new Set<Socket>();
  const handler = (request: IncomingMessage, response: ServerResponse) => void serve(request, response);
  const create = () =>
    tls === undefined
      ? createServer(handler)
      : createTlsServer(
          { ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: tls.ca !== undefined },
          handler,
        );
  let listener = create();
  let port = 0;

  const show = (object: Stored, { apiVersion }: ApiRequest): Stored => ({ ...object, apiVersion });

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (incoming.url === "/version") return answer(response, 200, { major: "1", minor: "36", gitVersion: "v1.36.0" });
      const installed = resources.filter(({ plural }) => !api.uninstalled.has(plural));
      const found = discover(incoming.url ?? "", installed);
      if (found !== undefined) return answer(response, 200, found);
      const request = readRequest(incoming, installed);
      api.requests.push(request);
      const token = /^Bearer (\S+)$/.exec(incoming.headers.authorization ?? "")?.[1];
      if (api.tokens !== undefined && (token === undefined || !api.tokens.has(token)))
        throw new ApiFailure(401, "Unauthorized", "Unauthorized");
      const fault = api.intercept(request);
      if (fault instanceof ApiFailure) throw fault;
      if (fault === "hang") return;
      if (fault === "drop") return void response.destroy();
      if (fault !== undefined && "delayMs" in fault) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
      if (fault !== undefined && "status" in fault)
        return void response
          .writeHead(fault.status, { "content-type": "application/json", ...fault.headers })
          .end(fault.body);
      if (request.verb === "watch") return openWatch(request, response);
      answer(response, request.verb === "create" ? 201 : 200, await carryOut(request, incoming));
    } catch (error) {
      if (error instanceof ApiFailure) answer(response, error.code, error.toStatus(), error.details);
      else answer(response, 500, new ApiFailure(500, "InternalError", String(error)).toStatus());
    }
  }

  function answer(
    response: ServerResponse,
    status: number,
    body: unknown,
    details?: Readonly<Record<string, unknown>>,
  ): void {
    const after = details?.["retryAfterSeconds"];
    response.writeHead(status, {
      "content-type": "application/json",
      ...(typeof after === "number" && { "retry-after": String(after) }),
    });
    response.end(JSON.stringify(body));
  }

  function openWatch(request: ApiRequest, response: ServerResponse): void {
    const watch = startWatch({
      store: api.store,
      request,
      response,
      expiry: api.expiry,
      show,
      closed: (ended) => watches.delete(ended),
    });
    if (!response.writableEnded) watches.add(watch);
  }

  async function carryOut(request: ApiRequest, incoming: IncomingMessage): Promise<unknown> {
    const { verb, resource, namespace, name = "", subresource } = request;
    const { store } = api;
    if (verb === "list") return list(request);
    if (verb === "get") return show(store.get(resource, namespace, name), request);
    if (verb === "delete") return store.remove(resource, namespace, name);
    const types = BODY_TYPES[verb as keyof typeof BODY_TYPES];
    if (!types.includes(request.contentType))
      throw new ApiFailure(
        415,
        "UnsupportedMediaType",
        `the body of the request was in an unknown format - accepted media types include: ${types.join(", ")}`,
      );
    const body = readBody(await collect(incoming), request);
    if (verb === "create") return show(store.create(resource, withPlace(body, request)), request);
    const part = subresource ?? "main";
    if (verb === "update") return show(store.update(resource, withPlace(body, request), part), request);
    const former = store.get(resource, namespace, name);
    const merged = mergePatch(former, body) as Json;
    const metadata = { ...(merged["metadata"] as Json) };
    if ((body["metadata"] as Json | undefined)?.["resourceVersion"] === undefined)
      metadata["resourceVersion"] = former.metadata.resourceVersion;
    return show(store.update(resource, { ...merged, metadata }, part), request);
  }

  function list(request: ApiRequest): unknown {
    const { resource, namespace, query } = request;
    const selects = readSelectors(request);
    const limit = Number(query["limit"] ?? 0) || PAGE_LIMIT;
    const token = query["continue"];
    const page =
      token === undefined || token === ""
        ? { items: api.store.list(resource, namespace).filter(selects), version: api.store.version }
        : pages.get(token);
    if (page === undefined)
      throw expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
      );
    if (token !== undefined) pages.delete(token);
    const items = page.items.slice(0, limit);
    const rest = page.items.slice(limit);
    const next = rest.length > 0 ? Buffer.from(`${page.version}:${Math.random()}`).toString("base64url") : undefined;
    if (next !== undefined) pages.set(next, { items: rest, version: page.version });
    return {
      kind: `${resource.kind}List`,
      apiVersion: request.apiVersion,
      metadata: {
        resourceVersion: String(page.version),
        ...(next !== undefined && { continue: next, remainingItemCount: rest.length }),
      },
      items: items.map((item) => {
        if (!resource.builtIn) return show(item, request);
        const { apiVersion: _, kind: __, ...bare } = item;
        return bare;
      }),
    };
  }

  const api: ApiServer = {
    get url() {
      return `http${tls === undefined ? "" : "s"}://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    store: createObjectStore(),
    requests: [],
    watches,
    tokens: undefined,
    uninstalled: new Set(),
    intercept: () => undefined,
    expiry: "event",
    resource(kind) {
      const found = resources.find((each) => each.kind === kind);
      if (found === undefined) throw new Error(`no kind ${kind}`);
      return found;
    },
    apply(object) {
      const resource = api.resource(String(object["kind"]));
      const { name, namespace } = object["metadata"] as { name: string; namespace?: string };
      const former = api.store.list(resource, namespace).find(({ metadata }) => metadata.name === name);
      if (former === undefined) {
        const made = api.store.create(resource, object);
        return object["status"] === undefined || !resource.status || resource.builtIn
          ? made
          : api.store.update(resource, { ...object, metadata: { ...made.metadata } }, "status");
      }
      const metadata = { ...(object["metadata"] as Json), resourceVersion: former.metadata.resourceVersion };
      const updated = api.store.update(resource, { ...object, metadata }, "main");
      return object["status"] === undefined || !resource.status
        ? updated
        : api.store.update(resource, { ...object, metadata: { ...updated.metadata } }, "status");
    },
    delete: (kind, namespace, name) => void api.store.remove(api.resource(kind), namespace, name),
    get: (kind, namespace, name) => api.store.get(api.resource(kind), namespace, name),
    compact(keep = 0) {
      pages.clear();
      api.store.compact(keep);
    },
    async stop() {
      for (const watch of [...watches]) watch.drop();
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, "close");
    },
    async start({ empty = false } = {}) {
      if (empty) api.store = createObjectStore();
      else api.store.compact(0);
      pages.clear();
      listener = create();
      await listen();
    },
  };

  async function listen(): Promise<void> {
    listener.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    listener.listen(port, "127.0.0.1");
    await once(listener, "listening");
    port = (listener.address() as AddressInfo).port;
  }
  await listen();
  return api;
}

async function collect(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function readBody(text: string, { resource, apiVersion, verb }: ApiRequest): Json {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiFailure(400, "BadRequest", "couldn't get version/kind; json parse error");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new ApiFailure(400, "BadRequest", "not an object");
  const object = body as Json;
  if (verb !== "patch" && (object["apiVersion"] !== apiVersion || object["kind"] !== resource.kind))
    throw new ApiFailure(
      400,
      "BadRequest",
      `${String(object["kind"])} in version ${String(object["apiVersion"])} cannot be handled as a ${resource.kind}`,
    );
  return object;
}

/* What the address says, the body may leave out and may not contradict. */
function withPlace(object: Json, { namespace, name, verb }: ApiRequest): Json {
  const metadata = (object["metadata"] ?? {}) as Json;
  if (metadata["namespace"] !== undefined && metadata["namespace"] !== namespace)
    throw new ApiFailure(
      400,
      "BadRequest",
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  if (verb === "update" && metadata["name"] !== name)
    throw new ApiFailure(400, "BadRequest", "the name of the object does not match the name on the URL");
  return { ...object, metadata: { ...metadata, ...(namespace !== undefined && { namespace }) } };
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const merged: Json = typeof target === "object" && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}
