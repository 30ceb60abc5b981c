import { LEGACY_LATEST } from "./revisions.ts";
import type { Caller } from "./relay.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import { isObject } from "./message.ts";
import type { Link } from "./upstreams/link.ts";
import type { McpServer } from "./upstreams/server.ts";

/** The conversation a caller has with a server: the gateway's for stateless callers, the session's own for the others. */
export async function linkFor(sessions: Sessions, server: McpServer, caller: Caller): Promise<Link> {
  const { session } = caller;
  if (session === undefined) return await server.pooled(caller.exchange.principal.id);
  const held = session.links.get(server.name);
  if (held !== undefined) return await held;
  const made = openFor(sessions, server, session);
  session.links.set(server.name, made);
  try {
    const link = await made;
    /* A link that all share is the server's own affair: after a restart it is another one. */
    if (link.era === "modern" || !link.dedicated) session.links.delete(server.name);
    else session.stream?.attach(server.name, link);
    return link;
  } catch (thrown) {
    session.links.delete(server.name);
    throw thrown;
  }
}

async function openFor(sessions: Sessions, server: McpServer, session: Session): Promise<Link> {
  const { record } = session;
  return await server.dedicated({
    hello: {
      version: record.version === "" ? LEGACY_LATEST : record.version,
      capabilities: record.capabilities,
      client: record.client,
    },
    restored: record.servers[server.name],
    find: async (dropped) => {
      await sessions.refresh(session);
      const known = session.record.servers[server.name];
      return known?.id === dropped?.id ? undefined : known;
    },
    onSession: async ({ handle, info, link, dropped }) => {
      /* Written before the first call goes out: after a crash the session at the server is found again. Of two replicas that
         make one at the same time, the first to write wins. */
      await sessions.update(session, (current) => {
        const other = current.servers[server.name];
        if (other !== undefined && other.id !== dropped?.id) return current;
        return { ...current, servers: { ...current.servers, [server.name]: handle } };
      });
      const standing = session.record.servers[server.name] ?? handle;
      if (standing.id !== handle.id) return standing;
      const level = session.record.logLevel;
      if (level !== undefined && isObject(info.capabilities["logging"])) await setLogLevel(link, level);
      return standing;
    },
  });
}

/** Tells a server which log messages a session wants. */
export async function setLogLevel(link: Link, level: string): Promise<void> {
  const id = '"sallyport-log-level"';
  const bytes = Buffer.from(
    `{"jsonrpc":"2.0","id":${id},"method":"logging/setLevel","params":{"level":${JSON.stringify(level)}}}`,
  );
  await link
    .request({ bytes, idText: id, method: "logging/setLevel" }, AbortSignal.timeout(5_000), () => {})
    .catch(() => {});
}
