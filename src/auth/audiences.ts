import type { Route } from "../core/exchange.ts";

/** The resources tokens can be made for: the gateway as a whole and each route (RFC 8707). */
export function createAudiences(gateway: string, routes: () => readonly Route[]) {
  const trimmed = (text: string): string => (text.endsWith("/") ? text.slice(0, -1) : text);
  return {
    gateway,
    /** The identifier as it stands in tokens; undefined for anything else. A URL without a path is sent with a slash by many clients. */
    canonical(resource: string): string | undefined {
      const wanted = trimmed(resource);
      if (trimmed(gateway) === wanted) return gateway;
      for (const route of routes())
        for (const audience of route.audiences) if (trimmed(audience) === wanted) return audience;
      return undefined;
    },
  };
}

export type Audiences = ReturnType<typeof createAudiences>;
