import { firstAbort, type AbortSignalLike } from "../../core/abort.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { McpServerConfig } from "../config.ts";
import { isObject } from "../message.ts";
import { isLegacyVersion, LEGACY_LATEST, MODERN } from "../revisions.ts";
import { startChild } from "./child.ts";
import type { Child } from "./child.ts";
import { infoOf } from "./greet.ts";
import { gatewayIdentity } from "./identity.ts";
import type { Incoming, Link, OnMessage, Outbound, ServerInfo } from "./link.ts";
import { Passing } from "./passing.ts";
import { renumber } from "./renumber.ts";
import { ACKNOWLEDGED, discovered, listenRequest, OWN_ENVELOPE } from "./stateless-link.ts";

/** How long a server may ponder `server/discover` before it is taken for a session-era one (2026-07-28, stdio, "Backward Compatibility"). */
const PROBE_MS = 1_500;
/** Calls in flight to one process. */
const MAX_PENDING = 1_000;

interface Pending {
  settle(answer: Incoming | GatewayError): void;
  onMessage(message: Incoming): void;
}

export interface StdioLinkOptions {
  readonly server: string;
  readonly config: McpServerConfig;
  readonly log: Log;
  readonly subscriptions: () => readonly string[];
  readonly onExit: (reason: string) => void;
}

export interface StdioLink extends Link {
  readonly info: ServerInfo;
}

/** Starts a stdio server, finds out its era and shakes hands. One process serves all callers, so requests go under ids of our own. */
export async function openStdioLink(options: StdioLinkOptions): Promise<StdioLink> {
  const { server, config } = options;
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let exited = false;
  let unrelated: OnMessage | undefined;

  const child: Child = startChild({
    server,
    config,
    log: options.log,
    onLine: (line) => {
      const message = parseLine(line);
      if (message !== undefined) dispatch(message);
      else if (line.length > 0) options.log.debug({ mcp_server: server }, "mcp server wrote a line that is no message");
    },
    onExit: (reason) => {
      exited = true;
      const error = new GatewayError("upstream_unavailable", `MCP server ${server} has ended.`, {
        cause: new Error(reason),
      });
      for (const waiting of [...pending.values()]) waiting.settle(error);
      options.onExit(reason);
    },
  });

  function dispatch(message: Incoming): void {
    const { id, method, params } = message.value;
    if (method === undefined) return pending.get(Number(id))?.settle(message);
    if (id !== undefined) {
      /* Nobody can be asked: the process is shared, and the gateway declared no client capabilities. */
      child.write(noRequests(id)).catch(() => {});
      return;
    }
    const token = isObject(params) ? params["progressToken"] : undefined;
    if (method === "notifications/progress") return pending.get(Number(token))?.onMessage(message);
    void unrelated?.(message);
  }

  async function request(outbound: Outbound, signal: AbortSignalLike, onMessage: OnMessage): Promise<Incoming> {
    signal.throwIfAborted();
    if (pending.size >= MAX_PENDING)
      throw new GatewayError("overloaded", `MCP server ${server} has too many calls in flight.`);
    const id = (lastId += 1);
    const own = renumber(outbound, id);
    let timer: NodeJS.Timeout | undefined;
    let stop: (() => void) | undefined;
    const passing = new Passing((message) => onMessage(own.restore(message)));
    try {
      return await new Promise<Incoming>((resolve, reject) => {
        const cancel = (reason: unknown) => {
          reject(reason);
          if (!pending.delete(id)) return;
          child.write(cancellation(id)).catch(() => {});
        };
        const quiet = () =>
          reject(new GatewayError("upstream_timeout", `MCP server ${server} did not answer in time.`));
        const wind = () => {
          clearTimeout(timer);
          if (outbound.method !== "subscriptions/listen") timer = setTimeout(quiet, config.timeouts.call);
        };
        wind();
        pending.set(id, {
          settle: (answer) => {
            clearTimeout(timer);
            pending.delete(id);
            if (answer instanceof GatewayError) return reject(answer);
            passing.tail.then(() => resolve(own.restore(answer)), reject);
          },
          onMessage: (message) => {
            wind();
            passing.add(message)?.catch(cancel);
          },
        });
        stop = () => cancel(signal.reason);
        signal.addEventListener("abort", stop, { once: true });
        child.write(own.bytes).catch(reject);
      });
    } finally {
      clearTimeout(timer);
      if (stop !== undefined) signal.removeEventListener("abort", stop);
      pending.delete(id);
    }
  }

  async function ask(method: string, params: unknown, timeoutMs: number): Promise<Incoming> {
    const outbound = {
      bytes: Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 0, method, params })),
      idText: "0",
      method,
    };
    try {
      return await request(outbound, AbortSignal.timeout(timeoutMs), () => {});
    } catch (thrown) {
      if (thrown instanceof GatewayError) throw thrown;
      throw new GatewayError("upstream_timeout", `MCP server ${server} did not answer in time.`, { cause: thrown });
    }
  }

  async function greet(): Promise<ServerInfo> {
    if (config.era !== "session") {
      const found = await ask(
        "server/discover",
        { _meta: OWN_ENVELOPE },
        config.era === "auto" ? Math.min(PROBE_MS, config.timeouts.connect) : config.timeouts.connect,
      ).catch((thrown: unknown) => {
        if (exited || config.era === "stateless") throw thrown;
        return undefined;
      });
      const info = found === undefined ? undefined : discovered(found);
      if (info !== undefined) return info;
      if (config.era === "stateless")
        throw new GatewayError("upstream_invalid", `MCP server ${server} does not speak protocol ${MODERN}.`);
    }
    const answer = await ask(
      "initialize",
      { protocolVersion: LEGACY_LATEST, capabilities: {}, clientInfo: gatewayIdentity },
      config.timeouts.connect,
    );
    const result = answer.value["result"];
    if (!isObject(result) || !isLegacyVersion(String(result["protocolVersion"])))
      throw new GatewayError("upstream_invalid", `MCP server ${server} refused to start a session.`);
    await child.write(Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}'));
    return infoOf(result);
  }

  let info: ServerInfo;
  try {
    info = await greet();
  } catch (thrown) {
    await child.close();
    throw thrown;
  }
  return {
    era: info.era,
    dedicated: false,
    info,
    request,
    send: (bytes) => child.write(bytes),
    async listen(signal, onMessage, onOpen) {
      unrelated = (message) => (message.value["method"] === ACKNOWLEDGED ? onOpen() : onMessage(message));
      const mine = unrelated;
      try {
        if (info.era === "legacy") onOpen();
        if (info.era === "modern") await request(listenRequest(0, options.subscriptions()), signal, () => {});
        else await firstAbort(signal);
        return "ended";
      } finally {
        if (unrelated === mine) unrelated = undefined;
      }
    },
    close: () => child.close(),
  };
}

const noRequests = (id: unknown) =>
  Buffer.from(
    JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32601, message: "This client takes no requests." } }),
  );

const cancellation = (requestId: number) =>
  Buffer.from(JSON.stringify({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId } }));

function parseLine(bytes: Buffer): Incoming | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return isObject(value) ? { bytes, value, status: 200 } : undefined;
  } catch {
    return undefined;
  }
}
