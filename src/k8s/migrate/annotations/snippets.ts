import { type AnnotationMeaning, defineAnnotations } from "../annotation-group.ts";
import { isOn } from "../cluster.ts";

const snippet: AnnotationMeaning = {
  outcome: "not translated",
  text: "lines of nginx's own language: what they allow, refuse or change is not known here",
  todo: "read them, say what they are for in filters of the route or in a policy, then take the marks off the routes",
  withholds: "ingress",
};

const firewall: AnnotationMeaning = {
  outcome: "not translated",
  text: "neither a Gateway nor this gateway has ModSecurity",
  todo: "put a web application firewall in front of the gateway, or see that the service needs none; then take the marks off the routes",
  withholds: "ingress",
};

export const snippets = defineAnnotations({
  title: "Snippets and ModSecurity",
  annotations: {
    "configuration-snippet": snippet,
    "server-snippet": { ...snippet, withholds: "host" },
    "auth-snippet": snippet,
    "stream-snippet": snippet,
    "enable-modsecurity": firewall,
    "enable-owasp-core-rules": firewall,
    "modsecurity-snippet": firewall,
    "modsecurity-transaction-id": {
      outcome: "not translated",
      text: "it belongs to enable-modsecurity",
      todo: "see enable-modsecurity",
    },
  },
  apply(migration) {
    for (const name of ["enable-modsecurity", "enable-owasp-core-rules"])
      if (migration.get(name) !== undefined && !isOn(migration.get(name)))
        migration.translated(name, "off: nothing to do");
    for (const name of [
      "configuration-snippet",
      "server-snippet",
      "auth-snippet",
      "stream-snippet",
      "modsecurity-snippet",
    ])
      if (migration.get(name)?.trim() === "") migration.translated(name, "empty: nothing to do");
  },
});
