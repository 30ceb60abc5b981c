import { z } from "zod";
import { Context } from "../cel/context.ts";
import { compileExpression } from "../cel/expression.ts";
import { ExpressionError } from "../cel/expression-error.ts";
import type { Principal } from "../core/principal.ts";
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

/** `console:` in the config file. */
export const consoleConfig = z
  .strictObject({
    url: url.optional().meta({
      description:
        "Where browsers of other machines reach the console, behind whatever ends TLS for it. Its host must be under `listen.allowedHosts`. This machine's own addresses need no entry, at any port.",
      examples: ["https://console.example.com"],
    }),
    roles: z
      .strictObject({
        viewer: role('"viewers" in principal.groups', "CEL over `principal`: who may look at everything."),
        operator: role(
          'principal.subject == "operator" || "operators" in principal.groups',
          "CEL over `principal`: who may also drain, flush and make keys. `operator` is the one with the passcode.",
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

function compileRoles({ roles }: ConsoleConfig): RoleOf {
  const operator = compileRole(roles.operator);
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
