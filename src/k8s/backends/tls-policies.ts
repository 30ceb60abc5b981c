import type { ServedRoute } from "../attach/attachment.ts";
import { conditionsOf } from "../condition.ts";
import { holdersAt, hostOf } from "../holders-at.ts";
import { backendTlsPolicy, type BackendTlsPolicySpec } from "../kinds/backend-tls-policy.ts";
import { service } from "../kinds/core.ts";
import { ancestorsOf } from "../policies/ancestors.ts";
import { claimsOf } from "../policies/close-claims.ts";
import type { KubeObject } from "../parse-object.ts";
import type { ObjectContext, Workspace } from "../workspace.ts";

/** Something that is spoken to. */
interface Spoken {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Of a Service. */
  readonly port?: number | undefined;
}

type Policy = KubeObject<BackendTlsPolicySpec>;
type TargetRef = BackendTlsPolicySpec["targetRefs"][number];
type Known = Pick<ObjectContext, "objects" | "options">;

/**
 * Why a backend may not be spoken to as it would be: a BackendTLSPolicy says that it takes TLS, or one that cannot be read may say so. What
 * is meant for its verified server alone must never be sent in plain text to whoever answers there.
 */
export function tlsFault({ objects, options }: Known, backend: Spoken): string | undefined {
  /* What `--backend` says is spoken to as its address says. */
  return isElsewhere(options, backend) ? undefined : claimOn({ objects, options }, backend);
}

/** The same of what an address leads to, in plain text, by itself: `--backend` says nothing of that. */
export function tlsFaultAt(known: Known, address: string): string | undefined {
  const host = hostOf(address);
  if (host === undefined || new URL(address).protocol !== "http:") return undefined;
  const port = Number(new URL(address).port || 80);
  for (const { kind, namespace, name, direct } of holdersAt(host, known)) {
    const fault = claimOn(known, { group: service.group, kind, namespace, name, port: direct ? OF_POD : port });
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/* A port that no Service has. */
const OF_POD = 0;

const isElsewhere = ({ backends }: Known["options"], { namespace, name }: Pick<Spoken, "namespace" | "name">) =>
  backends.has(`${name}.${namespace}`);

function claimOn({ objects, options }: Known, backend: Spoken): string | undefined {
  const { group, kind, namespace, name, port } = backend;
  const what = `${kind} ${namespace}/${name}`;
  if (options.unknown.some((each) => each.kind === backendTlsPolicy && [undefined, namespace].includes(each.namespace)))
    return `whether ${what} takes TLS is not known: BackendTLSPolicy objects cannot be read from the API server`;
  const ports = group === service.group ? objects.get(service, namespace, name)?.spec.ports : undefined;
  const found = ports?.find((each) => each.port === port);
  /* A port that the Service does not have is any of its pods'. */
  const anyPort = found === undefined && port !== undefined;
  const isMeant = (ref: TargetRef): boolean =>
    ref.group === group &&
    ref.kind === kind &&
    ref.name === name &&
    (ref.sectionName === undefined || ref.sectionName === found?.name || anyPort);
  const policy = objects.list(backendTlsPolicy, namespace).find(({ spec }) => spec.targetRefs.some(isMeant));
  const refused = objects.allRefused.find(
    (each) =>
      each.kind === backendTlsPolicy &&
      each.namespace === namespace &&
      claimsOf(each.manifest).some((claim) => claim.kind === kind && claim.name === name),
  );
  const by = policy ?? refused;
  return by && `BackendTLSPolicy ${by.name} asks for TLS to ${what}, which this gateway does not speak to backends yet`;
}

/** Says of each BackendTLSPolicy that it is not honoured, and what that means. */
export function reportTlsPolicies(workspace: Workspace, served: readonly ServedRoute[]): void {
  for (const object of workspace.objects.list(backendTlsPolicy)) {
    const { refuse, warn, status, options } = workspace.contextOf(object);
    const path = ["spec", "validation"];
    const isPassedOver = object.spec.targetRefs.every(({ name }) =>
      isElsewhere(options, { namespace: object.namespace, name }),
    );
    const message = isPassedOver
      ? "This gateway does not speak TLS to backends by such policies yet: it is passed over, and the targets are where --backend says."
      : "This gateway does not speak TLS to backends yet: what leads to the targets is answered 500, and nothing is sent to them in plain text.";
    if (isPassedOver) warn({ path, message });
    else refuse({ path, message });
    const gateways = served.filter((route) => leadsTo(route, object)).flatMap((route) => route.gateways);
    const conditions = [conditionsOf(object.metadata.generation)("Accepted", "False", "Invalid", message)];
    status({ ancestors: ancestorsOf({ targets: [{ gateways }], missing: [], object, options }, conditions) });
  }
}

function leadsTo({ object: route }: ServedRoute, { namespace, spec }: Policy): boolean {
  return route.spec.rules.some(({ backendRefs = [] }) =>
    backendRefs.some(
      (ref) =>
        (ref.namespace ?? route.namespace) === namespace &&
        spec.targetRefs.some(({ group, kind, name }) => group === ref.group && kind === ref.kind && name === ref.name),
    ),
  );
}
