import type { Principal } from "../../core/principal.ts";
import type { GatewayExchange } from "../gateway-exchange.ts";
import type { StepDefinition } from "../step-definition.ts";

/** Who calls, and which chain the request continues or starts. */
export const authenticate: StepDefinition = {
  name: "authenticate",
  per: "exchange",
  create({ auth, chains }) {
    /* No promise where none is needed: a remembered credential outside any chain is most of the traffic. */
    const join = (exchange: GatewayExchange, principal: Principal): void | Promise<void> => {
      const joined = chains.resolve(exchange, principal);
      if (joined instanceof Promise) return joined.then((late) => exchange.identify(principal, late));
      exchange.identify(principal, joined);
    };
    return {
      name: "authenticate",
      enter(exchange) {
        const principal = auth.authenticate(exchange.request, exchange.route);
        return principal instanceof Promise
          ? principal.then((late) => join(exchange, late))
          : join(exchange, principal);
      },
    };
  },
};
