import { z } from "zod";
import { durationMs, secret } from "../core/units.ts";

const DEFAULT_FILE = "./data/sallyport.db";
const DEFAULT_PREFIX = "sallyport:";
const DEFAULT_TIMEOUT_MS = 500;

export interface MemoryStateConfig {
  readonly kind: "memory";
}

export interface SqliteStateConfig {
  readonly kind: "sqlite";
  /** Relative to the working directory. */
  readonly file: string;
  readonly synchronous: "normal" | "full";
}

export interface RedisStateConfig {
  readonly kind: "redis";
  /** One address; with `cluster`, the nodes to learn the others from. */
  readonly urls: readonly string[];
  readonly cluster: boolean;
  readonly prefix: string;
  readonly timeoutMs: number;
  /** PEM of the authority that signed the server's certificate, for `rediss://`. */
  readonly ca: string | undefined;
}

export type StateConfig = MemoryStateConfig | SqliteStateConfig | RedisStateConfig;

const redisUrl = /^rediss?:\/\/[^\s/]+/;
const anyUrl = /^[a-z][a-z0-9+.-]*:\/\//i;
const HINT = "memory, a file such as ./data/sallyport.db, or a redis:// or rediss:// address";

const sqlite = (file: string, synchronous: "normal" | "full" = "normal"): SqliteStateConfig => ({
  kind: "sqlite",
  file,
  synchronous,
});

const short = z
  .string()
  .min(1)
  .transform((text, context): StateConfig => {
    if (text === "memory") return { kind: "memory" };
    if (redisUrl.test(text)) {
      return {
        kind: "redis",
        urls: [text],
        cluster: false,
        prefix: DEFAULT_PREFIX,
        timeoutMs: DEFAULT_TIMEOUT_MS,
        ca: undefined,
      };
    }
    if (!anyUrl.test(text)) return sqlite(text);
    context.addIssue({ code: "custom", message: `this kind of address is not supported; use ${HINT}` });
    return z.NEVER;
  })
  // The short form may hold a Redis password, also where its address is misspelt.
  .meta({ description: HINT, examples: ["memory", DEFAULT_FILE, "redis://127.0.0.1:6379/0"], "x-secret": "[:@]" });

const redisAddress = secret()
  .regex(redisUrl, "an address such as redis://host:6379 or rediss://user:password@host:6380/0")
  .meta({
    description: "A Redis address: redis:// or, over TLS, rediss://",
    examples: ["rediss://user:password@redis:6380/0"],
  });

const long = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: "The SQLite file; made with its folder, readable by its owner only",
        examples: [DEFAULT_FILE],
      }),
    synchronous: z
      .enum(["normal", "full"])
      .optional()
      .meta({
        description:
          "full: a power loss loses nothing acknowledged, at one disk flush a write; normal: it may lose the last moments",
        examples: ["normal"],
      }),
    redis: z
      .union([redisAddress, z.array(redisAddress).min(1)])
      .optional()
      .meta({
        description: "A Redis server's address, or with `cluster` those of some of its nodes",
        examples: ["redis://127.0.0.1:6379"],
      }),
    cluster: z
      .boolean()
      .optional()
      .meta({ description: "The addresses are nodes of a Redis Cluster", examples: [true] }),
    prefix: z
      .string()
      .regex(
        /^[A-Za-z0-9:._-]{1,64}$/,
        "1 to 64 letters, digits, and : . _ - (braces would move keys between cluster slots)",
      )
      .optional()
      .meta({
        description: "What every Redis key starts with: two gateways on one Redis share state when it is equal",
        examples: [DEFAULT_PREFIX],
      }),
    timeout: durationMs()
      .pipe(z.number().min(10).max(60_000))
      .optional()
      .meta({ description: "Longest wait for Redis before a call fails as unavailable", examples: ["500ms"] }),
    ca: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: "PEM of the authority behind a rediss:// server's certificate",
        examples: ["${file:/etc/redis/ca.pem}"],
      }),
  })
  .transform((form, context): StateConfig => {
    const refuse = (path: keyof typeof form, message: string) => {
      context.addIssue({ code: "custom", path: [path], message });
      return z.NEVER;
    };
    if (form.redis === undefined) {
      if (form.file === undefined) return refuse("file", "one of `file` and `redis` is needed");
      for (const name of ["cluster", "prefix", "timeout", "ca"] as const) {
        if (form[name] !== undefined) return refuse(name, "belongs to `redis`, not to `file`");
      }
      return sqlite(form.file, form.synchronous);
    }
    if (form.file !== undefined) return refuse("file", "`file` and `redis` exclude each other");
    if (form.synchronous !== undefined) return refuse("synchronous", "belongs to `file`, not to `redis`");
    const urls = typeof form.redis === "string" ? [form.redis] : form.redis;
    const cluster = form.cluster ?? false;
    if (!cluster && urls.length > 1) return refuse("redis", "several addresses need `cluster: true`");
    return {
      kind: "redis",
      urls,
      cluster,
      prefix: form.prefix ?? DEFAULT_PREFIX,
      timeoutMs: form.timeout ?? DEFAULT_TIMEOUT_MS,
      ca: form.ca,
    };
  });

/** `state:` in the config file: where what outlives an exchange is kept. */
export const stateConfig = {
  state: z
    .union([short, long])
    .prefault(DEFAULT_FILE)
    .meta({
      description: `Where tokens, sessions, tasks, budgets and the journal are kept: ${HINT}`,
      examples: [DEFAULT_FILE, "memory", "redis://127.0.0.1:6379"],
    }),
};
