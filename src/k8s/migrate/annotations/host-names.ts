import { defineAnnotations } from "../annotation-group.ts";
import { isHostname } from "../gateway-api.ts";

export const hostNames = defineAnnotations({
  title: "Host names",
  annotations: {
    "server-alias": { outcome: "translated", text: "more hostnames; a regular expression (~) is no host name" },
  },
  apply(migration) {
    const name = "server-alias";
    const written = migration.get(name);
    if (written === undefined) return;
    const aliases = [
      ...new Set(
        written
          .split(",")
          .map((alias) => alias.trim().toLowerCase())
          .filter((alias) => alias !== ""),
      ),
    ];
    const named = migration.hosts.filter(({ host }) => host !== "");
    const good = aliases.filter((alias) => isHostname(alias) && !migration.cluster.hosts.has(alias));
    const taken = aliases.filter((alias) => migration.cluster.hosts.has(alias));
    const bad = aliases.filter((alias) => !isHostname(alias));
    const [first, ...others] = named;
    if (taken.length > 0)
      migration.translated(
        name,
        `nothing to do for ${taken.join(", ")}: an Ingress has rules for it, and nginx ignores the alias`,
      );
    if (bad.length > 0)
      migration.notTranslated(
        name,
        `${bad.join(", ")} is not the name of a host`,
        "write out the names that it stands for",
      );
    if (first === undefined) return migration.translated(name, "nothing to do: the Ingress names no host");
    first.aliases.push(...good);
    if (good.length === 0) return undefined;
    if (others.length === 0) return migration.translated(name, `hostnames of the route: ${good.join(", ")}`);
    return migration.approximated(
      name,
      `${good.join(", ")}: names of ${first.host}; nginx gave an alias to the first server it built, of several hosts of the Ingress`,
      `see that ${first.host} is the host that was meant`,
    );
  },
});
