import { defineAnnotations, withoutEffect } from "../annotation-group.ts";
import { isOn } from "../cluster.ts";
import type { HostDraft, Migration } from "../migration.ts";

export const tls = defineAnnotations({
  title: "TLS",
  annotations: {
    "ssl-redirect": {
      outcome: "translated",
      text: "on by default for hosts with a certificate: a route on the listener for http with a RequestRedirect to https, 308; `false`: the route is on both listeners",
    },
    "force-ssl-redirect": {
      outcome: "translated",
      text: "as ssl-redirect where the host has a certificate; without one it is left to whatever terminates TLS in front of the gateway",
    },
    "ssl-passthrough": {
      outcome: "not translated",
      text: "the connection is passed on without being opened: that is a TLSRoute, which this gateway does not serve",
      todo: "write a TLSRoute for another gateway, or let this one terminate TLS",
      withholds: "host",
    },
    "ssl-ciphers": {
      outcome: "not translated",
      text: "a listener has no standard field for ciphers; the gateway takes those of TLS 1.2 and newer that its runtime holds safe",
      todo: "see that no client needs an older cipher",
    },
    "ssl-prefer-server-ciphers": withoutEffect("the gateway prefers its own order"),
  },
  apply(migration) {
    applyRedirects(migration);
    const passthrough = migration.get("ssl-passthrough");
    if (passthrough !== undefined && !isOn(passthrough)) migration.translated("ssl-passthrough", "off: nothing to do");
  },
});

/* nginx answers with a redirect of its own before it looks at the scheme. */
const onlyRedirects = ({ rules }: HostDraft) => rules.length > 0 && rules.every((rule) => rule.redirect !== undefined);

function applyRedirects(migration: Migration): void {
  const soft = migration.get("ssl-redirect");
  const force = migration.get("force-ssl-redirect");
  const secure = migration.hosts.filter(({ secret }) => secret !== undefined);
  const wanted = isOn(force) || soft === undefined || !/^(?:false|f|0)$/i.test(soft);
  const sent = wanted ? secure.filter((host) => !onlyRedirects(host)) : [];
  for (const host of sent) host.redirectsToHttps = true;
  const names = sent.map(({ host }) => host || "every host").join(", ");
  const done =
    names === ""
      ? "nothing to do: no host of the Ingress that has a certificate and a backend"
      : `http is redirected to https, 308, for ${names}`;
  if (soft !== undefined) migration.translated("ssl-redirect", wanted ? done : "off: http and https are both served");
  else if (names !== "") migration.translated("spec.tls", `${done}: nginx does so by default`);
  if (force === undefined) return;
  if (!isOn(force)) return migration.translated("force-ssl-redirect", "off: nothing to do");
  const bare = migration.hosts.filter(({ secret }) => secret === undefined).map(({ host }) => host || "every host");
  if (bare.length === 0) return migration.translated("force-ssl-redirect", done);
  return migration.notTranslated(
    "force-ssl-redirect",
    `${bare.join(", ")}: there is no certificate, so something in front terminates TLS; a redirect of all that comes by http would lead in a circle`,
    "let what terminates TLS redirect http, and take no connections from elsewhere",
  );
}
