import { z } from "zod";
import { ExpressionError } from "../cel/expression-error.ts";
import { durationMs, secret } from "../core/units.ts";
import { compileTenant } from "./tenant.ts";

const names = (description: string, examples: string[][]) => z.array(z.string().min(1).max(256)).meta({ description, examples });
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/, "a name of letters, digits and . _ @ -, at most 128 characters");
const scope = z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/, "a scope: printable characters without space, quote and backslash");
const scopes = (description: string) => z.array(scope).max(100).meta({ description, examples: [["gateway", "tools:write"]] });
const tenant = z.string().min(1).max(256).meta({ description: "The tenant this caller belongs to.", examples: ["team-a"] });
const groups = names("Groups this caller belongs to: `principal.groups` in policies.", [["analyst"]]).default([]);

/* https, or http for an issuer on this machine or in its network, which only an operator can name. */
const url = z
  .string()
  .refine((text) => /^https?:\/\/[^\s?#]+$/.test(text) && URL.canParse(text), "an http or https URL without query and fragment");

/** Signature algorithms that may be allowed: asymmetric ones only (RFC 8725, section 3.1). */
export const signatureAlgorithms = [
  "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512", "EdDSA", "Ed25519",
] as const;

const issuer = z.strictObject({
  url: url.meta({ description: "The issuer, exactly as it stands in its tokens and its metadata.", examples: ["https://login.example.com"] }),
  audience: z.string().min(1).optional().meta({ description: "Accepted from this issuer in place of the route's own audiences.", examples: ["api://sallyport"] }),
  jwksUrl: url.optional().meta({ description: "Where its keys are; found by discovery when left out.", examples: ["https://login.example.com/jwks"] }),
  algorithms: z.array(z.enum(signatureAlgorithms)).min(1).optional().meta({ description: "Accepted signature algorithms; all asymmetric ones when left out.", examples: [["RS256"]] }),
  types: z
    .enum(["at+jwt", "any"])
    .default("at+jwt")
    .meta({ description: "`at+jwt` accepts RFC 9068 access tokens only; `any` also takes tokens typed `JWT` or untyped, for issuers that do not mark access tokens.", examples: ["any"] }),
  claims: z
    .strictObject({
      groups: z.string().min(1).default("groups").meta({ description: "The claim that lists groups.", examples: ["roles"] }),
      scopes: z.string().min(1).optional().meta({ description: "The claim that lists scopes; `scope` or `scp` when left out.", examples: ["permissions"] }),
      tenant: z.string().min(1).optional().meta({ description: "The claim that names the tenant, used when `tenant` is not set.", examples: ["team"] }),
    })
    .prefault({})
    .meta({ description: "Which claims hold groups, scopes and the tenant.", examples: [{ groups: "roles" }] }),
});

const grants = ["authorization_code", "client_credentials", "refresh_token", "token_exchange"] as const;

const client = z
  .strictObject({
    secret: secret().optional().meta({ description: "The client's secret; without one (and without `jwksUrl`) the client is public.", examples: ["${env:AGENT_SECRET}"] }),
    jwksUrl: url.optional().meta({ description: "Keys of a client that authenticates with private_key_jwt.", examples: ["https://agent.example.com/jwks"] }),
    label: z.string().min(1).max(100).optional().meta({ description: "Shown on the consent page.", examples: ["Research agent"] }),
    grants: z.array(z.enum(grants)).min(1).default(["client_credentials"]).meta({ description: "How this client may get tokens.", examples: [["client_credentials", "token_exchange"]] }),
    redirectUris: z.array(z.string().min(1)).default([]).meta({ description: "Exact redirect addresses, for authorization_code.", examples: [["https://app.example.com/callback"]] }),
    scopes: scopes("Scopes this client may have; all of the server's when left out.").optional(),
    groups,
    tenant: tenant.optional(),
  })
  .refine((value) => !value.grants.includes("authorization_code") || value.redirectUris.length > 0, { path: ["redirectUris"], message: "authorization_code needs at least one redirect address" })
  .refine((value) => value.secret === undefined || value.jwksUrl === undefined, { path: ["jwksUrl"], message: "a client has a secret or keys, not both" })
  .refine(
    (value) => value.secret !== undefined || value.jwksUrl !== undefined || !value.grants.some((grant) => grant === "client_credentials" || grant === "token_exchange"),
    { path: ["secret"], message: "client_credentials and token_exchange need a secret or jwksUrl" },
  );

const user = z.strictObject({
  password: secret().meta({ description: "What the user types on the sign-in page.", examples: ["${env:ALICE_PASSWORD}"] }),
  groups,
  tenant: tenant.optional(),
  scopes: scopes("Scopes this user may grant; all of the server's when left out.").optional(),
});

const embedded = z
  .strictObject({
    users: z.record(name, user).default({}).meta({ description: "Who can sign in. Without any, the operator signs in with a passcode made at first start.", examples: [{ alice: { password: "${env:ALICE_PASSWORD}", groups: ["analyst"] } }] }),
    operator: z
      .strictObject({ groups: groups.default(["operators"]), tenant: tenant.optional() })
      .prefault({})
      .meta({ description: "The account behind the passcode.", examples: [{ groups: ["analyst"] }] }),
    clients: z.record(name, client).default({}).meta({ description: "Clients known beforehand.", examples: [{ agent: { secret: "${env:AGENT_SECRET}" } }] }),
    scopes: scopes("Further scopes this server can issue, beyond `auth.scopes` and those policies name.").default([]),
    dynamicRegistration: z.boolean().default(true).meta({ description: "Lets MCP clients register themselves (RFC 7591). Such a client can only act for a user who consents.", examples: [false] }),
    accessTokenTtl: durationMs().prefault("15m").meta({ description: "How long an access token is valid.", examples: ["15m"] }),
    refreshTokenTtl: durationMs().prefault("30d").meta({ description: "How long a refresh token may lie unused.", examples: ["30d"] }),
    sessionTtl: durationMs().prefault("8h").meta({ description: "How long a browser stays signed in.", examples: ["8h"] }),
  })
  .superRefine((value, context) => {
    for (const [field, ms] of [["accessTokenTtl", value.accessTokenTtl], ["refreshTokenTtl", value.refreshTokenTtl], ["sessionTtl", value.sessionTtl]] as const) {
      if (ms < 1_000) context.addIssue({ code: "custom", path: [field], message: "at least 1s" });
    }
    if (value.accessTokenTtl > 86_400_000) context.addIssue({ code: "custom", path: ["accessTokenTtl"], message: "at most 1d" });
    for (const key of [...Object.keys(value.users), "operator"]) {
      // One subject must be one party: a client named like a user would be taken for that user (RFC 9068, section 5).
      if (Object.hasOwn(value.clients, key)) context.addIssue({ code: "custom", path: ["clients", key], message: "a user has this name; choose another" });
    }
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
  issuers: z.array(z.union([url, issuer])).default([]).transform((list) => list.map((one) => (typeof one === "string" ? issuer.parse({ url: one }) : one)))
    .meta({ description: "Issuers whose tokens are accepted, found by discovery.", examples: [["https://login.example.com"]] }),
  audience: url.optional().meta({ description: "The gateway as a whole, as a resource; `publicUrl` when left out.", examples: ["https://gateway.example.com"] }),
  embedded: z
    .union([z.boolean(), embedded])
    .default(false)
    .transform((value) => (value === true ? embedded.parse({}) : value === false ? undefined : value))
    .meta({ description: "The authorization server inside: `true`, or its settings.", examples: [true] }),
  scopes: scopes("Scopes a client asks for first: named in metadata and 401 challenges. `gateway` when left out and the embedded server is on.").optional(),
  anonymous: z.boolean().default(false).meta({ description: "Lets callers without a credential in, as the anonymous principal. A bad credential is refused all the same.", examples: [true] }),
  keys: z
    .record(name.refine((text) => !text.startsWith("key_"), "names that start with key_ are given to keys made at run time"), key)
    .default({})
    .meta({ description: "API keys known beforehand; more can be made and revoked at run time.", examples: [{ ci: { secret: "${env:CI_KEY}", groups: ["ci"] } }] }),
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
  auth: auth.optional().meta({ description: "Who may call: issuers, the embedded authorization server, API keys.", examples: [{ issuers: ["https://login.example.com"] }] }),
  tenant: z.string().min(1).superRefine(checkTenant).optional().meta({ description: "CEL over `principal`: the tenant of a caller.", examples: ["principal.claims.team"] }),
};

export type AuthConfig = z.output<typeof auth>;
export type IssuerConfig = z.output<typeof issuer>;
export type EmbeddedConfig = z.output<typeof embedded>;
export type ClientConfig = z.output<typeof client>;
/** One issuer with everything left out filled in. */
export const issuerConfig = (value: z.input<typeof issuer>): IssuerConfig => issuer.parse(value);
/** Parses one `auth` branch: for tests and for parts that build a config in code. */
export const parseAuthConfig = (value: unknown): AuthConfig => auth.parse(value);
