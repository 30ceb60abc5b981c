import { chainTokenKey } from "../a2a/chain-token.ts";
import type { Arrival } from "./chains.ts";

/** Where an agent may show its chain token with any call. */
export const chainTokenHeader = "x-sallyport-chain";

/** The chain token a request shows, unverified: in its header, or in the metadata of the message it sends. */
export async function shownToken(arrival: Arrival): Promise<string | undefined> {
  const { request, route } = arrival;
  const header = request.headers[chainTokenHeader];
  if (header !== undefined) return header;
  if (route.protocol !== "a2a" || request.method !== "POST") return undefined;
  try {
    const token = member((await arrival.body()).value, "params", "message", "metadata", chainTokenKey);
    return typeof token === "string" ? token : undefined;
  } catch {
    /* The protocol reads the body again, and says in its own words what is wrong with it. */
    return undefined;
  }
}

function member(value: unknown, ...path: readonly string[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return at;
}
