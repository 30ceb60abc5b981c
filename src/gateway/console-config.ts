import { z } from "zod";
import { Context } from "../cel/context.ts";
import { compileExpression } from "../cel/expression.ts";
import { ExpressionError } from "../cel/expression-error.ts";
import type { Principal } from "../core/principal.ts";
import { secret } from "../core/units.ts";
import { isLoopbackHost } from "../http/address.ts";

const compileRole = (source: string) => compileExpression(source, { variables: ["principal"], result: "bool" });

const role = (fallback: string, description: string) =>
  z
    .string()
    .min(1)
    .superRefine((source, context) => {
      try {
        compileRole(source);
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
        context.addIssue({ code: "custom", message: error.message });
      }
    })
    .default(fallback)
    .meta({ description, examples: ['"platform" in principal.groups'] });

const url = z.string().transform((text, context): URL => {
  const parsed = URL.parse(text);
  if (parsed?.origin === text.replace(/\/$/, "") && (parsed.protocol === "https:" || isOwnMachine(parsed)))
    return parsed;
  context.addIssue({ code: "custom", message: "an https origin without a path, such as https://console.example.com" });
  return z.NEVER;
});

const isOwnMachine = ({ protocol, hostname }: URL): boolean =>
  protocol === "http:" && isLoopbackHost(hostname.replace(/^\[|\]$/g, ""));

const OPERATORS = '"operators" in principal.groups';
const OPERATOR = `principal.subject == "operator" || ${OPERATORS}`;

/** `console:` in the config file. */
export const consoleConfig = z
  .strictObject({
    url: url.optional().meta({
      description:
        "Where browsers of other machines reach the console, behind whatever ends TLS for it. Its host must be under `listen.allowedHosts`. This machine's own addresses need no entry, at any port.",
      examples: ["https://console.example.com"],
    }),
    signIn: z
      .strictObject({
        issuer: z
          .string()
          .min(1)
          .meta({ description: "One of `auth.issuers`, by its URL.", examples: ["https://login.example.com"] }),
        id: z
          .string()
          .min(1)
          .max(256)
          .meta({
            description:
              "What the issuer knows the console by. It must lead back to `/signin/callback` at the console's address.",
            examples: ["sallyport-console"],
          }),
        secret: secret()
          .optional()
          .meta({ description: "The client's secret; without one it is public.", examples: ["${env:CONSOLE_SECRET}"] }),
        scopes: z
          .array(z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/, "a scope without spaces"))
          .max(20)
          .default([])
          .meta({ description: "Asked for beside `openid`, where groups need one.", examples: [["groups"]] }),
      })
      .optional()
      .meta({
        description: "Signs in at another authorization server (OpenID Connect), in place of the embedded one.",
        examples: [{ issuer: "https://login.example.com", id: "sallyport-console" }],
      }),
    roles: z
      .strictObject({
        viewer: role('"viewers" in principal.groups', "CEL over `principal`: who may look at everything."),
        operator: role(
          OPERATOR,
          "CEL over `principal`: who may also drain, flush and make keys. `operator` is the one with the passcode; with `console.signIn` the group alone counts, unless this says otherwise.",
        ),
      })
      .prefault({})
      .meta({ description: "Who may do what; an error in an expression is a no.", examples: [{ viewer: "true" }] }),
  })
  .prefault({})
  .meta({ description: "The web console.", examples: [{ roles: { viewer: '"platform" in principal.groups' } }] });

export type ConsoleConfig = z.output<typeof consoleConfig>;

type RoleOf = (principal: Principal) => "viewer" | "operator" | undefined;
const known = new WeakMap<ConsoleConfig, RoleOf>();

/** The role of whoever has signed in; undefined: none. */
export function rolesOf(config: ConsoleConfig): RoleOf {
  let roleOf = known.get(config);
  if (roleOf === undefined) known.set(config, (roleOf = compileRoles(config)));
  return roleOf;
}

function compileRoles({ roles, signIn }: ConsoleConfig): RoleOf {
  /* Who is called `operator` elsewhere has no passcode of ours. */
  const operator = compileRole(signIn !== undefined && roles.operator === OPERATOR ? OPERATORS : roles.operator);
  const viewer = compileRole(roles.viewer);
  const holds = (expression: typeof viewer, principal: Principal): boolean => {
    try {
      return expression.evaluate(new Context({ principal }));
    } catch {
      return false;
    }
  };
  return (principal) => (holds(operator, principal) ? "operator" : holds(viewer, principal) ? "viewer" : undefined);
}
