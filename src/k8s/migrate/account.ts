import { annotationGroups } from "./registry.ts";
import type { Cluster } from "./cluster.ts";
import { CLASS_ANNOTATION, type Ingress, NGINX_PREFIX, nginxAnnotation } from "./ingress.ts";
import type { Migration } from "./migration.ts";
import type { IngressReport, ReportRow } from "./report.ts";

const groupsByName = new Map(annotationGroups.flatMap(({ annotations }) => Object.entries(annotations)));

/** `FILE:LINE` of an Ingress. */
export const placeOf = ({ manifest: { source } }: Ingress) => `${source.file}:${source.line}`;

/** What became of one Ingress, as the report says it. */
export const toReport = (
  ingress: Ingress,
  rows: readonly ReportRow[],
  withheld: readonly string[] = [],
): IngressReport => ({
  namespace: ingress.namespace,
  name: ingress.name,
  place: placeOf(ingress),
  rows,
  withheld,
});

/** The report on an Ingress that is not migrated at all. */
export function leftOut(ingress: Ingress, reason: string): IngressReport {
  const subjects = ["spec", ...Object.keys(ingress.manifest.metadata.annotations)];
  const rows = subjects.map((subject, index): ReportRow => {
    const row = { subject, outcome: "not translated", text: reason } as const;
    return index === 0 ? { ...row, todo: "see that this is meant" } : row;
  });
  return toReport(ingress, rows);
}

/** Reports what no group spoke of as the documentation says it, and what nobody knows as unknown: nothing is lost in silence. */
export function reportRest(migration: Migration): void {
  const { ingress, rows } = migration;
  for (const full of Object.keys(ingress.manifest.metadata.annotations)) {
    if (rows.some(({ subject }) => subject === full)) continue;
    const name = full.startsWith(NGINX_PREFIX) ? full.slice(NGINX_PREFIX.length) : undefined;
    const meaning = name === undefined ? undefined : groupsByName.get(name);
    if (name !== undefined && meaning !== undefined) migration.asDocumented(name, meaning);
    else rows.push(foreign(full, name !== undefined));
  }
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

/** The report on a canary: nginx reads its canary annotations, and everything else is its main Ingress's. */
export function accountForCanary(ingress: Ingress, migrations: readonly Migration[], cluster: Cluster): IngressReport {
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
