import { z } from "zod";
import { rate } from "../core/units.ts";
import type { ConfigProblem } from "../core/config-problem.ts";
import { createHostCheck } from "../http/host.ts";
import { type ConsoleConfig, consoleConfig } from "./console-config.ts";

const count = (fallback: number, description: string) =>
  z
    .int()
    .min(1)
    .default(fallback)
    .meta({ description, examples: [fallback] });

/** The gateway's own part of the configuration: what one process takes on, and who may look at it. */
export const gatewayConfig = {
  console: consoleConfig,
  admission: z
    .strictObject({
      operations: count(10_000, "Most operations under way in one process."),
      perPrincipal: count(1_000, "Most operations under way of one principal."),
      rate: rate("request")
        .optional()
        .meta({
          description: "How many operations a principal may start in a time, counted in this process; none by default.",
          examples: ["600 requests/min"],
        }),
      hops: count(8, "Most handoffs between agents in one chain."),
      loops: z
        .enum(["refuse", "allow"])
        .default("refuse")
        .meta({
          description:
            "`refuse`: work is not handed to an agent that is already at it in this chain, nor by an agent to itself. `allow`: it is, within `hops`.",
          examples: ["refuse"],
        }),
    })
    .prefault({})
    .meta({ description: "What one process takes on before it refuses.", examples: [{ operations: 5_000 }] }),
};

const taken = {
  "/a2a": "agents",
  "/v1": "models",
  "/oauth": "the pages of the authorization server",
  "/.well-known": "metadata",
} as const;

/** Paths of `mcp.routes` that could never be reached, or would hide what the gateway itself serves there. */
export function checkMcpPaths({
  mcp,
}: {
  readonly mcp?: { readonly routes: Readonly<Record<string, unknown>> } | undefined;
}): ConfigProblem[] {
  return Object.keys(mcp?.routes ?? {}).flatMap((path): ConfigProblem[] => {
    const at = ["mcp", "routes", path];
    const owner = Object.entries(taken).find(([root]) => path === root || path.startsWith(`${root}/`));
    if (owner !== undefined)
      return [{ path: at, message: `${owner[0]} is where ${owner[1]} are served: choose another path` }];
    /* The edge hands on no other form of a path, so a route written so would match nothing. */
    const plain = new URL(path.replace(/\/{2,}/g, "/"), "http://localhost").pathname;
    return plain === path ? [] : [{ path: at, message: `no request has this path: write ${plain}` }];
  });
}

/** A console that browsers are told to come to, and that would answer none of them; a sign-in page of an issuer that is not trusted. */
export function checkConsole({
  console: { url, signIn },
  listen: { allowedHosts },
  publicUrl,
  auth,
}: {
  readonly console: ConsoleConfig;
  readonly auth?: { readonly issuers: readonly { readonly url: string }[] } | undefined;
  readonly listen: { readonly allowedHosts: readonly string[] };
  readonly publicUrl?: URL | undefined;
}): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (signIn !== undefined && !auth?.issuers.some((issuer) => issuer.url === signIn.issuer))
    problems.push({
      path: ["console", "signIn", "issuer"],
      message: "`auth.issuers` has no such issuer; add it there",
    });
  if (url === undefined) return problems;
  const patterns = [...(publicUrl === undefined ? [] : [publicUrl.hostname]), ...allowedHosts];
  if (!createHostCheck({ patterns, loopback: true, addresses: true })(url.host))
    problems.push({
      path: ["console", "url"],
      message: `no request for this host is answered: add ${url.hostname} to listen.allowedHosts`,
    });
  return problems;
}
