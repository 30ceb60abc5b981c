import { isPathValue, isHostname, type PathMatch } from "./gateway-api.ts";
import type { Matching } from "./cluster.ts";
import type { IngressPath } from "./ingress.ts";
import { createRule, type HostDraft, type Migration, type RuleDraft } from "./migration.ts";
import { convertCaptures, isLiteral, toPrefix, toRegexMatch } from "./paths.ts";

/** Fills `migration.hosts` from the rules of the Ingress, its default backend and its certificates. */
export function readHosts(migration: Migration): void {
  const { ingress } = migration;
  for (const { path, message } of ingress.faults)
    migration.withhold(formatPath(path), message, "correct it: an API server refuses it as well");
  const rules =
    ingress.rules.length > 0 || ingress.defaultBackend === undefined ? ingress.rules : [{ host: "", paths: [] }];
  for (const { host, paths } of rules) {
    if (host !== "" && !isHostname(host)) {
      migration.withhold(
        `host ${host}`,
        "it is not the name of a host",
        "correct it: an API server refuses it as well",
      );
      continue;
    }
    const draft = hostDraft(migration, host);
    for (const path of paths) draft.rules.push(readRule(migration, host, path));
    addDefault(migration, draft);
    noteHost(migration, host);
  }
}

const formatPath = (path: readonly (string | number)[]) => path.join(".");

/* Two rules of one host are one server of nginx. */
function hostDraft({ hosts }: Migration, host: string): HostDraft {
  const known = hosts.find((draft) => draft.host === host);
  if (known !== undefined) return known;
  const draft: HostDraft = { host, aliases: [], secret: undefined, redirectsToHttps: false, rules: [] };
  hosts.push(draft);
  return draft;
}

function readRule(migration: Migration, host: string, source: IngressPath): RuleDraft {
  const subject = `path ${host}${source.path}`;
  const backend = migration.backendRef(source.backend, subject);
  return createRule(source, toMatch(migration, host, source, subject), [backend]);
}

function toMatch(migration: Migration, host: string, source: IngressPath, subject: string): PathMatch {
  const mode = migration.cluster.matching(host);
  const match =
    mode === "plain" ? plainMatch(migration, source, subject) : regexMatch(migration, source, subject, mode);
  if (match.type !== "RegularExpression" && !isPathValue(match.value))
    migration.withhold(
      subject,
      `an HTTPRoute cannot match ${match.value}`,
      "write the path without //, dots as elements, %2f and other signs a path may not have",
    );
  return match;
}

function plainMatch(migration: Migration, { path, pathType }: IngressPath, subject: string): PathMatch {
  if (pathType === "Exact") return { type: "Exact", value: path };
  const value = toPrefix(path);
  if (pathType === "ImplementationSpecific" && !path.endsWith("/"))
    migration.approximated(
      subject,
      `pathType ImplementationSpecific is PathPrefix ${value}, which matches whole elements: nginx matched ${path}x too`,
    );
  return { type: "PathPrefix", value };
}

function regexMatch(migration: Migration, source: IngressPath, subject: string, mode: Matching): PathMatch {
  const { path, pathType } = source;
  const why =
    "an Ingress of this host has use-regex or rewrite-target, so nginx matched all its paths as expressions without regard to case";
  const exact = pathType === "Exact" ? "; pathType Exact had no effect" : "";
  const converted = isLiteral(path) ? undefined : convertCaptures(path, migration.get("rewrite-target"));
  if (converted !== undefined) {
    const difference = converted.difference === undefined ? "" : `; ${converted.difference}`;
    migration.approximated(subject, `PathPrefix ${converted.prefix}: ${why}; case counts now${difference}`);
    return { type: "PathPrefix", value: converted.prefix };
  }
  if (mode !== "regex" && isLiteral(path)) {
    const value = toPrefix(path);
    /* Nothing but the case of no letter can differ. */
    if (value !== "/")
      migration.approximated(
        subject,
        `PathPrefix ${value}: ${why}; case counts now, and ${path}x is no longer served${exact}`,
      );
    return { type: "PathPrefix", value };
  }
  const match = toRegexMatch(path);
  if (match === undefined) {
    migration.withhold(
      subject,
      "the expression has alternatives at its top, is too long or not one that every gateway reads",
      "write one path for each alternative, without look-around, references and flags",
    );
    return { type: "RegularExpression", value: path };
  }
  const said = `RegularExpression ${match.value}: ${why}${exact}`;
  if (mode === "regex") migration.translated(subject, said);
  else
    migration.approximated(
      subject,
      `${said}; most gateways, this one too, ask expressions before the prefixes that other paths of the host became, where nginx asked the longest first`,
      "see that no path is taken by this expression that belongs to a longer prefix",
    );
  return match;
}

/* nginx: the default backend of an Ingress serves what the paths of its hosts leave. */
function addDefault(migration: Migration, draft: HostDraft): void {
  const { defaultBackend } = migration.ingress;
  if (defaultBackend === undefined) return;
  if (migration.cluster.hasRoot(draft.host)) {
    migration.translated("spec.defaultBackend", `nothing to do: ${draft.host || "every host"} has a path /`);
    return;
  }
  const source: IngressPath = { path: "/", pathType: "Prefix", backend: defaultBackend };
  const backend = migration.backendRef(defaultBackend, "spec.defaultBackend");
  draft.rules.push(createRule(source, { type: "PathPrefix", value: "/" }, [backend]));
  migration.translated("spec.defaultBackend", `a last rule for ${draft.host || "every host"}`);
}

function noteHost({ cluster, ...migration }: Migration, host: string): void {
  const others = [...cluster.hosts].filter((name) => name !== host && (host === "" || name.endsWith(host.slice(1))));
  const leaves =
    others.length === 0
      ? ""
      : `it also serves what the routes of ${others.length} other ${others.length === 1 ? "host" : "hosts"} leave, where nginx answered 404`;
  if (host.startsWith("*."))
    migration.approximated(
      `host ${host}`,
      ["nginx matched one label in place of the *, a Gateway matches any number", leaves]
        .filter((text) => text !== "")
        .join("; "),
    );
  if (host === "" && leaves !== "") migration.approximated("host of every name", leaves);
}
