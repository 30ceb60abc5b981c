import type { Migration } from "./migration.ts";

const covers = (name: string, host: string) =>
  name === host || (name.startsWith("*.") && host.slice(host.indexOf(".")) === name.slice(1));

/** Gives each host the certificate that `spec.tls` has for it. */
export function readCertificates(migration: Migration): void {
  const { ingress, hosts } = migration;
  for (const [index, { hosts: names, secretName }] of ingress.tls.entries()) {
    const subject = `spec.tls.${index}`;
    const served = hosts.filter(({ host }) => names.length === 0 || names.some((name) => covers(name, host)));
    const said = served.map(({ host }) => host || "every host").join(", ");
    if (secretName === undefined) {
      migration.notTranslated(
        subject,
        `${said || names.join(", ")}: it names no Secret, and nginx served its default certificate`,
        "put a certificate into a Secret and name it here",
      );
      continue;
    }
    if (served.length === 0) {
      migration.translated(subject, `nothing to do: the Ingress has no rule for ${names.join(", ")}`);
      continue;
    }
    for (const host of served) host.secret ??= { namespace: ingress.namespace, name: secretName };
    if (names.length === 0)
      migration.approximated(
        subject,
        `HTTPS listeners for ${said} with the Secret ${secretName}; nginx used it for the hosts its certificate names`,
        `see that the certificate in ${ingress.namespace}/${secretName} is for ${said}`,
      );
    else migration.translated(subject, `HTTPS listeners for ${said} with the Secret ${secretName}`);
    const unused = names.filter((name) => !served.some(({ host }) => covers(name, host)));
    if (unused.length > 0)
      migration.translated(subject, `nothing to do for ${unused.join(", ")}: the Ingress has no rule for it`);
  }
}
