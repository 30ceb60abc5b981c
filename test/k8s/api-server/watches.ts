import type { ServerResponse } from "node:http";
import { ApiFailure, expired } from "./api-failure.ts";
import { type ApiRequest, readSelectors } from "./api-request.ts";
import type { ObjectStore, Stored, StoredEvent } from "./object-store.ts";

/** One open watch. */
export interface Watch {
  readonly request: ApiRequest;
  send(event: { readonly type: string; readonly object: unknown }): void;
  /** A line that may be anything. */
  sendRaw(line: string): void;
  bookmark(): void;
  /** Ends it as a server does whose time for it is over. */
  end(): void;
  /** Breaks the connection off. */
  drop(): void;
}

interface WatchOptions {
  readonly store: ObjectStore;
  readonly request: ApiRequest;
  readonly response: ServerResponse;
  /** How a version that is too old is answered: as most servers do, or at once. */
  readonly expiry: "event" | "status";
  /** As the version shows an object. */
  readonly show: (object: Stored, request: ApiRequest) => unknown;
  readonly closed: (watch: Watch) => void;
}

/** Starts a watch: what happened since the version asked for, then what happens. */
export function startWatch({ store, request, response, expiry, show, closed }: WatchOptions): Watch {
  const { query, resource, namespace } = request;
  const selects = readSelectors(request);
  const since = query["resourceVersion"] ?? "";
  if (!/^\d*$/.test(since)) throw new ApiFailure(400, "BadRequest", `Invalid value: "${since}": strconv.ParseUint`);
  const version = Number(since);
  if (version > store.version) {
    throw new ApiFailure(504, "Timeout", "Timeout: Too large resource version: " + since, {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    });
  }
  const tooOld = version > 0 && version < store.oldest;
  if (tooOld && expiry === "status") throw expired(`too old resource version: ${since} (${store.oldest})`);

  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  const watch: Watch = {
    request,
    send: (event) => watch.sendRaw(JSON.stringify(event)),
    sendRaw: (line) => void response.write(`${line}\n`),
    bookmark() {
      if (query["allowWatchBookmarks"] !== "true") return;
      const metadata = { resourceVersion: String(store.version), creationTimestamp: null };
      watch.send({ type: "BOOKMARK", object: { kind: resource.kind, apiVersion: request.apiVersion, metadata } });
    },
    end() {
      stop();
      response.end();
    },
    drop() {
      stop();
      response.destroy();
    },
  };
  const concerns = (object: Stored) =>
    (namespace === undefined || object.metadata.namespace === namespace) && selects(object);
  const tell = (event: StoredEvent) => {
    if (event.resource === resource && concerns(event.object))
      watch.send({ type: event.type, object: show(event.object, request) });
  };
  const timeoutMs = Number(query["timeoutSeconds"] ?? 1_800) * 1_000;
  const timer = setTimeout(() => {
    watch.bookmark();
    watch.end();
  }, timeoutMs);
  const unlisten = tooOld ? () => {} : store.onEvent(tell);
  const stop = () => {
    clearTimeout(timer);
    unlisten();
    closed(watch);
  };
  response.on("close", stop);

  if (tooOld) {
    watch.send({ type: "ERROR", object: expired(`too old resource version: ${since} (${store.oldest})`).toStatus() });
    watch.end();
  } else if (version === 0) {
    for (const object of store.list(resource, namespace))
      if (concerns(object)) watch.send({ type: "ADDED", object: show(object, request) });
  } else {
    for (const event of store.events) if (event.version > version) tell(event);
  }
  return watch;
}
