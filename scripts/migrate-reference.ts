import { annotationGroups } from "../src/k8s/migrate/registry.ts";

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("*", "\\*").replaceAll("\n", " ");

/** `docs/migrate.md`: what `sallyport migrate` does, and every annotation of Ingress-NGINX, from the registry. */
export function migrateReference(): string {
  const sections = annotationGroups.flatMap(({ title, annotations }) => [
    `## ${title}`,
    "",
    "| annotation | becomes | to do |",
    "| --- | --- | --- |",
    ...Object.entries(annotations).map(([name, { outcome, text, todo = "", withholds }]) => {
      const lead = outcome === "translated" ? "" : `${outcome}: `;
      const held =
        withholds === undefined ? "" : ` **Holds the routes${withholds === "host" ? " of the whole host" : ""} back.**`;
      return `| \`${name}\` | ${cell(lead + text)}${held} | ${cell(todo)} |`;
    }),
    "",
  ]);
  return `${[
    "<!-- Written by `npm run generate` from src/k8s/migrate. Change an annotation's text there, and the rest in scripts/migrate-reference.ts. -->",
    "# From Ingress-NGINX to the Gateway API",
    "",
    "```sh",
    "npx sallyport migrate manifests/ > routes.yaml",
    "```",
    "",
    "reads the Ingresses in a file or a folder (YAML and JSON, several documents, Lists) and prints HTTPRoutes and the Gateway they are on, for any gateway with the standard channel of the Gateway API. On the other",
    "stream it prints a table: for each annotation of each Ingress what it became, how that differs, or why it became nothing, and what is left to do. Nothing is left out of that table. No cluster is asked; Services (for ports by name),",
    "ConfigMaps (for `custom-headers`) and IngressClasses are taken from the same folder. The same manifests give the same output.",
    "",
    "| exit code | means |",
    "| --- | --- |",
    "| 0 | everything was translated, or approximated in a way that leaves nothing to decide |",
    "| 1 | there is no such folder, or no Ingress in it |",
    "| 2 | a row of the table says what a person has to do, a route is held back, or a file could not be read |",
    "",
    "| option | default | |",
    "| --- | --- | --- |",
    "| `--gateway NAME` | `main-gateway` | the Gateway, as NAME or NAMESPACE/NAME. It is in the namespace of the Ingresses when they share one, else in the default one |",
    "| `--gateway-class NAME` | `sallyport` | its class |",
    "| `--ingress-class NAME` | | Ingresses of this class too, beside `nginx`, those without a class, and classes whose IngressClass names `k8s.io/ingress-nginx`. Others are named and left out |",
    "| `--namespace NAME` | `default` | the namespace of manifests that name none |",
    "",
    "**Held back.** Where leaving an annotation out would let in what nginx kept out, or send on what it did not, the routes of that Ingress are printed as comments, so that `kubectl apply` passes over them. Where another route of the same host would",
    "then take their paths, a route `NAME-closed` without a backend takes them first and answers 500. What must be decided stands above the route it concerns.",
    "",
    "**Rewrites.** `rewrite-target: /` on `/v1` sends `/v1/chat` on as `/`: that is what nginx did, so it is ReplaceFullPath. ReplacePrefixMatch is what `/v1(/|$)(.*)` with `/$2` meant.",
    "",
    "**Paths.** One `use-regex` or `rewrite-target` turns all paths of its host, those of other Ingresses too, into expressions that ignore case and are open at the end. Where every path of the host can be said as a prefix, they become PathPrefix, which is",
    "narrower: it compares case and whole elements. Otherwise they become RegularExpression, in a form that every dialect reads (`/[vV]1.*`), longest first. A path that takes a prefix off has to be a PathPrefix; then the others are too, but for those that can only be expressions,",
    "and the table says so, since gateways ask expressions before prefixes.",
    "",
    "**TLS.** A host with a certificate has a listener of its own, and http is redirected to https with 308 unless `ssl-redirect` is `false`, as nginx did. A Gateway has 64 listeners; more hosts make a second one, with an address of its own.",
    "`backend-protocol: HTTPS` becomes a BackendTLSPolicy, which gateways that honour it serve; this one answers 500 on such routes ([why](manifests.md)), rather than speak to them in plain text.",
    "",
    "**Rate limits** become a [Budget](kinds.md#budget) of the routes, which is this gateway's own kind: for another gateway leave it out, and limit there.",
    "",
    "**Canaries** are merged with the main Ingress of their host and path: rules for the header and the cookie, in this order, and weights. From another namespace they need a ReferenceGrant, which is printed.",
    "",
    "Not the same, whatever the annotations: nginx refused bodies over 1 MB and waited 60 s for a silent backend; it served https with a certificate of its own for hosts without one; a route without a host also serves what the routes of other hosts leave;",
    "of two Ingresses with the same path the oldest counted, of two new routes the first by name (the table says where). What nginx took for a whole host, such as certificates of clients, holds back the routes of every Ingress of the host.",
    "",
    ...sections,
  ]
    .join("\n")
    .trimEnd()}\n`;
}
