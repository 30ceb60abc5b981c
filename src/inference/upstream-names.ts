import type { Provider } from "./providers/provider.ts";

/** Gives names to what fails together. */
export type NameUpstream = (model: string, upstreamName: string, server: Provider) => string;

/** One name for the same model at the same address, unless another account is asked there: its rate limit is another. */
export function createUpstreamNames(): NameUpstream {
  const accounts = new Map<string, string>();
  return (model, upstreamName, { baseUrl, headers }) => {
    const name = `${upstreamName} at ${baseUrl}`;
    const account = JSON.stringify(headers);
    const first = accounts.get(name) ?? account;
    accounts.set(name, first);
    return account === first ? name : `${name} as ${model}`;
  };
}
