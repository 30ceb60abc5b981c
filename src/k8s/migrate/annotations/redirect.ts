import { defineAnnotations, withoutEffect } from "../annotation-group.ts";
import { isOn } from "../cluster.ts";
import type { Redirect } from "../gateway-api.ts";
import { type Migration, rulesOf } from "../migration.ts";
import { parseTarget } from "../redirect-target.ts";

const CODES = [301, 302, 303, 307, 308];

export const redirect = defineAnnotations({
  title: "Redirects",
  annotations: {
    "temporal-redirect": {
      outcome: "translated",
      text: "RequestRedirect, 302, in place of the backend; it goes before permanent-redirect",
    },
    "temporal-redirect-code": { outcome: "translated", text: "the status of that redirect: 301, 302, 303 or 307" },
    "permanent-redirect": { outcome: "translated", text: "RequestRedirect, 301, in place of the backend" },
    "permanent-redirect-code": {
      outcome: "translated",
      text: "the status of that redirect: 301, 302, 303, 307 or 308",
    },
    "from-to-www-redirect": {
      outcome: "translated",
      text: "a route of its own for the name with, or without, www, with a RequestRedirect, 308",
    },
    "relative-redirects": {
      outcome: "approximated",
      text: "a gateway writes Location in full; clients follow either",
    },
    "proxy-redirect-from": {
      outcome: "not translated",
      text: "no standard field changes the Location that a backend answers with",
      todo: "have the service answer with its public address, or with relative ones",
    },
    "proxy-redirect-to": {
      outcome: "not translated",
      text: "no standard field changes the Location that a backend answers with",
      todo: "have the service answer with its public address, or with relative ones",
    },
    "preserve-trailing-slash": withoutEffect("a redirect to https keeps the path as it is, its last slash included"),
    "use-port-in-redirects": {
      outcome: "approximated",
      text: "a redirect to https names the port where it is not 443",
    },
  },
  apply(migration) {
    applyFixed(migration);
    applyWww(migration);
  },
});

function applyFixed(migration: Migration): void {
  const temporal = migration.get("temporal-redirect") ?? "";
  const name = temporal !== "" ? "temporal-redirect" : "permanent-redirect";
  const other = temporal !== "" ? "permanent-redirect" : "temporal-redirect";
  const target = migration.get(name) ?? "";
  const ignored = target === "" ? [name, other] : [other];
  for (const unused of ignored.flatMap((base) => [base, `${base}-code`]))
    if (migration.get(unused) !== undefined)
      migration.translated(
        unused,
        target === "" ? "nothing to do: there is no target" : `nothing to do: ${name} goes before it`,
      );
  if (target === "") return;

  const usual = name === "temporal-redirect" ? 302 : 301;
  const highest = name === "temporal-redirect" ? 307 : 308;
  const asked = Number(migration.get(`${name}-code`) ?? usual);
  const statusCode = asked >= 300 && asked <= highest ? asked : usual;
  const parsed = parseTarget(target);
  if (parsed === undefined || !CODES.includes(statusCode)) {
    const because =
      parsed === undefined
        ? `${target}: a RequestRedirect has no query, no fragment and no variables`
        : `a RequestRedirect cannot answer with ${statusCode}`;
    migration.withhold(name, because, "write the redirect by hand, or have a service answer with it");
    if (migration.get(`${name}-code`) !== undefined)
      migration.notTranslated(`${name}-code`, "there is no redirect", `see ${name}`);
    return;
  }
  const made: Redirect = { ...parsed, statusCode };
  for (const rule of rulesOf(migration)) rule.redirect ??= made;
  migration.approximated(
    name,
    `RequestRedirect ${statusCode} to ${target}; a query of the request is kept, nginx dropped it`,
  );
  if (migration.get(`${name}-code`) !== undefined)
    migration.translated(
      `${name}-code`,
      statusCode === asked ? `status ${statusCode}` : `${statusCode}: nginx takes that for a code it does not know`,
    );
}

function applyWww(migration: Migration): void {
  const value = migration.get("from-to-www-redirect");
  if (value === undefined) return;
  const name = "from-to-www-redirect";
  if (!isOn(value)) return migration.translated(name, "off: nothing to do");
  const named = migration.hosts.filter(({ host }) => host !== "" && !host.startsWith("*."));
  if (named.length === 0) return migration.translated(name, "nothing to do: the Ingress names no host");
  for (const { host, secret } of named) {
    const other = host.startsWith("www.") ? host.slice(4) : `www.${host}`;
    if (migration.cluster.hosts.has(other)) {
      migration.translated(name, `nothing to do for ${host}: ${other} has an Ingress of its own`);
      continue;
    }
    const requestRedirect: Redirect = { hostname: host, statusCode: 308 };
    const rule = {
      matches: [{ path: { type: "PathPrefix", value: "/" } as const }],
      filters: [{ type: "RequestRedirect", requestRedirect } as const],
    };
    migration.extraRoutes.push({
      suffix: other.startsWith("www.") ? "www" : "no-www",
      hostname: other,
      secret,
      rules: [rule],
    });
    if (secret === undefined) migration.translated(name, `a route that sends ${other} to ${host}, 308`);
    else
      migration.approximated(
        name,
        `a route that sends ${other} to ${host}, 308, over TLS with the certificate of ${host}`,
        `see that the certificate in ${secret.namespace}/${secret.name} is for ${other} too`,
      );
  }
  return undefined;
}
