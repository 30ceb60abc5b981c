import { type AnnotationMeaning, defineAnnotations, withoutEffect } from "../annotation-group.ts";
import { GATEWAY_GROUP, isHostname } from "../gateway-api.ts";
import { type Migration, rulesOf } from "../migration.ts";

const goesWithTls: AnnotationMeaning = {
  outcome: "approximated",
  text: "part of the BackendTLSPolicy that backend-protocol HTTPS makes; without that protocol nginx ignores it",
};

const unknownTls = (what: string): AnnotationMeaning => ({
  outcome: "not translated",
  text: `a BackendTLSPolicy does not say ${what}`,
  todo: "see that the service is content with the gateway's own: TLS 1.2 or newer",
});

export const backends = defineAnnotations({
  title: "Backends",
  annotations: {
    "backend-protocol": {
      outcome: "translated",
      text: "HTTP: as it is. HTTPS: a BackendTLSPolicy for the Service, which always verifies. GRPC, GRPCS, FCGI and AUTO_HTTP hold the routes back",
    },
    "proxy-ssl-secret": goesWithTls,
    "proxy-ssl-name": goesWithTls,
    "proxy-ssl-verify": goesWithTls,
    "proxy-ssl-server-name": goesWithTls,
    "proxy-ssl-verify-depth": unknownTls("how long a chain of certificates may be"),
    "proxy-ssl-ciphers": unknownTls("which ciphers"),
    "proxy-ssl-protocols": unknownTls("which versions of TLS"),
    "proxy-http-version": withoutEffect("the gateway speaks HTTP/1.1 to services"),
    "upstream-vhost": { outcome: "translated", text: "URLRewrite.hostname" },
    "service-upstream": {
      outcome: "approximated",
      text: "the gateway sends to the pods of a Service, not to its cluster address",
    },
    "fastcgi-index": {
      outcome: "not translated",
      text: "no gateway speaks FastCGI",
      todo: "put an HTTP server before the service",
    },
    "fastcgi-params-configmap": {
      outcome: "not translated",
      text: "no gateway speaks FastCGI",
      todo: "put an HTTP server before the service",
    },
  },
  apply(migration) {
    applyProtocol(migration);
    const host = migration.get("upstream-vhost");
    if (host === undefined) return;
    if (!isHostname(host.toLowerCase()) || host.startsWith("*"))
      return migration.notTranslated(
        "upstream-vhost",
        `${host}: URLRewrite.hostname takes a plain name`,
        "have the service accept the host that callers name",
      );
    for (const rule of rulesOf(migration)) rule.rewrite.hostname = host.toLowerCase();
    return migration.translated("upstream-vhost", `URLRewrite.hostname: ${host.toLowerCase()}`);
  },
});

const tlsNames = ["proxy-ssl-secret", "proxy-ssl-name", "proxy-ssl-verify", "proxy-ssl-server-name"] as const;

function applyProtocol(migration: Migration): void {
  const name = "backend-protocol";
  const protocol = (migration.get(name) ?? "HTTP").toUpperCase();
  if (protocol === "HTTPS") return addTlsPolicies(migration);
  for (const unused of tlsNames)
    if (migration.get(unused) !== undefined)
      migration.translated(unused, "nothing to do: the backend is not asked over TLS");
  if (migration.get(name) === undefined) return;
  if (protocol === "HTTP") return migration.translated(name, "HTTP: as it is");
  const todo = protocol.startsWith("GRPC")
    ? "write a GRPCRoute for a gateway that serves it"
    : "put an HTTP server before the service";
  return migration.withhold(name, `an HTTPRoute does not lead to a backend that speaks ${protocol}`, todo);
}

function addTlsPolicies(migration: Migration): void {
  const { namespace } = migration.ingress;
  const services = new Set(
    rulesOf(migration).flatMap(({ backends: refs }) =>
      refs.filter(({ kind }) => kind === undefined).map((ref) => ref.name),
    ),
  );
  const asked = migration.get("proxy-ssl-name")?.toLowerCase();
  const secret = migration.get("proxy-ssl-secret")?.split("/").at(-1);
  const verified = migration.get("proxy-ssl-verify")?.toLowerCase() === "on" && secret !== undefined;
  for (const service of services) {
    const hostname =
      asked !== undefined && isHostname(asked) && !asked.startsWith("*") ? asked : `${service}.${namespace}.svc`;
    migration.extraObjects.push({
      apiVersion: `${GATEWAY_GROUP}/v1`,
      kind: "BackendTLSPolicy",
      metadata: { name: service, namespace },
      spec: {
        targetRefs: [{ group: "", kind: "Service", name: service }],
        validation: verified
          ? { caCertificateRefs: [{ group: "", kind: "ConfigMap", name: secret }], hostname }
          : { wellKnownCACertificates: "System", hostname },
      },
    });
  }
  const said = [...services].join(", ");
  if (verified)
    migration.approximated(
      "backend-protocol",
      `a BackendTLSPolicy for ${said}; it takes the authority from a ConfigMap, nginx took it from the Secret ${secret}`,
      `put ca.crt of the Secret ${secret} into a ConfigMap ${namespace}/${secret}`,
    );
  else
    migration.approximated(
      "backend-protocol",
      `a BackendTLSPolicy for ${said} that verifies the certificate by the authorities of the system; nginx did not verify, and there is no policy that does not`,
      "name the authority that signed the service's certificate (caCertificateRefs), and the name it is made out to",
    );
  for (const name of tlsNames) {
    if (migration.get(name) === undefined) continue;
    if (name === "proxy-ssl-secret" && !verified)
      migration.notTranslated(
        name,
        "a certificate to show to the backend is said for a whole Gateway (spec.tls.backend)",
        "write spec.tls.backend.clientCertificateRef on the Gateway if the service asks for one",
      );
    else if (name === "proxy-ssl-verify" && migration.get(name)?.toLowerCase() !== "on")
      migration.approximated(name, "a BackendTLSPolicy always verifies");
    else migration.translated(name, "in the BackendTLSPolicy");
  }
}
