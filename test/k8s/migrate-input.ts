import { parseAllDocuments } from "yaml";
import { migrate, type MigrateOptions } from "../../src/k8s/migrate/migrate.ts";
import type { ReportRow } from "../../src/k8s/migrate/report.ts";
import { parseManifests } from "../../src/k8s/read-manifests.ts";

export const PREFIX = "nginx.ingress.kubernetes.io/";

export interface PathSketch {
  readonly path?: string;
  readonly pathType?: string;
  readonly service?: string;
  readonly port?: number | string;
}

export interface Sketch {
  readonly name?: string;
  readonly namespace?: string;
  readonly host?: string;
  readonly paths?: readonly PathSketch[];
  readonly tls?: readonly { readonly hosts?: readonly string[]; readonly secretName?: string }[];
  readonly spec?: object;
  /** By name without the prefix. */
  readonly nginx?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An Ingress of networking.k8s.io/v1: `web`, for one path of a.example.com, where nothing else is said. */
export function ingress(sketch: Sketch = {}): object {
  const { name = "web", namespace, host = "a.example.com", paths = [{}], tls, spec = {}, nginx = {} } = sketch;
  const prefixed = Object.entries(nginx).map(([key, value]) => [PREFIX + key, value] as const);
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      annotations: { ...Object.fromEntries(prefixed), ...sketch.annotations },
    },
    spec: {
      rules: [
        {
          ...(host !== "" && { host }),
          http: {
            paths: paths.map(({ path = "/v1", pathType = "Prefix", service = "web", port = 80 }) => ({
              path,
              pathType,
              backend: {
                service: { name: service, port: typeof port === "number" ? { number: port } : { name: port } },
              },
            })),
          },
        },
      ],
      ...(tls !== undefined && { tls }),
      ...spec,
    },
  };
}

export interface Written {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly spec: Readonly<Record<string, any>>;
}

const defaults: MigrateOptions = {
  namespace: "default",
  gateway: "main-gateway",
  gatewayNamespace: undefined,
  gatewayClass: "sallyport",
  ingressClasses: [],
};

/** Migrates objects, or a text, the way the command does, and reads what it printed. */
export function migrated(input: readonly object[] | string, options: Partial<MigrateOptions> = {}) {
  const text = typeof input === "string" ? input : input.map((object) => JSON.stringify(object)).join("\n---\n");
  const { manifests } = parseManifests(text, "in.yaml");
  const { yaml, reports } = migrate(manifests, { ...defaults, ...options });
  const documents = parseAllDocuments(yaml);
  const applied = (Array.isArray(documents) ? documents : [])
    .map((document) => document.toJS() as Written | null)
    .filter((object) => object !== null);
  const of = (kind: string) => applied.filter((object) => object.kind === kind);
  return {
    yaml,
    reports,
    applied,
    routes: of("HTTPRoute"),
    gateways: of("Gateway"),
    of,
    route: (name: string) => of("HTTPRoute").find(({ metadata }) => metadata.name === name),
    /** The rows on an annotation named without its prefix, or on another subject. */
    rows: (subject: string): readonly ReportRow[] =>
      reports.flatMap(({ rows }) => rows.filter((row) => row.subject === PREFIX + subject || row.subject === subject)),
  };
}
