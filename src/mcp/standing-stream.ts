import { firstAbort, type AbortSignalLike } from "../core/abort.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Log } from "../core/log.ts";
import { createAnnouncer } from "./announcer.ts";
import { resourceOperation } from "./operations.ts";
import { isObject } from "./message.ts";
import type { Message } from "./message.ts";
import { ask, pass } from "./relay.ts";
import type { Caller, RelayOptions } from "./relay.ts";
import { SUBSCRIPTION_KEY } from "./revisions.ts";
import type { RouteView } from "./route-view.ts";
import type { Session, SessionStream } from "./session.ts";
import type { OperationContext, Visible } from "../core/step.ts";
import type { Incoming } from "./upstreams/link.ts";
import { changeOf, startWatch } from "./upstreams/watch.ts";
import type { ChangeKind, Watch } from "./upstreams/watch.ts";

/** Changes of one kind that arrive together are announced once: several servers often change at one time. */
const SETTLE_MS = 20;
const MAX_SUBSCRIPTIONS = 1_000;

/** The list changes a client may ask for, by their name in a `subscriptions/listen` filter. */
const FILTERS = {
  toolsListChanged: "tools",
  promptsListChanged: "prompts",
  resourcesListChanged: "resources",
} as const;

export interface StandingOptions extends RelayOptions {
  readonly visible: Visible;
  readonly log: Log;
}

/** Announces list changes of all servers of a route, each kind once per moment. The result stops it. */
function announceLists(view: RouteView, wanted: ReadonlySet<ChangeKind>, send: (kind: ChangeKind) => void): () => void {
  const timers = new Map<ChangeKind, NodeJS.Timeout>();
  const stops = view.members.map(({ server }) =>
    server.onChange(({ kind }) => {
      if (kind === "updated" || !wanted.has(kind) || timers.has(kind)) return;
      const timer = setTimeout(() => {
        timers.delete(kind);
        send(kind);
      }, SETTLE_MS);
      timers.set(kind, timer);
    }),
  );
  return () => {
    for (const stop of stops) stop();
    for (const timer of timers.values()) clearTimeout(timer);
  };
}

/** Serves `subscriptions/listen` until the client goes or `ending` aborts (2026-07-28, subscriptions). */
export async function serveListen(
  options: StandingOptions,
  call: Caller & { readonly message: Message },
  view: RouteView,
  signal: AbortSignalLike,
  ending: AbortSignalLike,
): Promise<void> {
  const { outlet, message, exchange } = call;
  const filter = isObject(message.params["notifications"]) ? message.params["notifications"] : {};
  const wanted = new Set<ChangeKind>();
  const granted: Record<string, unknown> = {};
  const infos = await Promise.allSettled(view.members.map(({ server }) => server.connect()));
  for (const [name, kind] of Object.entries(FILTERS)) {
    const announced = infos.some(
      (info) =>
        info.status === "rejected" ||
        (info.value.info.capabilities[kind] as { readonly listChanged?: unknown } | undefined)?.listChanged === true,
    );
    if (filter[name] !== true || !announced) continue;
    wanted.add(kind);
    granted[name] = true;
  }
  const announce = createAnnouncer((text) => outlet.event(text));
  const tag = `"_meta":{"${SUBSCRIPTION_KEY}":${message.idText}}`;
  const asked = Array.isArray(filter["resourceSubscriptions"])
    ? filter["resourceSubscriptions"].filter((uri) => typeof uri === "string").slice(0, MAX_SUBSCRIPTIONS)
    : [];
  const stopUpdates: (() => void)[] = [];
  const uris: string[] = [];
  for (const uri of asked) {
    const stop = await watchResource(options, exchange, view, uri, () =>
      announce(
        `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{${tag},"uri":${JSON.stringify(uri)}}}`,
      ),
    );
    if (stop === undefined) continue;
    stopUpdates.push(stop);
    uris.push(uri);
  }
  if (uris.length > 0) granted["resourceSubscriptions"] = uris;
  await Promise.all(view.members.map(({ server }) => server.watching()));
  /* The acknowledgement comes first; what is announced meanwhile waits behind it in the outlet. */
  await outlet.event(
    `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{${tag},"notifications":${JSON.stringify(granted)}}}`,
  );
  const stop = announceLists(view, wanted, (kind) =>
    announce(`{"jsonrpc":"2.0","method":"notifications/${kind}/list_changed","params":{${tag}}}`),
  );
  await firstAbort(signal, ending);
  stop();
  for (const stopUpdate of stopUpdates) stopUpdate();
  if (!signal.aborted)
    await outlet.event(`{"jsonrpc":"2.0","id":${message.idText},"result":{"resultType":"complete",${tag}}}`);
}

/** Watches one resource for a caller who may read it; undefined when it may not be read or nobody announces its changes. */
async function watchResource(
  options: StandingOptions,
  exchange: Exchange,
  view: RouteView,
  uri: string,
  onUpdate: () => void,
): Promise<(() => void) | undefined> {
  const found = await view.findResource(uri);
  if (found === undefined || !options.visible(exchange, resourceOperation(found.server, uri))) return undefined;
  const { server } = found;
  try {
    await server.subscribe(uri);
  } catch {
    void server.unsubscribe(uri);
    return undefined;
  }
  const stop = server.onChange((change) => {
    if (change.kind === "updated" && change.uri === uri) onUpdate();
  });
  return () => {
    stop();
    void server.unsubscribe(uri);
  };
}

/** Serves a session's GET stream until the client goes, the session ends, `ending` aborts or another stream takes its place (2025-11-25, "Listening for Messages"). */
export async function serveSessionStream(
  options: StandingOptions,
  caller: Caller & { readonly session: Session },
  view: RouteView,
  context: OperationContext,
  ending: AbortSignalLike,
): Promise<void> {
  const { outlet, session, exchange } = caller;
  const announce = createAnnouncer((text) => outlet.event(text));
  const watches = new Map<string, Watch>();
  const updates = new Map<string, () => void>();
  const over = new AbortController();
  /* Log messages and their like. Nobody waits for them: what may not be shown is left out. */
  const say = async (message: Incoming): Promise<void> => {
    try {
      await pass(context, caller, message);
    } catch (error) {
      exchange.log.debug({ error }, "what a server said outside of a call was held back");
    }
  };
  const stream: SessionStream = {
    attach(name, link) {
      const server = view.members.find((member) => member.server.name === name)?.server;
      if (server === undefined || watches.has(name) || !link.dedicated || link.era !== "legacy") return;
      watches.set(
        name,
        startWatch(
          name,
          async () => link,
          async (message) => {
            if (message.value["id"] !== undefined) return await ask(options, caller, server, link, message);
            const change = changeOf(message);
            /* List changes reach the client by way of the gateway's own stream to this server. */
            if (change === undefined || change.kind === "updated") return await say(message);
            server.announce(change);
          },
          options.log,
        ),
      );
    },
    subscribed(uri, wanted) {
      if (!wanted) {
        updates.get(uri)?.();
        updates.delete(uri);
        return;
      }
      if (updates.has(uri)) return;
      updates.set(uri, () => {});
      void watchResource(options, exchange, view, uri, () =>
        announce(
          `{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":${JSON.stringify(uri)}}}`,
        ),
      ).then((stop) => {
        if (stop === undefined) return;
        if (over.signal.aborted || !updates.has(uri)) stop();
        else updates.set(uri, stop);
      });
    },
    end: () => over.abort(),
  };
  session.stream?.end();
  session.stream = stream;
  outlet.start();
  const stop = announceLists(view, new Set(["tools", "prompts", "resources"]), (kind) =>
    announce(`{"jsonrpc":"2.0","method":"notifications/${kind}/list_changed"}`),
  );
  try {
    for (const { server } of view.members) {
      if (session.record.servers[server.name] === undefined) continue;
      const link = await options.link(server, caller).catch(() => undefined);
      if (link !== undefined) stream.attach(server.name, link);
    }
    for (const uri of session.record.subscriptions) stream.subscribed(uri, true);
    await firstAbort(context.signal, over.signal, ending);
  } finally {
    over.abort();
    stop();
    for (const watch of watches.values()) watch.stop();
    for (const stopUpdate of updates.values()) stopUpdate();
    if (session.stream === stream) session.stream = undefined;
  }
}
