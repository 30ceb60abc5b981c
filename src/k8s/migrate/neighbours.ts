import type { Migration } from "./migration.ts";

/**
 * Looks at Ingresses beside each other, once each has been translated: nginx joined them into one server for each host. What one holds
 * back, others of its hosts may have to hold back too, or what was kept out would come in through them.
 */
export function compareNeighbours(migrations: readonly Migration[]): void {
  const byHost = Map.groupBy(
    migrations.flatMap((migration) => migration.hosts.map(({ host }) => ({ host, migration }))),
    ({ host }) => host,
  );
  for (const migration of migrations) {
    for (const subject of migration.hostHolds)
      for (const { host } of migration.hosts)
        for (const { migration: other } of byHost.get(host) ?? [])
          if (other !== migration) holdForHost(other, host, `${nameOf(migration)} has ${subject}`);
  }
  const rivals = [...byPath(migrations)].filter(([, all]) => all.size > 1);
  for (const [path, all] of rivals) for (const migration of all) noteRivals(migration, path, all);
  /* A route that is held back must not be served by its rival, and that one's rivals elsewhere must not be left as the only ones. */
  for (let found = true; found;) {
    found = false;
    for (const [path, all] of rivals) {
      const held = [...all].find(({ withheld }) => withheld.length > 0);
      if (held === undefined) continue;
      for (const migration of all) {
        if (migration.withheld.length > 0) continue;
        found = true;
        migration.withhold(path, `${nameOf(held)}, which is held back, has it too`, "keep the path in one of them");
      }
    }
  }
}

const nameOf = ({ ingress: { namespace, name } }: Migration) => `the Ingress ${namespace}/${name}`;

function holdForHost(migration: Migration, host: string, because: string): void {
  migration.withhold(
    `host ${host || "of every name"}`,
    `${because}, which nginx took for the whole host`,
    "see that annotation",
  );
}

function byPath(migrations: readonly Migration[]): Map<string, Set<Migration>> {
  const found = new Map<string, Set<Migration>>();
  for (const migration of migrations) {
    for (const { host, rules } of migration.hosts) {
      for (const { match } of rules) {
        const key = `path ${host}${match.value} (${match.type})`;
        const all = found.get(key);
        if (all === undefined) found.set(key, new Set([migration]));
        else all.add(migration);
      }
    }
  }
  return found;
}

function noteRivals(migration: Migration, path: string, all: ReadonlySet<Migration>): void {
  const others = [...all].filter((other) => other !== migration);
  const named = others.slice(0, 3).map(nameOf).join(", ");
  const more = others.length > 3 ? ` and ${others.length - 3} more` : "";
  migration.approximated(
    path,
    `${named}${more} has it too: nginx asked the oldest Ingress, of new routes the one whose namespace and name come first is asked`,
    "keep the path in one of them",
  );
}
