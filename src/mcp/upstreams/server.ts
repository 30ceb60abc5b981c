import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Upstream } from "../../http/upstream.ts";
import type { McpServerConfig } from "../config.ts";
import { LEGACY_LATEST, MODERN } from "../revisions.ts";
import { createEndpoint } from "./endpoint.ts";
import type { Endpoint } from "./endpoint.ts";
import { probe } from "./greet.ts";
import { gatewayIdentity } from "./identity.ts";
import type { Link, ServerInfo } from "./link.ts";
import { createOutageLog } from "./outage-log.ts";
import type { OutageLog } from "./outage-log.ts";
import { createSessionLink } from "./session-link.ts";
import type { SessionLinkOptions } from "./session-link.ts";
import { SessionPool } from "./session-pool.ts";
import { createStatelessLink } from "./stateless-link.ts";
import { openStdioLink } from "./stdio-link.ts";
import { changeOf, startWatch } from "./watch.ts";
import type { Change, Watch } from "./watch.ts";

const FIRST_BACK_OFF_MS = 500;
const LONGEST_BACK_OFF_MS = 30_000;
/** What a server can ask of a session-era client. */
const ASKABLE = ["sampling", "elicitation", "roots"] as const;
/** How long a subscriber waits for a stream to this server before it goes on without. */
const WATCH_WAIT_MS = 1_000;

interface Connection {
  readonly link: Link;
  readonly info: ServerInfo;
}

export interface McpServerOptions {
  readonly name: string;
  readonly config: McpServerConfig;
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly log: Log;
}

/** One configured server: its era, the gateway's own link to it, pooled sessions, and what it announces. Failures are remembered for a while, so that a dead server costs nobody time. */
export class McpServer {
  readonly name: string;
  /** Whose it is. */
  readonly tenant: string | undefined;
  readonly config: McpServerConfig;
  readonly #options: McpServerOptions;
  readonly #endpoint: Endpoint | undefined;
  readonly #pool: SessionPool;
  readonly #outages: OutageLog;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #uris = new Map<string, number>();
  #connection: Connection | undefined;
  #connecting: Promise<Connection> | undefined;
  #failure: { readonly error: GatewayError; readonly untilMs: number } | undefined;
  #failures = 0;
  #watch: Watch | undefined;
  #closed = false;
  /** A stateless server that turned down a session once is not asked again. */
  #refusesSessions = false;

  constructor(options: McpServerOptions) {
    this.name = options.name;
    this.tenant = options.config.tenant;
    this.config = options.config;
    this.#options = options;
    this.#pool = new SessionPool(options.clock);
    this.#outages = createOutageLog(
      options.log,
      { mcp_server: options.name },
      { down: "mcp server is not available", up: "mcp server is available again" },
    );
    this.#endpoint =
      options.config.url === undefined ? undefined : createEndpoint(options.name, options.config, options.upstream);
  }

  /** What the server said of itself, once it has been reached. */
  get info(): ServerInfo | undefined {
    return this.#connection?.info;
  }

  /** The gateway's own conversation. Rejects at once while a failure is fresh. */
  connect(): Promise<Connection> {
    if (this.#connection !== undefined) return Promise.resolve(this.#connection);
    if (this.#closed) return Promise.reject(new GatewayError("draining", "The gateway is shutting down."));
    if (this.#failure !== undefined && this.#options.clock.monotonic() < this.#failure.untilMs)
      return Promise.reject(this.#failure.error);
    this.#connecting ??= this.#open()
      .then((connection) => {
        this.#connection = connection;
        this.#failure = undefined;
        this.#failures = 0;
        this.#outages.worked();
        if (this.#closed) void connection.link.close();
        else if (announces(connection.info)) this.#startWatch();
        return connection;
      })
      .catch((thrown: unknown) => {
        const error = this.#explain(thrown);
        this.failed(error);
        throw error;
      })
      .finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  /** Notes that the server could not be reached: until the back-off ends, nobody waits for it. */
  failed(error: GatewayError): void {
    this.#failures += 1;
    const backOffMs = Math.min(FIRST_BACK_OFF_MS * 2 ** (this.#failures - 1), LONGEST_BACK_OFF_MS);
    this.#failure = { error, untilMs: this.#options.clock.monotonic() + backOffMs };
    this.#outages.failed(error);
  }

  /** Finds out anew what the server is, after it answered as if it were something else. */
  reconsider(): void {
    if (this.#endpoint === undefined || this.#connection === undefined) return;
    this.#connection = undefined;
    this.#watch?.stop();
    this.#watch = undefined;
  }

  /** A conversation for one caller of the stateless era. */
  async pooled(principalId: string): Promise<Link> {
    const { link, info } = await this.connect();
    if (this.#endpoint === undefined || info.era === "modern") return link;
    const hello = { version: LEGACY_LATEST, capabilities: {}, client: gatewayIdentity };
    return this.#pool.get(principalId, () => this.#sessionLink({ hello, shared: true }));
  }

  /** A conversation for one session of a caller: its own where the server keeps sessions, else the one that everybody shares. */
  async dedicated(options: Omit<SessionLinkOptions, "endpoint" | "shared">): Promise<Link> {
    /* A server known to keep sessions need not be asked again after a restart. */
    if (this.#endpoint !== undefined && options.restored !== undefined)
      return this.#sessionLink({ ...options, shared: false });
    const { link, info } = await this.connect();
    if (this.#endpoint === undefined) return link;
    if (info.era === "legacy") return this.#sessionLink({ ...options, shared: false });
    /* A server of both eras: only a client that can be asked something gains by a session of its own. */
    const askable = ASKABLE.some((capability) => options.hello.capabilities[capability] !== undefined);
    if (!askable || this.config.era === "stateless" || this.#refusesSessions) return link;
    const session = this.#sessionLink({ ...options, shared: false });
    try {
      await session.start();
      return session;
    } catch (thrown) {
      if (GatewayError.from(thrown).kind !== "upstream_invalid") throw thrown;
      this.#refusesSessions = true;
      return link;
    }
  }

  /** Calls back for every announcement. The result unsubscribes. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks the server to announce changes of one resource for as long as anybody wants them. */
  async subscribe(uri: string): Promise<void> {
    const count = this.#uris.get(uri) ?? 0;
    this.#uris.set(uri, count + 1);
    if (count > 0) return;
    const { link, info } = await this.connect();
    if (info.era === "modern") this.#watch?.stop();
    else await this.#own(link, "resources/subscribe", uri);
    if (info.era === "modern" || this.#watch === undefined) this.#startWatch();
    await this.watching();
  }

  async unsubscribe(uri: string): Promise<void> {
    const count = this.#uris.get(uri) ?? 0;
    if (count > 1) return void this.#uris.set(uri, count - 1);
    this.#uris.delete(uri);
    const connection = this.#connection;
    if (count === 1 && connection?.info.era === "legacy")
      await this.#own(connection.link, "resources/unsubscribe", uri).catch(() => {});
  }

  /** Resolves when announcements of this server will arrive, or when it is of no use to wait longer. */
  async watching(): Promise<void> {
    if (this.#watch === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      this.#watch.open,
      new Promise<void>((resolve) => (timer = setTimeout(resolve, WATCH_WAIT_MS))),
    ]);
    clearTimeout(timer);
  }

  /** Ends sessions that nobody has used for a while. */
  sweep(): void {
    this.#pool.sweep();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watch?.stop();
    this.#listeners.clear();
    await this.#connecting?.catch(() => {});
    const connection = this.#connection;
    this.#connection = undefined;
    await Promise.all([this.#pool.close(), connection?.link.close()]);
  }

  #sessionLink(options: Omit<SessionLinkOptions, "endpoint">) {
    return createSessionLink({ ...options, endpoint: this.#endpoint! });
  }

  async #open(): Promise<Connection> {
    if (this.#endpoint === undefined) {
      const link = await openStdioLink({
        server: this.name,
        config: this.config,
        log: this.#options.log,
        subscriptions: () => [...this.#uris.keys()],
        onExit: (reason) => this.#exited(reason),
      });
      return { link, info: link.info };
    }
    const modern = this.config.era === "session" ? undefined : await probe(this.#endpoint);
    if (modern !== undefined)
      return { link: createStatelessLink(this.#endpoint, () => [...this.#uris.keys()]), info: modern };
    if (this.config.era === "stateless")
      throw new GatewayError("upstream_invalid", `MCP server ${this.name} does not speak protocol ${MODERN}.`);
    const link = this.#sessionLink({
      hello: { version: LEGACY_LATEST, capabilities: {}, client: gatewayIdentity },
      shared: true,
    });
    return { link, info: await link.info() };
  }

  async #own(link: Link, method: string, uri: string): Promise<void> {
    const bytes = Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 0, method, params: { uri } }));
    await link.request({ bytes, idText: "0", method }, AbortSignal.timeout(this.config.timeouts.connect), () => {});
  }

  #startWatch(): void {
    this.#watch = startWatch(
      this.name,
      async () => (await this.connect()).link,
      (message) => {
        const change = changeOf(message);
        if (change !== undefined) this.announce(change);
      },
      this.#options.log,
    );
  }

  /** Passes an announcement on that arrived on another stream. */
  announce(change: Change): void {
    for (const listener of [...this.#listeners]) listener(change);
  }

  #exited(reason: string): void {
    if (this.#closed || this.#connection === undefined) return;
    this.#connection = undefined;
    this.#watch?.stop();
    this.#watch = undefined;
    this.failed(
      new GatewayError("upstream_unavailable", `MCP server ${this.name} has ended and is being started again.`, {
        cause: new Error(reason),
      }),
    );
    this.#restart();
  }

  /* A process that was in use comes back by itself; one that never started waits for the next call. */
  #restart(): void {
    const delayMs = Math.max(0, (this.#failure?.untilMs ?? 0) - this.#options.clock.monotonic()) + 1;
    setTimeout(() => {
      if (this.#closed || this.#connection !== undefined) return;
      this.connect().catch(() => this.#restart());
    }, delayMs).unref();
  }

  #explain(thrown: unknown): GatewayError {
    if (thrown instanceof GatewayError) return thrown;
    if (thrown instanceof Error && thrown.name === "TimeoutError")
      return new GatewayError("upstream_timeout", `MCP server ${this.name} did not answer in time.`, { cause: thrown });
    return GatewayError.from(thrown);
  }
}

function announces(info: ServerInfo): boolean {
  return ["tools", "prompts", "resources"].some(
    (key) => (info.capabilities[key] as { readonly listChanged?: unknown } | undefined)?.listChanged === true,
  );
}
