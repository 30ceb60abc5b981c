import type { Manifest } from "../manifest.ts";
import { annotationGroups } from "./registry.ts";
import { readCertificates } from "./certificates.ts";
import { type Cluster, isCanary, surveyCluster, type TlsSecret } from "./cluster.ts";
import { type GatewayOptions, planGateways } from "./gateway.ts";
import type { OutputObject } from "./gateway-api.ts";
import { grantsFor } from "./grants.ts";
import { readHosts } from "./hosts.ts";
import { CLASS_ANNOTATION, type Ingress, isIngress, NGINX_PREFIX, nginxAnnotation, toIngress } from "./ingress.ts";
import { createMigration, type Migration } from "./migration.ts";
import { type Printed, printObjects } from "./print.ts";
import type { IngressReport, ReportRow } from "./report.ts";
import { createNames, planRoutes, toHttpRoute } from "./routes.ts";
import { isMap } from "../manifest.ts";

export interface MigrateOptions {
  /** The namespace of what names none. */
  readonly namespace: string;
  /** The Gateway to put the routes on. Its namespace is that of the Ingresses where they share one, else the default one. */
  readonly gateway: string;
  readonly gatewayNamespace: string | undefined;
  readonly gatewayClass: string;
  /** Classes of Ingress to take beside `nginx` and those whose IngressClass names its controller. */
  readonly ingressClasses: readonly string[];
}

export interface Migrated {
  /** Documents of YAML. Empty when there is no Ingress to migrate. */
  readonly yaml: string;
  readonly objects: readonly Printed[];
  /** What became of each Ingress, in the order of the input. */
  readonly reports: readonly IngressReport[];
}

const CONTROLLER = "k8s.io/ingress-nginx";
const groupsByName = new Map(annotationGroups.flatMap(({ annotations }) => Object.entries(annotations)));

/** Makes routes of the Gateway API from Ingresses written for Ingress-NGINX. Reads nothing but the manifests, and gives the same for the same. */
export function migrate(manifests: readonly Manifest[], options: MigrateOptions): Migrated {
  const all = manifests.filter(isIngress).map((manifest) => toIngress(manifest, options.namespace));
  const classes = new Set(["nginx", ...options.ingressClasses, ...controllerClasses(manifests)]);
  const seen = new Map<string, Ingress>();
  const reports = new Map<Ingress, IngressReport>();
  const chosen = all.filter((ingress) => {
    const { className, namespace, name } = ingress;
    const first = seen.get(`${namespace}/${name}`);
    const reason =
      className !== undefined && !classes.has(className)
        ? `the Ingress is of class ${className}; --ingress-class ${className} takes it in`
        : first !== undefined && `an Ingress of this name stands at ${placeOf(first)} already: keep one`;
    if (reason !== undefined && reason !== false) reports.set(ingress, leftOut(ingress, reason));
    else seen.set(`${namespace}/${name}`, ingress);
    return reason === undefined || reason === false;
  });
  const cluster = surveyCluster(chosen, manifests, options.namespace);
  const migrations = chosen.filter((ingress) => !isCanary(ingress)).map((ingress) => begin(ingress, cluster));
  const secrets = shareCertificates(migrations);
  for (const migration of migrations) {
    for (const group of annotationGroups) group.apply?.(migration);
    reports.set(migration.ingress, finish(migration));
  }
  for (const ingress of chosen.filter(isCanary)) reports.set(ingress, reportCanary(ingress, migrations, cluster));
  const objects = migrations.length === 0 ? [] : build(migrations, secrets, options);
  return {
    yaml: printObjects(objects),
    objects,
    reports: all.flatMap((ingress) => reports.get(ingress) ?? []),
  };
}

const controllerClasses = (manifests: readonly Manifest[]) =>
  manifests
    .filter(({ kind, spec }) => kind === "IngressClass" && isMap(spec) && spec["controller"] === CONTROLLER)
    .map(({ metadata }) => metadata.name);

const placeOf = ({ manifest: { source } }: Ingress) => `${source.file}:${source.line}`;

const toReport = (ingress: Ingress, rows: readonly ReportRow[], withheld: readonly string[] = []): IngressReport => ({
  namespace: ingress.namespace,
  name: ingress.name,
  place: placeOf(ingress),
  rows,
  withheld,
});

function leftOut(ingress: Ingress, reason: string): IngressReport {
  const subjects = ["spec", ...Object.keys(ingress.manifest.metadata.annotations)];
  const rows = subjects.map((subject, index): ReportRow => {
    const row = { subject, outcome: "not translated", text: reason } as const;
    return index === 0 ? { ...row, todo: "see that this is meant" } : row;
  });
  return toReport(ingress, rows);
}

function begin(ingress: Ingress, cluster: Cluster): Migration {
  const migration = createMigration(ingress, cluster);
  readHosts(migration);
  readCertificates(migration);
  return migration;
}

/* A host is one server of nginx, whichever Ingress brought its certificate. */
function shareCertificates(migrations: readonly Migration[]): Map<string, TlsSecret> {
  const secrets = new Map<string, TlsSecret>();
  for (const migration of migrations) {
    for (const { host, secret } of migration.hosts) {
      if (secret === undefined) continue;
      const first = secrets.get(host);
      if (first === undefined) secrets.set(host, secret);
      else if (first.name !== secret.name || first.namespace !== secret.namespace)
        migration.approximated(
          `host ${host}`,
          `its certificate is that of ${first.namespace}/${first.name}, which another Ingress names; nginx took that of the oldest`,
          "name one Secret for the host",
        );
    }
  }
  for (const { hosts } of migrations) for (const draft of hosts) draft.secret = secrets.get(draft.host);
  return secrets;
}

/* What no group spoke of is reported as the documentation says it, and what nobody knows as unknown: nothing is lost in silence. */
function finish(migration: Migration): IngressReport {
  const { ingress, rows, withheld } = migration;
  for (const full of Object.keys(ingress.manifest.metadata.annotations)) {
    if (rows.some(({ subject }) => subject === full)) continue;
    const name = full.startsWith(NGINX_PREFIX) ? full.slice(NGINX_PREFIX.length) : undefined;
    const meaning = name === undefined ? undefined : groupsByName.get(name);
    if (name !== undefined && meaning !== undefined) migration.asDocumented(name, meaning);
    else rows.push(foreign(full, name !== undefined));
  }
  return toReport(ingress, rows, withheld);
}

const BOOKKEEPING = /^(?:kubectl\.kubernetes\.io\/last-applied-configuration|meta\.helm\.sh\/.*)$/;

function foreign(subject: string, isNginx: boolean): ReportRow {
  if (subject === CLASS_ANNOTATION) return { subject, outcome: "translated", text: "parentRefs to the Gateway" };
  if (BOOKKEEPING.test(subject))
    return { subject, outcome: "translated", text: "nothing to do: a tool's own notes on the Ingress" };
  return isNginx
    ? {
        subject,
        outcome: "not translated",
        text: "Ingress-NGINX 1.15 has no annotation of this name",
        todo: "see whether it is misspelt; nginx ignored it",
      }
    : {
        subject,
        outcome: "not translated",
        text: "it is not one of Ingress-NGINX",
        todo: "see what reads it, and whether that reads Gateways or HTTPRoutes too",
      };
}

const canaryNames = new Set(Object.keys(annotationGroups.find(({ title }) => title === "Canary")?.annotations ?? {}));

/* nginx reads the canary annotations of a canary; everything else is its main Ingress's. */
function reportCanary(ingress: Ingress, migrations: readonly Migration[], cluster: Cluster): IngressReport {
  const served = migrations.filter((migration) =>
    migration.hosts.some(({ host, rules }) =>
      rules.some(
        (rule) => rule.redirect === undefined && cluster.canariesOf(host, rule.source.path)[0]?.ingress === ingress,
      ),
    ),
  );
  const mains = served.map((main) => `${main.ingress.namespace}/${main.ingress.name}`).join(", ");
  const rows = Object.keys(ingress.manifest.metadata.annotations).map((subject): ReportRow => {
    const name = subject.startsWith(NGINX_PREFIX) ? subject.slice(NGINX_PREFIX.length) : "";
    if (canaryNames.has(name)) {
      if (mains !== "") return { subject, outcome: "translated", text: `in the rules of ${mains}` };
      return {
        subject,
        outcome: "not translated",
        text: "no main Ingress among the manifests has its host and path (or another canary has them), and nginx ignores it then",
        todo: "put the main Ingress beside it and run this again, or let it go",
      };
    }
    if (nginxAnnotation(ingress, name) === undefined) return foreign(subject, false);
    return { subject, outcome: "translated", text: "nothing to do: a canary takes this from its main Ingress" };
  });
  const faults = ingress.faults.map(({ path, message }): ReportRow => ({
    subject: path.join("."),
    outcome: "not translated",
    text: message,
    todo: "correct it: an API server refuses it as well",
  }));
  return toReport(ingress, [...rows, ...faults]);
}

function build(migrations: readonly Migration[], secrets: Map<string, TlsSecret>, options: MigrateOptions): Printed[] {
  const claim = createNames();
  const planned = migrations.map((migration) => ({ migration, plans: planRoutes(migration, claim) }));
  const listeners = new Map(secrets);
  for (const { hosts, extraRoutes } of migrations) {
    for (const { host, aliases, secret } of hosts)
      if (secret !== undefined && host !== "")
        for (const alias of aliases) if (!listeners.has(alias)) listeners.set(alias, secret);
    for (const { hostname, secret } of extraRoutes)
      if (secret !== undefined && !listeners.has(hostname)) listeners.set(hostname, secret);
  }
  const homes = new Set(migrations.map(({ ingress }) => ingress.namespace));
  const shared = homes.size === 1 ? [...homes][0] : undefined;
  const gateway: GatewayOptions = {
    name: options.gateway,
    namespace: options.gatewayNamespace ?? shared ?? options.namespace,
    className: options.gatewayClass,
  };
  const { objects, parentRefsOf } = planGateways(
    gateway,
    listeners,
    planned.flatMap(({ plans }) => plans),
  );
  const gateways = objects.map((object): Printed => ({
    object,
    comments: gatewayComments(object, gateway),
    withheld: false,
  }));
  const policies = new Set<string>();
  const routes = planned.flatMap(({ migration, plans }) => {
    const { ingress, withheld, rows, extraObjects } = migration;
    const above = [`From the Ingress ${ingress.namespace}/${ingress.name}, ${placeOf(ingress)}`];
    const decisions = rows.flatMap(({ subject, text, todo }) =>
      todo === undefined ? [] : [`${subject}: ${text}. To do: ${todo}`],
    );
    if (withheld.length > 0)
      above.push(
        "NOT APPLIED, since more would pass than did before. Take the marks off when what stands below is done.",
      );
    const held = withheld.length > 0;
    const printed = plans.map((plan, index): Printed => ({
      object: toHttpRoute(plan, parentRefsOf(plan)),
      comments: index === 0 ? [...above, ...decisions] : above,
      withheld: held,
    }));
    const others = extraObjects.flatMap((object): Printed[] => {
      const id = `${object.kind} ${object.metadata.namespace}/${object.metadata.name}`;
      if (policies.has(id)) return [];
      policies.add(id);
      return [{ object, comments: above, withheld: held }];
    });
    return [...printed, ...others];
  });
  const applied = [...gateways, ...routes];
  const grants = grantsFor(
    applied.filter(({ withheld }) => !withheld).map(({ object }): OutputObject => object),
    createNames(),
  ).map((object): Printed => ({
    object,
    comments: ["References from another namespace need the leave of this one"],
    withheld: false,
  }));
  return [...applied, ...grants];
}

const gatewayComments = ({ metadata }: OutputObject, { className }: GatewayOptions) => [
  `The platform team's part. Is there a Gateway ${metadata.namespace}/${metadata.name} already? Add these listeners to it; else see that the class ${className} is the one you run.`,
];
