import { defineAnnotations } from "../annotation-group.ts";
import { MAX_HEADER_EDITS } from "../gateway-api.ts";
import { isHeaderName } from "../http-names.ts";
import { rulesOf } from "../migration.ts";

const cookies = {
  outcome: "not translated",
  text: "no standard field changes the cookies of an answer",
  todo: "have the service set its cookies for the public name and path",
} as const;

export const headers = defineAnnotations({
  title: "Headers",
  annotations: {
    "custom-headers": {
      outcome: "translated",
      text: "ResponseHeaderModifier, from the ConfigMap it names, which has to stand beside the Ingress",
    },
    "connection-proxy-header": {
      outcome: "approximated",
      text: "the header Connection is between two neighbours (RFC 9110, 7.6.1): the gateway writes its own",
    },
    "proxy-cookie-domain": cookies,
    "proxy-cookie-path": cookies,
  },
  apply(migration) {
    const name = "custom-headers";
    const reference = migration.get(name);
    if (reference === undefined) return;
    const [first = "", second] = reference.split("/");
    const namespace = second === undefined ? migration.ingress.namespace : first;
    const data = migration.cluster.configMap(namespace, second ?? first);
    if (data === undefined)
      return migration.notTranslated(
        name,
        `the ConfigMap ${namespace}/${second ?? first} is not among the manifests`,
        "put it beside the Ingress and run this again, or write a ResponseHeaderModifier",
      );
    const entries = Object.entries(data).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const good = entries.filter(
      ([header, value]) => isHeaderName(header) && value !== "" && value.length <= 4096 && !/[\r\n$]/.test(value),
    );
    for (const rule of rulesOf(migration))
      for (const [header, value] of good.slice(0, MAX_HEADER_EDITS)) rule.responseHeaders.set(header, value);
    const kept = good.slice(0, MAX_HEADER_EDITS).map(([header]) => header);
    const lost = entries.map(([header]) => header).filter((header) => !kept.includes(header));
    if (kept.length > 0) migration.translated(name, `ResponseHeaderModifier sets ${kept.join(", ")}`);
    if (lost.length > 0)
      migration.notTranslated(
        name,
        `${lost.join(", ")}: a filter sets ${MAX_HEADER_EDITS} headers at most, each to a fixed text`,
        "let the service send them",
      );
    if (entries.length === 0) migration.translated(name, "nothing to do: the ConfigMap is empty");
    return undefined;
  },
});
