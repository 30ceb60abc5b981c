import { isMap, type Manifest } from "../manifest.ts";
import { accountForCanary, leftOut, placeOf, reportRest, toReport } from "./account.ts";
import { annotationGroups } from "./registry.ts";
import { readCertificates } from "./certificates.ts";
import { type Cluster, isCanary, surveyCluster, type TlsSecret } from "./cluster.ts";
import { readHosts } from "./hosts.ts";
import { type Ingress, isIngress, toIngress } from "./ingress.ts";
import { createMigration, type Migration } from "./migration.ts";
import { type Printed, printObjects } from "./print.ts";
import { compareNeighbours } from "./neighbours.ts";
import { buildOutput, type OutputOptions } from "./output.ts";
import type { IngressReport } from "./report.ts";

export interface MigrateOptions extends OutputOptions {
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

/** Makes routes of the Gateway API from Ingresses written for Ingress-NGINX. Reads nothing but the manifests, and gives the same for the same. */
export function migrate(manifests: readonly Manifest[], options: MigrateOptions): Migrated {
  const all = manifests.filter(isIngress).map((manifest) => toIngress(manifest, options.namespace));
  const classes = new Set(["nginx", ...options.ingressClasses, ...controllerClasses(manifests)]);
  const first = new Map<string, Ingress>();
  const doubles = new Map<Ingress, Ingress>();
  const reports = new Map<Ingress, IngressReport>();
  const chosen = all.filter((ingress) => {
    const { className, namespace, name } = ingress;
    if (className !== undefined && !classes.has(className)) {
      const reason = `the Ingress is of class ${className}; --ingress-class ${className} takes it in`;
      reports.set(ingress, leftOut(ingress, reason));
      return false;
    }
    const before = first.get(`${namespace}/${name}`);
    if (before === undefined) {
      first.set(`${namespace}/${name}`, ingress);
      return true;
    }
    doubles.set(before, ingress);
    reports.set(ingress, leftOut(ingress, `an Ingress of this name stands at ${placeOf(before)} already: keep one`));
    return false;
  });
  const cluster = surveyCluster(chosen, manifests, options.namespace);
  const migrations = chosen.filter((ingress) => !isCanary(ingress)).map((ingress) => begin(ingress, cluster));
  const secrets = shareCertificates(migrations);
  for (const migration of migrations) {
    const double = doubles.get(migration.ingress);
    /* The other one may be in force, and may let in fewer. */
    if (double !== undefined)
      migration.withhold(
        "spec",
        `an Ingress of this name stands at ${placeOf(double)} too`,
        "keep the one that is in force",
      );
    for (const group of annotationGroups) group.apply?.(migration);
    reportRest(migration);
  }
  compareNeighbours(migrations);
  for (const { ingress, rows, withheld } of migrations) reports.set(ingress, toReport(ingress, rows, withheld));
  for (const ingress of chosen.filter(isCanary)) reports.set(ingress, accountForCanary(ingress, migrations, cluster));
  const objects = migrations.length === 0 ? [] : buildOutput(migrations, secrets, options);
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
