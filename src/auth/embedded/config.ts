import { z } from "zod";
import { durationMs, secret } from "../../core/units.ts";
import { groups, name, scopes, tenant, url } from "../config-fields.ts";

/** How a client may get tokens. */
export const grants = ["authorization_code", "client_credentials", "refresh_token", "token_exchange"] as const;

const client = z
  .strictObject({
    secret: secret()
      .optional()
      .meta({
        description: "The client's secret; without one (and without `jwksUrl`) the client is public.",
        examples: ["${env:AGENT_SECRET}"],
      }),
    jwksUrl: url.optional().meta({
      description: "Keys of a client that authenticates with private_key_jwt.",
      examples: ["https://agent.example.com/jwks"],
    }),
    label: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .meta({ description: "Shown on the consent page.", examples: ["Research agent"] }),
    grants: z
      .array(z.enum(grants))
      .min(1)
      .default(["client_credentials"])
      .meta({ description: "How this client may get tokens.", examples: [["client_credentials", "token_exchange"]] }),
    redirectUris: z
      .array(z.string().min(1))
      .default([])
      .meta({
        description: "Exact redirect addresses, for authorization_code.",
        examples: [["https://app.example.com/callback"]],
      }),
    scopes: scopes("Scopes this client may have; all of the server's when left out.").optional(),
    groups,
    tenant: tenant.optional(),
  })
  .refine((value) => !value.grants.includes("authorization_code") || value.redirectUris.length > 0, {
    path: ["redirectUris"],
    message: "authorization_code needs at least one redirect address",
  })
  .refine((value) => value.secret === undefined || value.jwksUrl === undefined, {
    path: ["jwksUrl"],
    message: "a client has a secret or keys, not both",
  })
  .refine(
    (value) =>
      value.secret !== undefined ||
      value.jwksUrl !== undefined ||
      !value.grants.some((grant) => grant === "client_credentials" || grant === "token_exchange"),
    { path: ["secret"], message: "client_credentials and token_exchange need a secret or jwksUrl" },
  );

const user = z.strictObject({
  password: secret().meta({
    description: "What the user types on the sign-in page.",
    examples: ["${env:ALICE_PASSWORD}"],
  }),
  groups,
  tenant: tenant.optional(),
  scopes: scopes("Scopes this user may grant; all of the server's when left out.").optional(),
});

export const embeddedConfig = z
  .strictObject({
    users: z
      .record(name, user)
      .default({})
      .meta({
        description: "Who can sign in. Without any, the operator signs in with a passcode shown at the start.",
        examples: [{ alice: { password: "${env:ALICE_PASSWORD}", groups: ["analyst"] } }],
      }),
    operator: z
      .strictObject({ groups: groups.default(["operators"]), tenant: tenant.optional() })
      .prefault({})
      .meta({ description: "The account behind the passcode.", examples: [{ groups: ["analyst"] }] }),
    clients: z
      .record(name, client)
      .default({})
      .meta({ description: "Clients known beforehand.", examples: [{ agent: { secret: "${env:AGENT_SECRET}" } }] }),
    scopes: scopes("Further scopes this server can issue, beyond `auth.scopes` and those policies name.").default([]),
    dynamicRegistration: z
      .boolean()
      .default(true)
      .meta({
        description:
          "Lets MCP clients register themselves (RFC 7591). Such a client can only act for a user who consents.",
        examples: [false],
      }),
    accessTokenTtl: durationMs()
      .prefault("15m")
      .meta({ description: "How long an access token is valid.", examples: ["15m"] }),
    refreshTokenTtl: durationMs()
      .prefault("30d")
      .meta({ description: "How long a refresh token may lie unused.", examples: ["30d"] }),
    sessionTtl: durationMs()
      .prefault("8h")
      .meta({ description: "How long a browser stays signed in.", examples: ["8h"] }),
  })
  .superRefine((value, context) => {
    for (const [field, ms] of [
      ["accessTokenTtl", value.accessTokenTtl],
      ["refreshTokenTtl", value.refreshTokenTtl],
      ["sessionTtl", value.sessionTtl],
    ] as const) {
      if (ms < 1_000) context.addIssue({ code: "custom", path: [field], message: "at least 1s" });
    }
    if (value.accessTokenTtl > 86_400_000)
      context.addIssue({ code: "custom", path: ["accessTokenTtl"], message: "at most 1d" });
    for (const key of [...Object.keys(value.users), "operator"]) {
      // One subject must be one party: a client named like a user would be taken for that user (RFC 9068, section 5).
      if (Object.hasOwn(value.clients, key))
        context.addIssue({ code: "custom", path: ["clients", key], message: "a user has this name; choose another" });
    }
  });

export type EmbeddedConfig = z.output<typeof embeddedConfig>;
export type ClientConfig = z.output<typeof client>;
