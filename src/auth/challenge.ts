import { GatewayError } from "../core/errors.ts";
import type { Route } from "../core/exchange.ts";

/* A quoted-string of RFC 9110, section 5.6.4, without anything that needs escaping. */
const quoted = (text: string): string => `"${text.replaceAll(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, "")}"`;

/* Routes of the configuration are no resources of their own: the gateway as a whole is. */
const resourceOf = ({ path, configured }: Route): string => (path === "/" || configured ? "" : path);

/** The challenges of RFC 6750, section 3 with `resource_metadata` of RFC 9728, section 5.1. */
export function createChallenges(publicBase: string, baseScopes: () => readonly string[]) {
  const header = (
    route: Route,
    scopes: readonly string[],
    error?: string,
    description?: string,
  ): Readonly<Record<string, string>> => {
    const parts = [
      `resource_metadata=${quoted(`${publicBase}/.well-known/oauth-protected-resource${resourceOf(route)}`)}`,
    ];
    if (scopes.length > 0) parts.push(`scope=${quoted(scopes.join(" "))}`);
    if (error !== undefined) parts.push(`error=${quoted(error)}`);
    if (description !== undefined) parts.push(`error_description=${quoted(description)}`);
    return { "www-authenticate": `Bearer ${parts.join(", ")}` };
  };
  return {
    /** Nothing was shown: RFC 6750, section 3.1 says to name no error then. */
    missing: (route: Route): GatewayError =>
      new GatewayError("unauthenticated", "This needs an access token or an API key.", {
        headers: header(route, baseScopes()),
      }),
    /** A credential was shown and is no good. `reason` is shown; `detail` is for the log. */
    invalid: (route: Route, reason: string, detail?: unknown): GatewayError =>
      new GatewayError("unauthenticated", reason, {
        headers: header(route, baseScopes(), "invalid_token", reason),
        cause: detail,
      }),
    /** Every scope the operation needs in one challenge, so that a client asks once. */
    stepUp: (route: Route, scopes: readonly string[]): GatewayError => {
      const message = `This needs the scope${scopes.length === 1 ? "" : "s"} ${scopes.join(" ")}.`;
      return new GatewayError("insufficient_scope", message, {
        headers: header(route, scopes, "insufficient_scope", message),
        data: { scopes: [...scopes] },
      });
    },
  };
}
