import { createHash } from "node:crypto";
import { Cluster, Redis } from "ioredis";
import { GatewayError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { closedError } from "./check-arguments.ts";
import type { RedisStateConfig } from "./config.ts";

type Client = Redis | Cluster;

/** Calls in flight beyond this fail at once: a server that cannot keep up must not fill our memory. */
const MAX_PENDING = 10_000;

const LONGEST_BACKOFF_MS = 1_000;

export interface LuaScript {
  readonly text: string;
  readonly sha: string;
}

export const toLuaScript = (text: string): LuaScript => ({ text, sha: createHash("sha1").update(text).digest("hex") });

export interface RedisConnection {
  readonly client: Client;
  /**
   * Connects once; a server that is down now is used as soon as it answers. Rejects with GatewayError("state_unavailable") and
   * closes when the server refuses the credentials.
   */
  open(): Promise<void>;
  /** Runs a command. Rejects with GatewayError("state_unavailable") when the server is down, hung or refuses. */
  call<R>(command: (client: Client) => Promise<R>): Promise<R>;
  evaluate(script: LuaScript, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  close(): void;
}

/** Full jitter keeps many gateways from knocking on a server that just came back at the same instant. */
const backoffMs = (attempt: number): number =>
  Math.round((0.5 + Math.random() / 2) * Math.min(LONGEST_BACKOFF_MS, 25 * 2 ** Math.min(attempt, 10)));

/** Host and port only: an address may carry a password. */
function describeAddress(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port || "6379"}`;
}

function toAddress(config: RedisStateConfig, text: string) {
  const { protocol, hostname, port, username, password, pathname } = new URL(text);
  return {
    // An IPv6 address stands in brackets in a URL and without them everywhere else.
    node: { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || "6379") },
    db: Number(pathname.slice(1) || "0"),
    login: {
      ...(username !== "" && { username: decodeURIComponent(username) }),
      ...(password !== "" && { password: decodeURIComponent(password) }),
      ...(protocol === "rediss:" && { tls: config.ca === undefined ? {} : { ca: config.ca } }),
    },
  };
}

function createClient(config: RedisStateConfig, role: string): Client {
  const { node, db, login } = toAddress(config, config.urls[0] as string);
  const options = {
    ...login,
    connectionName: `sallyport-${role}`,
    connectTimeout: Math.max(config.timeoutMs, 1_000),
    commandTimeout: config.timeoutMs,
    // A server that takes commands and says nothing is as good as down: break off, fail what waits, and try again.
    socketTimeout: config.timeoutMs,
    keepAlive: 10_000,
    // Nothing is sent twice: a write that went out may have happened.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // After a failover the old primary answers READONLY until it is dropped and the name resolved again.
    reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
  };
  // Nothing waits for a server to come back either: no offline queue.
  if (!config.cluster)
    return new Redis({
      ...options,
      ...node,
      db,
      lazyConnect: true,
      enableOfflineQueue: false,
      retryStrategy: backoffMs,
    });
  return new Cluster(
    config.urls.map((url) => toAddress(config, url).node),
    {
      redisOptions: options,
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: backoffMs,
      slotsRefreshTimeout: Math.max(config.timeoutMs, 1_000),
      // Certificates name hosts, so over TLS nodes are reached by the names they announce.
      ...("tls" in login && {
        dnsLookup: (address: string, callback: (error: null, address: string) => void) => callback(null, address),
      }),
    },
  );
}

const replyCode = (error: unknown): string =>
  error instanceof Error ? (/^[A-Z]+/.exec(error.message)?.[0] ?? "") : "";

/** Errors of the client carry their command with its arguments: passwords and stored values, which whoever prints the cause would show. */
function withoutCommand(error: unknown): unknown {
  if (error instanceof Error) Reflect.deleteProperty(error, "command");
  return error;
}

function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  const error = withoutCommand(thrown);
  const isReply = error instanceof Error && error.name === "ReplyError";
  // What only a mistake of ours can cause; a retry would not help.
  const code = replyCode(error);
  if (
    isReply &&
    (code === "WRONGTYPE" || code === "CROSSSLOT" || (code === "ERR" && error.message.includes("script")))
  ) {
    return new GatewayError("internal", "The gateway failed to handle this request.", { cause: error });
  }
  return new GatewayError("state_unavailable", "The state store cannot answer at the moment.", { cause: error });
}

/** A refused credential will not get better by waiting. */
const isRefusedCredential = (error: unknown): boolean => ["WRONGPASS", "NOAUTH", "NOPERM"].includes(replyCode(error));

/** One connection, not yet opened. Loss and return are logged once each. */
export function createRedisConnection(config: RedisStateConfig, role: string, log: Log): RedisConnection {
  const client = createClient(config, role);
  const address = config.urls.map(describeAddress).join(", ");
  let pending = 0;
  let closed = false;
  let lost = false;
  let refusal: unknown;

  client.on("error", (thrown: unknown) => {
    const error = withoutCommand(thrown);
    if (isRefusedCredential(error)) refusal = error;
    if (lost || closed) return;
    lost = true;
    log.error({ address, role, error }, "Redis cannot be reached; trying again");
  });
  client.on("close", () => {
    if (lost || closed) return;
    lost = true;
    log.error({ address, role }, "the connection to Redis is lost; trying again");
  });
  client.on("ready", () => {
    if (lost) log.info({ address, role }, "Redis answers again");
    lost = false;
  });

  async function call<R>(command: (client: Client) => Promise<R>): Promise<R> {
    if (closed) throw closedError();
    if (client.status !== "ready")
      throw new GatewayError("state_unavailable", "The state store cannot be reached at the moment.");
    if (pending >= MAX_PENDING)
      throw new GatewayError("state_unavailable", "The state store cannot keep up at the moment.");
    pending += 1;
    try {
      return await command(client);
    } catch (error) {
      throw toGatewayError(error);
    } finally {
      pending -= 1;
    }
  }

  function close(): void {
    closed = true;
    client.disconnect();
  }

  return {
    client,
    call,
    close,
    async open() {
      try {
        await client.connect();
      } catch {
        // The client has said why, and goes on trying. It would with credentials that are refused, too.
        if (refusal === undefined) return;
        close();
        throw new GatewayError(
          "state_unavailable",
          "Redis refuses the credentials in `state`. Check the user and the password.",
          { cause: refusal },
        );
      }
    },
    evaluate: (script, keys, args) =>
      call(async () => {
        try {
          return await client.evalsha(script.sha, keys.length, ...keys, ...args);
        } catch (error) {
          // A restart, a failover or SCRIPT FLUSH has lost the script; it did not run, so sending it whole is safe.
          if (replyCode(error) !== "NOSCRIPT") throw error;
          return await client.eval(script.text, keys.length, ...keys, ...args);
        }
      }),
  };
}
