import type { IncomingMessage } from "node:http";
import type { CanonicalRequest } from "../core/exchange.ts";
import { isLoopbackHost } from "./address.ts";
import { createCanonicalizer } from "./canonical-request.ts";
import { publicUrlOf } from "./config.ts";
import { createOriginCheck, type CheckOrigin } from "./cors.ts";
import type { EdgeOptions } from "./edge.ts";
import { createHostCheck } from "./host.ts";
import type { BoundAddress } from "./listener.ts";

/** What is looked at before any route. */
export interface FrontChecks {
  /** Reads a request once; throws a GatewayError. */
  readonly canonicalize: (req: IncomingMessage) => CanonicalRequest;
  readonly checkOrigin: CheckOrigin;
}

/** The checks of one listener, bound at `address`. */
export function createFrontChecks(options: EdgeOptions, address: BoundAddress): FrontChecks {
  const { config, listener, clock } = options;
  const { allowedHosts, allowedOrigins, trustedProxies } = config.listen;
  const publicUrl = publicUrlOf(config);
  const onConsole = listener === "console";
  const loopback =
    onConsole || isLoopbackHost(address.host) || isLoopbackHost(publicUrl.hostname.replace(/^\[|\]$/g, ""));
  const patterns = listener === "health" ? ["*"] : [publicUrl.hostname, ...allowedHosts];
  const ofListener = createHostCheck({ patterns, loopback, addresses: onConsole });
  return {
    canonicalize: createCanonicalizer({
      checkHost: (header) => ofListener(header) || (options.servesHost?.(header) ?? false),
      ...(options.methods && { methods: options.methods }),
      ...(options.listenerOf && { listenerOf: options.listenerOf }),
      trustedProxies,
      maxHeaders: config.limits.headers.count,
      clock,
    }),
    checkOrigin: createOriginCheck({
      publicOrigin: publicUrl.origin,
      allowedOrigins,
      loopback,
      policy: onConsole ? () => "own" : (options.originPolicy ?? (() => "listed")),
    }),
  };
}
