import { accessSync, constants } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import type { ConfigProblem } from "../core/config-problem.ts";
import { durationMs, sizeBytes } from "../core/units.ts";
import { isLoopbackHost, parseCidr } from "./address.ts";
import { parseHost } from "./host.ts";
import { listenersConfig } from "./listeners-config.ts";

export { checkListeners, doubtCertificates } from "./check-listeners.ts";

const DEFAULT_PORT = 4000;

const port = (fallback: number, description: string) =>
  z
    .int()
    .min(0)
    .max(65_535)
    .default(fallback)
    .meta({ description, examples: [fallback] });
const bindHost = (description: string) =>
  z
    .string()
    .min(1)
    .max(255)
    .meta({ description, examples: ["127.0.0.1"] });
const count = (fallback: number, description: string) =>
  z
    .int()
    .min(1)
    .default(fallback)
    .meta({ description, examples: [fallback] });
const size = (fallback: string, description: string) =>
  sizeBytes()
    .prefault(fallback)
    .meta({ description, examples: [fallback] });
const duration = (fallback: string, description: string) =>
  durationMs()
    .pipe(z.number().min(1).max(86_400_000))
    .prefault(fallback)
    .meta({ description, examples: [fallback] });

const publicUrl = z.string().transform((text, context): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const problem =
    url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")
      ? "an address such as https://gateway.example.com"
      : url.username !== "" || url.password !== ""
        ? "no user and password here: this address is shown to everyone"
        : url.pathname !== "/" || url.search !== "" || url.hash !== "" || /[?#]/.test(text)
          ? `no path, query or fragment: use ${url.origin}`
          : undefined;
  if (url !== undefined && problem === undefined) return url;
  context.addIssue({ code: "custom", message: problem ?? "" });
  return z.NEVER;
});

const cidr = z
  .string()
  .refine((text) => parseCidr(text) !== undefined, "an address or a block such as 10.0.0.0/8 or fd00::/8");

const hostPattern = z
  .string()
  .refine(
    (text) => text === "*" || parseHost(text.startsWith("*.") ? text.slice(2) : text) !== undefined,
    "a host name, host:port, *.example.com, or * for any",
  );

const originPattern = z.string().refine((text) => {
  if (text === "*") return true;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && url.origin === text;
}, "an origin such as https://app.example.com (no trailing slash), or * for any");

const egressRule = z
  .string()
  .refine(
    (text) => parseCidr(text) !== undefined || parseHost(text.startsWith("*.") ? text.slice(2) : text) !== undefined,
    "a host name, host:port, *.example.com, an address or a block such as 10.0.0.0/8",
  );

const tls = z.strictObject({
  cert: z
    .string()
    .min(1)
    .meta({
      description: "PEM file with the certificate and its chain; read again when it changes.",
      examples: ["/etc/tls/tls.crt"],
    }),
  key: z
    .string()
    .min(1)
    .meta({
      description: "PEM file with the private key; read again when it changes.",
      examples: ["/etc/tls/tls.key"],
    }),
});

const side = (name: string, host: string, fallback: number) => ({
  host: bindHost(`The address ${name} is bound to.`).default(host),
  port: port(fallback, `The port of ${name}; 0 takes a free one.`),
});

const tokenFile = z
  .string()
  .min(1)
  .meta({
    description:
      "Holds the operator's token, 32 characters or more; made where it is missing. Left out: `admin-token` beside the state file. One that is mounted serves every replica.",
    examples: ["/etc/sallyport/secrets/admin-token"],
  });

const listen = z.strictObject({
  port: port(DEFAULT_PORT, "The port agents call; 0 takes a free one."),
  host: bindHost(
    "The address to bind; this machine only when `publicUrl` is absent or names this machine, every address otherwise.",
  ).optional(),
  trustedProxies: z
    .array(cidr)
    .default([])
    .meta({
      description: "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
      examples: [["10.0.0.0/8"]],
    }),
  tls: tls.optional().meta({
    description: "Serves https with this certificate, TLS 1.2 or newer.",
    examples: [{ cert: "tls.crt", key: "tls.key" }],
  }),
  console: z
    .strictObject({ ...side("the console", "127.0.0.1", 4001), tokenFile: tokenFile.optional() })
    .prefault({})
    .meta({ description: "Where the console is served.", examples: [{ host: "127.0.0.1", port: 4001 }] }),
  health: z
    .strictObject(side("health, readiness and metrics", "0.0.0.0", 4002))
    .prefault({})
    .meta({
      description: "Where health, readiness and metrics is served.",
      examples: [{ host: "0.0.0.0", port: 4002 }],
    }),
  allowedHosts: z
    .array(hostPattern)
    .default([])
    .meta({
      description:
        "Host headers answered beside that of `publicUrl`, on the console too; anything else is 421 (DNS rebinding).",
      examples: [["sallyport", "*.internal.example.com"]],
    }),
  allowedOrigins: z
    .array(originPattern)
    .default([])
    .meta({
      description: "Browser origins that may call beside that of `publicUrl`.",
      examples: [["https://app.example.com"]],
    }),
});

const limits = z.strictObject({
  body: z
    .strictObject({
      mcp: size("4MiB", "Largest MCP request body."),
      a2a: size("4MiB", "Largest A2A request body."),
      llm: size("32MiB", "Largest request body to a model."),
      http: size("1GiB", "Largest request body to a service: passed on as it comes, and never held whole."),
    })
    .prefault({})
    .meta({ description: "Largest request body by protocol.", examples: [{ llm: "64MiB" }] }),
  buffers: size("256MiB", "All request bodies held at one time; beyond it callers get 503 with Retry-After."),
  headers: z
    .strictObject({
      count: count(200, "Most header lines in a request."),
      bytes: size("16KiB", "Largest request head."),
    })
    .prefault({})
    .meta({ description: "Limits on request heads.", examples: [{ count: 100 }] }),
  json: z
    .strictObject({
      depth: z
        .int()
        .min(1)
        .max(1_000)
        .default(64)
        .meta({ description: "Deepest nesting.", examples: [64] }),
      tokens: count(100_000, "Most structural characters ({ [ , :) in a body: the cost of parsing."),
    })
    .prefault({})
    .meta({ description: "Limits on JSON bodies, checked before they are parsed.", examples: [{ tokens: 500_000 }] }),
  connections: count(10_000, "Most connections at one time."),
  headerTimeout: duration("10s", "Longest time for a request head to arrive."),
  requestTimeout: duration(
    "30s",
    "Longest time for a whole request to arrive; of a body for a service, longest silence while the service waits for more.",
  ),
  keepAlive: duration("65s", "How long an idle connection stays open."),
  slowReader: duration("60s", "How long an answer waits for a caller that reads nothing before it is broken off."),
});

const drain = z.strictObject({
  grace: duration("30s", "How long requests under way may take to finish when the gateway stops."),
});

const egress = z.strictObject({
  allow: z
    .array(egressRule)
    .default([])
    .meta({
      description:
        "Hosts and blocks that callers, cards and tokens may point to although they are private or plain http.",
      examples: [["hooks.internal.example.com", "10.1.0.0/16"]],
    }),
  connections: count(1_024, "Most connections to one upstream address."),
  ca: z
    .string()
    .startsWith("-----BEGIN CERTIFICATE-----", "a PEM certificate, such as ${file:/etc/ssl/internal-ca.pem}")
    .optional()
    .meta({
      description: "PEM of authorities to trust beside the usual ones, for upstreams with private certificates.",
      examples: ["${file:/etc/ssl/internal-ca.pem}"],
    }),
  connectTimeout: duration("2s", "Longest time to reach an upstream, TLS included."),
});

/** The HTTP side of the config file: addresses, limits, drain and the way out. */
export const httpConfig = {
  publicUrl: publicUrl.optional().meta({
    description:
      "The address callers use: issuer, metadata, cards and webhooks come from it. http://127.0.0.1:PORT when absent.",
    examples: ["https://gateway.example.com"],
  }),
  listen: listen.prefault({}).meta({ description: "Where the gateway listens.", examples: [{ port: 4000 }] }),
  ...listenersConfig,
  limits: limits
    .prefault({})
    .meta({ description: "Bounds on what callers send.", examples: [{ body: { llm: "64MiB" } }] }),
  drain: drain.prefault({}).meta({ description: "How the gateway stops.", examples: [{ grace: "30s" }] }),
  egress: egress
    .prefault({})
    .meta({ description: "The way out.", examples: [{ allow: ["hooks.internal.example.com"] }] }),
};

const schema = z.strictObject(httpConfig);

export type HttpConfig = z.output<typeof schema>;
export type Limits = HttpConfig["limits"];

/** Parses these branches alone: for tests and for parts that build a config in code. */
export const parseHttpConfig = (value: unknown): HttpConfig => schema.parse(value);

/** The address callers use, or this machine's when none is configured. */
export function publicUrlOf(config: Pick<HttpConfig, "publicUrl" | "listen">): URL {
  const scheme = config.listen.tls === undefined ? "http" : "https";
  return config.publicUrl ?? new URL(`${scheme}://127.0.0.1:${config.listen.port}`);
}

/** The address the data plane binds: this machine only, unless the configuration shows that others should reach it. */
export function bindHostOf(config: Pick<HttpConfig, "publicUrl" | "listen">): string {
  if (config.listen.host !== undefined) return config.listen.host;
  const { hostname } = publicUrlOf(config);
  return isLoopbackHost(hostname.replace(/^\[|\]$/g, "")) ? "127.0.0.1" : "0.0.0.0";
}

/** The certificate and key of the data listener, seen from the configuration's own folder. */
export function tlsFilesOf({
  listen: { tls },
  baseDir,
}: Pick<HttpConfig, "listen"> & { readonly baseDir: string }): HttpConfig["listen"]["tls"] {
  return tls && { cert: resolve(baseDir, tls.cert), key: resolve(baseDir, tls.key) };
}

/** Whether the files of `listen.tls` can be read; what they hold is seen when the listener opens. */
export function checkTlsFiles(config: Pick<HttpConfig, "listen"> & { readonly baseDir: string }): ConfigProblem[] {
  return Object.entries(tlsFilesOf(config) ?? {}).flatMap(([name, file]): ConfigProblem[] => {
    try {
      accessSync(file, constants.R_OK);
      return [];
    } catch {
      return [{ path: ["listen", "tls", name], message: "there is no such file, or it may not be read" }];
    }
  });
}

/** Two listeners on one port would fail only when the second is opened. Port 0 is a free one each time. */
export function checkPorts({ listen: { port, console, health } }: Pick<HttpConfig, "listen">): ConfigProblem[] {
  const used = new Map([[port, "listen.port"]]);
  return (["console", "health"] as const).flatMap((name): ConfigProblem[] => {
    const own = { console, health }[name].port;
    const by = own === 0 ? undefined : used.get(own);
    used.set(own, `listen.${name}.port`);
    return by === undefined ? [] : [{ path: ["listen", name, "port"], message: `port ${own} is taken by ${by}` }];
  });
}
