import { z } from "zod";
import { ExpressionError } from "../cel/expression-error.ts";
import type { ConfigProblem } from "../core/config-problem.ts";
import type { Principal } from "../core/principal.ts";
import { secret } from "../core/units.ts";
import { clientPrincipal } from "./client-principal.ts";
import { groups, name, scopes, tenant, url } from "./config-fields.ts";
import { embeddedConfig } from "./embedded/config.ts";
import { configuredKey, keyPrincipal } from "./key-principal.ts";
import { withTenant } from "./principal-from.ts";
import { compileTenant } from "./tenant.ts";

/** Signature algorithms that may be allowed: asymmetric ones only (RFC 8725, section 3.1). */
export const signatureAlgorithms = [
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512",
  "EdDSA",
  "Ed25519",
] as const;

const issuer = z.strictObject({
  url: url.meta({
    description: "The issuer, exactly as it stands in its tokens and its metadata.",
    examples: ["https://login.example.com"],
  }),
  audience: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: "Accepted from this issuer in place of the route's own audiences.",
      examples: ["api://sallyport"],
    }),
  jwksUrl: url.optional().meta({
    description: "Where its keys are; found by discovery when left out.",
    examples: ["https://login.example.com/jwks"],
  }),
  algorithms: z
    .array(z.enum(signatureAlgorithms))
    .min(1)
    .optional()
    .meta({ description: "Accepted signature algorithms; all asymmetric ones when left out.", examples: [["RS256"]] }),
  types: z
    .enum(["at+jwt", "any"])
    .default("at+jwt")
    .meta({
      description:
        "`at+jwt` accepts RFC 9068 access tokens only; `any` also takes tokens typed `JWT` or untyped, for issuers that do not mark access tokens.",
      examples: ["any"],
    }),
  claims: z
    .strictObject({
      groups: z
        .string()
        .min(1)
        .default("groups")
        .meta({ description: "The claim that lists groups.", examples: ["roles"] }),
      scopes: z
        .string()
        .min(1)
        .optional()
        .meta({
          description: "The claim that lists scopes; `scope` or `scp` when left out.",
          examples: ["permissions"],
        }),
      tenant: z
        .string()
        .min(1)
        .optional()
        .meta({
          description:
            "The claim that names the tenant. A token without it has the tenant that `tenant` computes, or else that of its route.",
          examples: ["team", "kubernetes.io.namespace"],
        }),
    })
    .prefault({})
    .meta({ description: "Which claims hold groups, scopes and the tenant.", examples: [{ groups: "roles" }] }),
});

const key = z.strictObject({
  secret: secret()
    .refine((text) => /^[A-Za-z0-9_~+/=-]{24,512}$/.test(text), "24 to 512 characters of A-Z a-z 0-9 _ ~ + / = -")
    .meta({ description: "The key itself.", examples: ["${env:CI_KEY}"] }),
  tenant: tenant.optional(),
  scopes: scopes("Scopes the key carries.").default([]),
  groups,
});

const auth = z.strictObject({
  issuers: z
    .array(z.union([url, issuer]))
    .default([])
    .transform((list) => list.map((one) => (typeof one === "string" ? issuer.parse({ url: one }) : one)))
    .meta({
      description: "Issuers whose tokens are accepted, found by discovery.",
      examples: [["https://login.example.com"]],
    }),
  audience: url.optional().meta({
    description: "The gateway as a whole, as a resource; `publicUrl` when left out.",
    examples: ["https://gateway.example.com"],
  }),
  embedded: z
    .union([z.boolean(), embeddedConfig])
    .default(false)
    .transform((value) => (value === true ? embeddedConfig.parse({}) : value === false ? undefined : value))
    .meta({ description: "The authorization server inside: `true`, or its settings.", examples: [true] }),
  scopes: scopes(
    "Scopes a client asks for first: named in metadata and 401 challenges. `gateway` when left out and the embedded server is on.",
  ).optional(),
  anonymous: z
    .boolean()
    .default(false)
    .meta({
      description:
        "Lets callers without a credential in, as the anonymous principal; to services each route says it. A bad credential is refused all the same.",
      examples: [true],
    }),
  keys: z
    .record(
      name.refine((text) => !text.startsWith("key_"), "names that start with key_ are given to keys made at run time"),
      key,
    )
    .default({})
    .meta({
      description: "API keys known beforehand; more can be made and revoked at run time.",
      examples: [{ ci: { secret: "${env:CI_KEY}", groups: ["ci"] } }],
    }),
});

function checkTenant(source: string, context: z.RefinementCtx): void {
  try {
    compileTenant(source);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
}

export const authConfig = {
  auth: auth.optional().meta({
    description: "Who may call: issuers, the embedded authorization server, API keys.",
    examples: [{ issuers: ["https://login.example.com"] }],
  }),
  tenant: z
    .string()
    .min(1)
    .superRefine(checkTenant)
    .optional()
    .meta({ description: "CEL over `principal`: the tenant of a caller.", examples: ["principal.claims.team"] }),
};

/**
 * Keys of `auth.keys`, and clients of the embedded server that get tokens for themselves, which name no tenant where `tenant` gives
 * them none either: every call with them would be refused.
 */
export function checkTenants({
  auth: config,
  tenant: source,
  publicUrl,
}: {
  readonly auth?: Pick<AuthConfig, "keys" | "embedded"> | undefined;
  readonly tenant?: string | undefined;
  readonly publicUrl?: URL | undefined;
}): ConfigProblem[] {
  if (source === undefined || config === undefined) return [];
  const tenantOf = compileTenant(source);
  const clients = Object.entries(config.embedded?.clients ?? {});
  const bearers: readonly (readonly ["key" | "client", readonly string[], Principal])[] = [
    ...Object.entries(config.keys).map(
      ([id, key]) => ["key", ["auth", "keys", id], keyPrincipal(id, configuredKey(id, key))] as const,
    ),
    ...clients
      .filter(([, client]) => client.grants.includes("client_credentials"))
      .map(
        ([id, client]) =>
          [
            "client",
            ["auth", "embedded", "clients", id],
            clientPrincipal(publicUrl?.origin ?? "", id, client),
          ] as const,
      ),
  ];
  return bearers.flatMap(([what, path, bearer]): ConfigProblem[] => {
    try {
      withTenant(bearer, tenantOf);
      return [];
    } catch {
      const message = `\`tenant\` finds none for this ${what}, so every call with it would be refused: add \`tenant: NAME\` here`;
      return [{ path, message }];
    }
  });
}

export type AuthConfig = z.output<typeof auth>;
export type IssuerConfig = z.output<typeof issuer>;
/** One issuer with everything left out filled in. */
export const issuerConfig = (value: z.input<typeof issuer>): IssuerConfig => issuer.parse(value);
/** Parses one `auth` branch: for tests and for parts that build a config in code. */
export const parseAuthConfig = (value: unknown): AuthConfig => auth.parse(value);
