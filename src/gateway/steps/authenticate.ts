import type { StepDefinition } from "../step-definition.ts";

/** Who calls, and which chain the request continues or starts. */
export const authenticate: StepDefinition = {
  name: "authenticate",
  per: "exchange",
  create({ auth, chains }) {
    return {
      name: "authenticate",
      async enter(exchange) {
        const pending = auth.authenticate(exchange.request, exchange.route);
        const principal = pending instanceof Promise ? await pending : pending;
        const joined = chains.resolve(exchange.request, principal);
        exchange.identify(principal, joined instanceof Promise ? await joined : joined);
      },
    };
  },
};
