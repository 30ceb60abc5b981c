import type { TlsSecret } from "./cluster.ts";
import { GATEWAY_GROUP, MAX_LISTENERS, type OutputObject, slugOf } from "./gateway-api.ts";
import type { RoutePlan } from "./routes.ts";

export interface GatewayOptions {
  readonly name: string;
  readonly namespace: string;
  readonly className: string;
}

interface Listener {
  readonly name: string;
  readonly hostname?: string;
  readonly port: number;
  readonly protocol: "HTTP" | "HTTPS";
  readonly tls?: unknown;
  readonly allowedRoutes?: unknown;
}

/** The Gateways that carry some routes, and where on them each host is. */
export interface GatewayPlan {
  readonly objects: readonly OutputObject[];
  parentRefsOf(plan: RoutePlan): readonly unknown[];
}

const HTTP_LISTENER = "http";

/**
 * One Gateway with a listener for http and one for each host that has a certificate; more of them where a Gateway has no more room.
 * `secrets` are by host, the empty one for every host.
 */
export function planGateways(
  { name, namespace, className }: GatewayOptions,
  secrets: ReadonlyMap<string, TlsSecret>,
  plans: readonly RoutePlan[],
): GatewayPlan {
  const foreign = plans.some((plan) => plan.namespace !== namespace);
  const open = foreign ? { allowedRoutes: { namespaces: { from: "All" } } } : {};
  const gateways: { name: string; listeners: Listener[] }[] = [];
  const places = new Map<string, { gateway: string; section: string }>();
  const begin = () => {
    const http: Listener = { name: HTTP_LISTENER, port: 80, protocol: "HTTP", ...open };
    const gateway = { name: gateways.length === 0 ? name : `${name}-${gateways.length + 1}`, listeners: [http] };
    gateways.push(gateway);
    return gateway;
  };
  let current = begin();
  for (const [host, secret] of secrets) {
    if (current.listeners.length === MAX_LISTENERS) current = begin();
    const section = freeName(`https-${slugOf(host)}`, current.listeners);
    places.set(host, { gateway: current.name, section });
    current.listeners.push({
      name: section,
      ...(host !== "" && { hostname: host }),
      port: 443,
      protocol: "HTTPS",
      tls: {
        mode: "Terminate",
        certificateRefs: [
          { name: secret.name, ...(secret.namespace !== namespace && { namespace: secret.namespace }) },
        ],
      },
      ...open,
    });
  }
  const objects = gateways.map((gateway): OutputObject => ({
    apiVersion: `${GATEWAY_GROUP}/v1`,
    kind: "Gateway",
    metadata: { name: gateway.name, namespace },
    spec: { gatewayClassName: className, listeners: gateway.listeners },
  }));
  return {
    objects,
    parentRefsOf(plan) {
      const home = plan.namespace === namespace ? {} : { namespace };
      const hosts = plan.hostnames.length === 0 ? [""] : plan.hostnames;
      const found = hosts.flatMap((host) => places.get(host) ?? []);
      const whole = found.length === 0 ? [name] : [...new Set(found.map(({ gateway }) => gateway))];
      if (plan.listen === "https")
        return found.map(({ gateway, section }) => ({ name: gateway, ...home, sectionName: section }));
      if (plan.listen === "http")
        return whole.map((gateway) => ({ name: gateway, ...home, sectionName: HTTP_LISTENER }));
      return whole.map((gateway) => ({ name: gateway, ...home }));
    },
  };
}

function freeName(wanted: string, listeners: readonly Listener[]): string {
  const taken = new Set(listeners.map(({ name }) => name));
  const base = wanted.slice(0, 245).replace(/-+$/, "");
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? base : `${base}-${count}`;
    if (!taken.has(candidate)) return candidate;
  }
}
