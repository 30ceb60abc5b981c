import type { Express } from "express";
import type { Config } from "../config/schema.ts";
import { GatewayError } from "../core/errors.ts";
import type { CanonicalRequest } from "../core/exchange.ts";
import type { BufferBudget } from "../http/body.ts";
import { bindHostOf, tlsFilesOf } from "../http/config.ts";
import type { OriginPolicy } from "../http/cors.ts";
import { createEdge, type Edge } from "../http/edge.ts";
import { anyMethod } from "../http/methods.ts";
import { createDispatch } from "./dispatch.ts";
import type { Epochs } from "./epochs.ts";
import type { Foundation } from "./foundation.ts";
import { createPorts, type Ports } from "./ports.ts";
import { renderPlainError } from "./render-plain-error.ts";
import type { Routes } from "./routes.ts";

export interface DataEdgesOptions {
  readonly config: Config;
  readonly epochs: Epochs;
  readonly foundation: Foundation;
  readonly control: Express;
  /** One for all listeners of the process. */
  readonly budget: BufferBudget;
}

/** What agents call: the port of `listen`, and those of other listeners, which all lead to the same routes. */
export function createDataEdges(options: DataEdgesOptions): { readonly main: Edge; readonly ports: Ports } {
  const { config, epochs, control, budget } = options;
  const { clock, log } = options.foundation;
  const tls = tlsFilesOf(config);
  const common = {
    clock,
    log,
    budget,
    config: { ...config, listen: { ...config.listen, ...(tls && { tls }) } },
    listener: "data",
    dispatch: createDispatch(epochs, control, log),
    renderError: (error: GatewayError, path: string) => renderPlainError(error, path, epochs.current().routes),
    servesHost: (header: string) => epochs.current().routes.servesHost(header),
    methods: new Set(anyMethod),
    originPolicy: (request: CanonicalRequest) => originPolicyOf(request, epochs.current().routes),
  } as const;
  const ports = createPorts({
    ...options.foundation,
    host: bindHostOf(config),
    createEdge: (door, port, contextFor) =>
      createEdge({
        ...common,
        port,
        contextFor,
        listenerOf(header, serverName) {
          const find = epochs.current().listeners.at(door);
          if (find === undefined) throw new GatewayError("draining", "This port is not served any more.");
          return find(header, serverName);
        },
      }),
  });
  const main = createEdge({
    ...common,
    contextFor: ports.contextForMain,
    listenerOf: (header, serverName) => epochs.current().listeners.main?.(header, serverName),
  });
  return { main, ports };
}

/** Metadata is for every page. Of a service's pages the service itself says which may call it, or a filter of its route. */
function originPolicyOf(request: CanonicalRequest, routes: Routes): ReturnType<OriginPolicy> {
  const route = routes.match(request);
  if (route !== undefined && route !== "control" && (route.protocol === "http" || route.models?.preflight))
    return "theirs";
  return request.path.startsWith("/.well-known/") ? "any" : "listed";
}
