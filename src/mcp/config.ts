import { z } from "zod";
import { callPrice } from "../budgets/prices/prices.ts";
import { credentialHeaders, headerSecret } from "../core/header-words.ts";
import { durationMs } from "../core/units.ts";
import { reach } from "../http/reach.ts";

const NAME = /^(?:[A-Za-z0-9][A-Za-z0-9_-]{0,31}|[a-z0-9][a-z0-9-]{0,62}\/[a-z0-9][a-z0-9.-]{0,252})$/;

const credentials = z
  .strictObject({
    bearer: headerSecret()
      .optional()
      .meta({
        description: "Sent as `Authorization: Bearer …` with every request to this server.",
        examples: ["${env:ORDERS_TOKEN}"],
      }),
    headers: credentialHeaders()
      .optional()
      .meta({
        description: "Sent with every request to this server.",
        examples: [{ "x-api-key": "${env:ORDERS_KEY}" }],
      }),
    oauth: z
      .unknown()
      .optional()
      .refine((value) => value === undefined, {
        message: "OAuth toward MCP servers is not in this build: use `bearer` or `headers`",
      })
      .meta({ description: "Not in this build; refused at load." }),
  })
  .meta({
    description:
      "What the gateway itself shows to this server; a caller's credential is never passed on. Leave out for none.",
  });

const timeouts = z
  .strictObject({
    connect: durationMs()
      .prefault("5s")
      .meta({ description: "Longest wait for a session or for the first answer of a new process.", examples: ["5s"] }),
    list: durationMs()
      .prefault("5s")
      .meta({
        description: "Longest wait for all pages of one list; a slower server is left out of the answer.",
        examples: ["5s"],
      }),
    call: durationMs()
      .prefault("5m")
      .meta({
        description: "Longest silence of a call, from the request to the first byte and between two messages.",
        examples: ["5m"],
      }),
  })
  .prefault({})
  .meta({ description: "Deadlines toward this server, each on its own." });

const server = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({ description: "A Streamable HTTP server.", examples: ["https://tools.example.com/mcp"] }),
    reach,
    command: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({
        description: "A server over stdio: the program and its arguments, started by the gateway.",
        examples: [["node", "tools/files/server.ts"]],
      }),
    env: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: "Environment of the process, beside PATH and HOME.", examples: [{ LOG_LEVEL: "warn" }] }),
    cwd: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "Working directory of the process.", examples: ["/srv/files"] }),
    credentials: credentials.optional(),
    prices: z
      .record(z.string().min(1), callPrice())
      .default({})
      .meta({
        description:
          "What a call of each of its tools costs, for budgets and reports; what is not named costs nothing.",
        examples: [{ search: "$0.01" }],
      }),
    era: z
      .enum(["auto", "session", "stateless"])
      .default("auto")
      .meta({
        description: "`session`: protocol 2025-11-25 and earlier; `stateless`: 2026-07-28; `auto`: ask the server.",
        examples: ["auto"],
      }),
    timeouts,
    tenant: z
      .string()
      .min(1)
      .optional()
      .meta({
        description:
          "The tenant that calls of what it offers are counted for, whichever path they come by, where the caller's credential names none.",
        examples: ["team-a"],
      }),
    openapi: z
      .unknown()
      .optional()
      .refine((value) => value === undefined, {
        message: "OpenAPI documents as MCP servers are not in this build: give `url` or `command`",
      })
      .meta({ description: "Not in this build; refused at load." }),
  })
  .superRefine((value, context) => {
    if (value.openapi !== undefined) return;
    if ((value.url === undefined) === (value.command === undefined))
      context.addIssue({ code: "custom", message: "give either `url` (Streamable HTTP) or `command` (stdio)" });
    if (value.command !== undefined && value.credentials !== undefined)
      context.addIssue({
        code: "custom",
        path: ["credentials"],
        message: "a stdio server takes its credentials from `env`",
      });
    if (value.url !== undefined && (value.env !== undefined || value.cwd !== undefined))
      context.addIssue({
        code: "custom",
        path: [value.env === undefined ? "cwd" : "env"],
        message: "only a server with `command` has this",
      });
  })
  .meta({ description: "One MCP server." });

const route = z
  .strictObject({
    servers: z
      .array(z.string())
      .min(1)
      .meta({
        description: "Names from `mcp.servers`; on a clash of names the earlier server keeps the plain one.",
        examples: [["github", "files"]],
      }),
    tools: z
      .array(z.string().min(1))
      .optional()
      .meta({
        description: "Only tools whose own name matches one of these; `*` stands for any characters.",
        examples: [["read_*"]],
      }),
    prefix: z
      .enum(["always", "never", "on-conflict"])
      .default("on-conflict")
      .meta({
        description:
          "When a tool or prompt is called `server__name`; `never` drops a later server's name that clashes.",
        examples: ["on-conflict"],
      }),
  })
  .meta({ description: "One path that serves MCP." });

const sessions = z
  .strictObject({
    idle: durationMs()
      .prefault("30m")
      .meta({ description: "A session that is not used for this long is gone.", examples: ["30m"] }),
    max: z
      .int()
      .min(1)
      .max(100_000)
      .default(1_000)
      .meta({ description: "Sessions a principal may hold; beyond it the oldest go.", examples: [1_000] }),
  })
  .prefault({})
  .meta({ description: "Sessions of clients that speak 2025-11-25 or earlier." });

const mcp = z
  .strictObject({
    servers: z
      .record(
        z
          .string()
          .regex(
            NAME,
            "a name of letters, digits, `-` and `_`, at most 32 long, or NAMESPACE/NAME as Kubernetes has them",
          ),
        server,
      )
      .meta({ description: "MCP servers by name." }),
    routes: z
      .record(z.string().regex(/^\/[^\s?#]*$/, "a path such as /mcp"), route)
      .meta({ description: "What each path offers." }),
    sessions,
  })
  .superRefine((value, context) => {
    for (const [path, { servers }] of Object.entries(value.routes))
      for (const [index, name] of servers.entries()) {
        if (!Object.hasOwn(value.servers, name))
          context.addIssue({
            code: "custom",
            path: ["routes", path, "servers", index],
            message: `no server "${name}" in mcp.servers; there is ${Object.keys(value.servers).join(", ")}`,
          });
        else if (servers.indexOf(name) !== index)
          context.addIssue({
            code: "custom",
            path: ["routes", path, "servers", index],
            message: `server "${name}" is listed twice`,
          });
      }
  })
  .meta({ description: "MCP servers and the paths they are offered on." });

/** The `mcp` branch of the configuration. */
export const mcpConfig = { mcp: mcp.optional() };

export type McpConfig = z.output<typeof mcp>;
export type McpServerConfig = McpConfig["servers"][string];
export type McpRouteConfig = McpConfig["routes"][string];
