import type { AnnotationMeaning } from "./annotation-group.ts";
import type { Cluster, TlsSecret } from "./cluster.ts";
import type {
  BackendRef,
  Cors,
  HeaderMatch,
  OutputObject,
  PathMatch,
  PathModifier,
  Redirect,
  RouteRule,
} from "./gateway-api.ts";
import { type Ingress, type IngressBackend, type IngressPath, NGINX_PREFIX, nginxAnnotation } from "./ingress.ts";
import type { ReportRow } from "./report.ts";

/** One rule of a route while annotations change it. */
export interface RuleDraft {
  readonly source: IngressPath;
  match: PathMatch;
  backends: BackendRef[];
  /** Requests with these headers go elsewhere; the first that matches counts. */
  variants: { readonly headers: readonly HeaderMatch[]; readonly backends: readonly BackendRef[] }[];
  redirect?: Redirect;
  rewrite: { hostname?: string; path?: PathModifier };
  requestHeaders: Map<string, string>;
  responseHeaders: Map<string, string>;
  mirrors: BackendRef[];
  cors?: Cors;
  timeoutSeconds?: number;
}

/** One host of an Ingress while annotations change it. */
export interface HostDraft {
  /** Empty for every host. */
  readonly host: string;
  aliases: string[];
  /** The certificate it is served with over TLS, if it is. */
  secret: TlsSecret | undefined;
  /** Plain requests are sent to https. */
  redirectsToHttps: boolean;
  rules: RuleDraft[];
}

/** A route beside those of the Ingress's own rules. */
export interface ExtraRoute {
  /** What its name ends in. */
  readonly suffix: string;
  readonly hostname: string;
  readonly secret: TlsSecret | undefined;
  readonly rules: readonly RouteRule[];
}

/** One Ingress on its way to become routes: what annotations read, change and report. */
export interface Migration {
  readonly ingress: Ingress;
  readonly cluster: Cluster;
  readonly hosts: HostDraft[];
  readonly extraRoutes: ExtraRoute[];
  readonly extraObjects: OutputObject[];
  /** What one address may use, as `limits` of a Budget has it. */
  readonly limits: string[];
  /** Why the routes must not be applied as they are. */
  readonly withheld: string[];
  /** Annotations, by their full names, that hold back every route of the Ingress's hosts. */
  readonly hostHolds: string[];
  readonly rows: ReportRow[];
  /** The value of an annotation, named without its prefix. */
  get(name: string): string | undefined;
  translated(name: string, as: string): void;
  approximated(name: string, because: string, todo?: string): void;
  notTranslated(name: string, because: string, todo: string): void;
  /** As `notTranslated`, and the routes are printed as comments, since they would let in or send on what nginx did not. */
  withhold(name: string, because: string, todo: string): void;
  /** Reports an annotation as its documentation says. */
  asDocumented(name: string, meaning: AnnotationMeaning): void;
  backendRef(backend: IngressBackend, subject: string, namespace?: string): BackendRef;
}

export const rulesOf = ({ hosts }: Pick<Migration, "hosts">): readonly RuleDraft[] =>
  hosts.flatMap(({ rules }) => rules);

export function createRule(source: IngressPath, match: PathMatch, backends: readonly BackendRef[] = []): RuleDraft {
  return {
    source,
    match,
    backends: [...backends],
    variants: [],
    rewrite: {},
    requestHeaders: new Map(),
    responseHeaders: new Map(),
    mirrors: [],
  };
}

/** Begins with what the Ingress says without its annotations. The hosts are filled by `readHosts`. */
export function createMigration(ingress: Ingress, cluster: Cluster): Migration {
  const rows: ReportRow[] = [];
  const withheld: string[] = [];
  const hostHolds: string[] = [];
  const subjectOf = (name: string) => (/^spec\b|^path |^host /.test(name) ? name : NGINX_PREFIX + name);
  const add = (name: string, row: Omit<ReportRow, "subject">) => rows.push({ subject: subjectOf(name), ...row });
  const reasonFor = (name: string, because: string) => `${subjectOf(name)}: ${because}`;
  const migration: Migration = {
    ingress,
    cluster,
    hosts: [],
    extraRoutes: [],
    extraObjects: [],
    limits: [],
    withheld,
    hostHolds,
    rows,
    get: (name) => nginxAnnotation(ingress, name),
    translated: (name, text) => void add(name, { outcome: "translated", text }),
    approximated: (name, text, todo) =>
      void add(name, { outcome: "approximated", text, ...(todo !== undefined && { todo }) }),
    notTranslated: (name, text, todo) => void add(name, { outcome: "not translated", text, todo }),
    withhold(name, because, todo) {
      withheld.push(reasonFor(name, because));
      add(name, { outcome: "not translated", text: because, todo });
    },
    asDocumented(name, { outcome, text, todo, withholds }) {
      if (withholds !== undefined) withheld.push(reasonFor(name, text));
      if (withholds === "host") hostHolds.push(subjectOf(name));
      add(name, { outcome, text, ...(todo !== undefined && { todo }) });
    },
    backendRef({ name, port, resource }, subject, namespace = ingress.namespace) {
      const home = namespace === ingress.namespace ? {} : { namespace };
      if (resource !== undefined) {
        migration.approximated(
          subject,
          `refers to the ${resource.kind} ${name}; whether a gateway serves that kind is for its documentation to say`,
          `see that the gateway knows ${resource.kind} of ${resource.group || "the core group"}`,
        );
        return { group: resource.group, kind: resource.kind, name, ...home };
      }
      if (typeof port !== "string") return { name, ...home, ...(port !== undefined && { port }) };
      const number = cluster.portNumber(namespace, name, port);
      if (number !== undefined) {
        migration.translated(subject, `port ${port} of the Service ${namespace}/${name} is ${number}`);
        return { name, ...home, port: number };
      }
      migration.withhold(
        subject,
        `a route names ports by number, and the Service ${namespace}/${name} is not among the manifests or has no port "${port}"`,
        "put the Service beside the Ingress and run this again, or write the number",
      );
      return { name, ...home, port };
    },
  };
  return migration;
}
