import { type AnnotationMeaning, defineAnnotations } from "../annotation-group.ts";
import { isOn } from "../cluster.ts";
import type { Migration } from "../migration.ts";

const gate = (text: string, todo: string, withholds: "ingress" | "host" = "ingress"): AnnotationMeaning => ({
  outcome: "not translated",
  text,
  todo,
  withholds,
});
const goesWith = (what: string): AnnotationMeaning => ({
  outcome: "not translated",
  text: `it belongs to ${what}`,
  todo: `see ${what}`,
});

const OUTSIDE = "another service decides about each request, which no standard kind says";
const USE_OAUTH =
  "let the gateway sign callers in (auth in sallyport.yaml: issuers, keys) and write the rule as a policy, or let the service ask; then take the marks off the routes";

/** Who may come in. What is not translated here holds the routes back: printed as they are they would let everyone in. */
export const auth = defineAnnotations({
  title: "Who may come in",
  annotations: {
    "auth-url": gate(OUTSIDE, USE_OAUTH),
    "auth-method": goesWith("auth-url"),
    "auth-response-headers": goesWith("auth-url"),
    "auth-proxy-set-headers": goesWith("auth-url"),
    "auth-request-redirect": goesWith("auth-url"),
    "auth-signin": goesWith("auth-url"),
    "auth-signin-redirect-param": goesWith("auth-url"),
    "auth-always-set-cookie": goesWith("auth-url"),
    "auth-cache-key": goesWith("auth-url"),
    "auth-cache-duration": goesWith("auth-url"),
    "auth-keepalive": goesWith("auth-url"),
    "auth-keepalive-requests": goesWith("auth-url"),
    "auth-keepalive-timeout": goesWith("auth-url"),
    "auth-keepalive-share-vars": goesWith("auth-url"),
    "enable-global-auth": gate(
      "whether the controller's ConfigMap has a global-auth-url is not known here",
      "if it has one, as auth-url; if not, take the annotation out",
    ),
    "auth-type": gate(
      "names and passwords (basic, digest) are no way in that a standard kind or this gateway has",
      "give callers API keys (sallyport keys issue) or OAuth, then take the marks off the routes",
    ),
    "auth-secret": goesWith("auth-type"),
    "auth-secret-type": goesWith("auth-type"),
    "auth-realm": goesWith("auth-type"),
    satisfy: gate(
      "one of several checks is enough, or all: a policy can say so once the checks themselves are translated",
      "see auth-url, auth-type and the source ranges",
    ),
    "auth-tls-secret": gate(
      "certificates of clients are asked for on a whole port of a Gateway (spec.tls.frontend), not for one host",
      "give the callers a port of their own on the Gateway, or another way to prove who they are",
      "host",
    ),
    "auth-tls-verify-client": gate("see auth-tls-secret", "see auth-tls-secret", "host"),
    "auth-tls-verify-depth": goesWith("auth-tls-secret"),
    "auth-tls-match-cn": goesWith("auth-tls-secret"),
    "auth-tls-error-page": goesWith("auth-tls-secret"),
    "auth-tls-pass-certificate-to-upstream": goesWith("auth-tls-secret"),
    "whitelist-source-range": gate(
      "no standard kind looks at addresses",
      "close the others out with a NetworkPolicy or at the load balancer, or write a policy on request.ip (listen.trustedProxies says whose X-Forwarded-For counts)",
    ),
    "allowlist-source-range": gate(
      "no standard kind looks at addresses",
      "close the others out with a NetworkPolicy or at the load balancer, or write a policy on request.ip (listen.trustedProxies says whose X-Forwarded-For counts)",
    ),
    "denylist-source-range": gate(
      "no standard kind looks at addresses",
      "close these out with a NetworkPolicy or at the load balancer, or write a policy on request.ip (listen.trustedProxies says whose X-Forwarded-For counts)",
    ),
  },
  apply(migration) {
    sayOff(migration, "enable-global-auth", (value) => !isOn(value), "off: the routes have no check to begin with");
    sayOff(migration, "auth-tls-verify-client", (value) => value === "off", "off: nothing to do");
    sayOff(migration, "satisfy", (value) => value === "all", "nothing to do: all checks is what holds by default");
    const ranges = ["whitelist-source-range", "allowlist-source-range", "denylist-source-range"];
    for (const name of ["auth-url", "auth-type", ...ranges])
      sayOff(migration, name, (value) => value === "", "empty: nothing to do");
  },
});

function sayOff(migration: Migration, name: string, isOff: (value: string) => boolean, text: string): void {
  const value = migration.get(name);
  if (value !== undefined && isOff(value.trim())) migration.translated(name, text);
}
