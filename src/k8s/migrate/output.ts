import { placeOf } from "./account.ts";
import type { TlsSecret } from "./cluster.ts";
import { planGateways } from "./gateway.ts";
import { GATEWAY_GROUP, type OutputObject } from "./gateway-api.ts";
import type { Ingress } from "./ingress.ts";
import { grantsFor } from "./grants.ts";
import type { Migration } from "./migration.ts";
import type { Printed } from "./print.ts";
import { closed, createNames, overlaps, planRoutes, type RoutePlan, toHttpRoute } from "./routes.ts";

export interface OutputOptions {
  /** The namespace of what names none. */
  readonly namespace: string;
  /** The Gateway to put the routes on. Its namespace is that of the Ingresses where they share one, else the default one. */
  readonly gateway: string;
  readonly gatewayNamespace: string | undefined;
  readonly gatewayClass: string;
}

const HELD = "NOT APPLIED, since more would pass than did before. Take the marks off when what stands below is done.";

/** Every object to print: Gateways, the routes of each Ingress with what belongs to them, and the grants they need. */
export function buildOutput(
  migrations: readonly Migration[],
  secrets: ReadonlyMap<string, TlsSecret>,
  options: OutputOptions,
): Printed[] {
  const claim = createNames();
  const planned = migrations.map((migration) => ({ migration, plans: planRoutes(migration, claim) }));
  const homes = new Set(migrations.map(({ ingress }) => ingress.namespace));
  const shared = homes.size === 1 ? [...homes][0] : undefined;
  const { objects, parentRefsOf } = planGateways(
    {
      name: options.gateway,
      namespace: options.gatewayNamespace ?? shared ?? options.namespace,
      className: options.gatewayClass,
    },
    withAliases(secrets, migrations),
    planned.flatMap(({ plans }) => plans),
  );
  const open = planned.filter(({ migration }) => migration.withheld.length === 0).flatMap(({ plans }) => plans);
  const routes = planned.flatMap(({ migration, plans }) => printRoutes(migration, plans, parentRefsOf));
  const doors = planned
    .filter(({ migration }) => migration.withheld.length > 0)
    .flatMap(({ migration: { ingress }, plans }) =>
      plans
        .filter((plan) => plan.listen !== "http" && open.some((other) => overlaps(plan, other)))
        .map((plan) => ({ ingress, plan, door: closed(plan, claim) })),
    )
    .filter(({ door }) => door.rules.length > 0)
    .map(({ ingress, plan, door }): Printed => {
      const comments = [
        `In place of ${plan.name}, which is held back below: answers 500, so that no other route of the host serves its paths.`,
        `From the Ingress ${ingress.namespace}/${ingress.name}. Delete it when that route is applied.`,
      ];
      return { object: toHttpRoute(door, parentRefsOf(door)), comments, withheld: false };
    });
  const gateways = objects.map((object): Printed => {
    const { name, namespace } = object.metadata;
    const text = `The platform team's part. Is there a Gateway ${namespace}/${name} already? Add these listeners to it; else see that the class ${options.gatewayClass} is the one you run.`;
    return { object, comments: [text], withheld: false };
  });
  const all = [...gateways, ...doors, ...oncePerService(routes)];
  const grants = grantsFor(
    all.map(({ object }) => object),
    createNames(),
  );
  const leave = ["References from another namespace need the leave of this one."];
  return [...all, ...grants.map((object): Printed => ({ object, comments: leave, withheld: false }))];
}

/* A policy is for a Service, whichever Ingress leads to it. */
function oncePerService(printed: readonly Printed[]): Printed[] {
  const first = new Map<string, string>();
  return printed.flatMap((entry): Printed[] => {
    const { kind, metadata, spec } = entry.object;
    if (kind !== "BackendTLSPolicy" || entry.withheld) return [entry];
    const key = `${metadata.namespace}/${metadata.name}`;
    const said = JSON.stringify(spec);
    const before = first.get(key);
    first.set(key, before ?? said);
    if (before === undefined) return [entry];
    const comments = [...entry.comments, "NOT APPLIED: another Ingress says something else of this Service, above."];
    return before === said ? [] : [{ ...entry, comments, withheld: true }];
  });
}

/* An alias, and a name that is redirected, is served with the certificate of its host. */
function withAliases(
  secrets: ReadonlyMap<string, TlsSecret>,
  migrations: readonly Migration[],
): Map<string, TlsSecret> {
  const all = new Map(secrets);
  const add = (host: string, secret: TlsSecret | undefined) => {
    if (secret !== undefined && !all.has(host)) all.set(host, secret);
  };
  for (const { hosts, extraRoutes } of migrations) {
    for (const { aliases, secret } of hosts) for (const alias of aliases) add(alias, secret);
    for (const { hostname, secret } of extraRoutes) add(hostname, secret);
  }
  return all;
}

/* A Budget has 16 targets at most; what only redirects is not counted. */
const MOST_TARGETS = 16;

function toBudgets({ namespace, name }: Ingress, plans: readonly RoutePlan[], limits: readonly string[]) {
  const counted = plans.filter(({ rules }) => rules.some(({ backendRefs }) => backendRefs !== undefined));
  return Array.from({ length: Math.ceil(counted.length / MOST_TARGETS) }, (_, number): OutputObject => {
    const targets = counted.slice(number * MOST_TARGETS, (number + 1) * MOST_TARGETS);
    return {
      apiVersion: "sallyport.dev/v1alpha1",
      kind: "Budget",
      metadata: { name: number === 0 ? name : `${name}-${number + 1}`, namespace },
      spec: {
        targetRefs: targets.map((plan) => ({ group: GATEWAY_GROUP, kind: "HTTPRoute", name: plan.name })),
        per: "request.ip",
        limits,
      },
    };
  });
}

function printRoutes(
  { ingress, withheld, rows, extraObjects, limits }: Migration,
  plans: readonly RoutePlan[],
  parentRefsOf: (plan: RoutePlan) => readonly unknown[],
): Printed[] {
  const held = withheld.length > 0;
  const from = [`From the Ingress ${ingress.namespace}/${ingress.name}, ${placeOf(ingress)}`, ...(held ? [HELD] : [])];
  const decisions = rows.flatMap(({ subject, text, todo }) =>
    todo === undefined ? [] : [`${subject}: ${text}. To do: ${todo}`],
  );
  const objects: OutputObject[] = [
    ...plans.map((plan) => toHttpRoute(plan, parentRefsOf(plan))),
    ...extraObjects,
    ...(limits.length > 0 ? toBudgets(ingress, plans, limits) : []),
  ];
  return objects.map((object, index) => ({
    object,
    comments: index === 0 ? [...from, ...decisions] : from,
    withheld: held,
  }));
}
