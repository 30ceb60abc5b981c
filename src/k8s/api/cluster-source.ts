import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { addressKeysIn } from "../address-index.ts";
import { endpointSlice, service } from "../kinds/core.ts";
import type { Kind } from "../kinds/define-kind.ts";
import { isMap, type Manifest } from "../manifest.ts";
import type { UnknownKind } from "../unknown-kinds.ts";
import type { ApiClient } from "./api-client.ts";
import { type ApiObject, type Followed, keyOf, sameButStatus, toManifest } from "./api-object.ts";
import { onDemandKey, shareOut } from "./fair-share.ts";
import type { KubernetesMetrics } from "./kubernetes-metrics.ts";
import { isOnDemand } from "./lookups.ts";
import { type Pace, pause } from "./pace.ts";
import { type Change, createReflector, type Reflector } from "./reflector.ts";
import { type Doubt, doubtsOf, type SteadyKind, unknownOf } from "./steady-kinds.ts";

const ON_DEMAND_WAIT_MS = 2_000;

export interface ClusterSourceOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: KubernetesMetrics;
  readonly pace: Pace;
  readonly kinds: readonly Kind<unknown>[];
  /** Empty: all of them. */
  readonly namespaces: readonly string[];
  /** Something changed that may mean other configuration. */
  changed(): void;
  /** Nothing but the status of an object did. */
  statusChanged(key: string): void;
}

/** An object, how it was come by, and by whom it can be found again. */
export interface Found {
  readonly key: string;
  readonly object: ApiObject;
  readonly followed: Followed;
  readonly current: () => ApiObject | undefined;
}

/** The objects of a cluster that are of interest, as they are now. */
export interface ClusterSource {
  /** Resolves when it is known of every kind what there is of it. */
  ready(): Promise<void>;
  /** The same manifest for an object for as long as nothing but its status changes. */
  manifests(): readonly Manifest[];
  /** Follows these of the kinds on demand from now on, and no others. Whether that brought anything to know. */
  want(wanted: readonly Followed[]): Promise<boolean>;
  /** Why an object of a kind on demand is not read though it was asked for. */
  unread(asked: Pick<Followed, "plural" | "namespace" | "name">): string | undefined;
  /**
   * From now on a change of any other Service, or of where its pods are, changes nothing, unless it has one of the addresses among these:
   * in a large cluster some pod comes or goes all the time. Undefined: every Service counts.
   */
  heed(services: ReadonlySet<string> | undefined): void;
  /** Kinds that cannot be read and never were. */
  unknown(): readonly UnknownKind[];
  /** Whether everything has been read that may be. */
  readonly complete: boolean;
  /** What is not known of the objects, in words. */
  doubts(): readonly Doubt[];
  all(): Iterable<Found>;
  /** The namespace of kinds of the whole cluster is empty. */
  find(group: string, kind: string, namespace: string, name: string): Found | undefined;
  close(): Promise<void>;
}

/** One key for an object whichever version it is read in. */
export const keyFor = (group: string, kind: string, namespace: string, name: string): string =>
  `${kind}.${group} ${namespace}/${name}`;

export function createClusterSource(options: ClusterSourceOptions): ClusterSource {
  const { log, metrics, kinds, namespaces, changed, statusChanged } = options;
  const manifestOf = new WeakMap<ApiObject, Manifest>();
  const steady: (SteadyKind & { readonly reflector: Reflector })[] = [];
  const onDemand = new Map<string, Reflector>();
  let denied: ReadonlyMap<string, string> = new Map();
  let heeded: ReadonlySet<string> | undefined;
  let toldUnknown = "[]";
  let closed = false;

  const all = (): Reflector[] => [...steady.map(({ reflector }) => reflector), ...onDemand.values()];

  function noteCounts(): void {
    const counts = new Map<string, number>(kinds.map(({ plural }) => [plural, 0]));
    for (const { followed, objects } of all())
      counts.set(followed.plural, (counts.get(followed.plural) ?? 0) + objects.size);
    for (const [plural, count] of counts) metrics.objects(plural, count);
  }

  function moved(): void {
    const unknown = unknownOf(steady);
    const now = JSON.stringify(unknown.map(({ kind, namespace }) => [kind.group, kind.kind, namespace]));
    if (now === toldUnknown) return;
    toldUnknown = now;
    for (const { plural } of kinds)
      metrics.unknown(
        plural,
        unknown.some(({ kind }) => kind.plural === plural),
      );
    changed();
  }

  function heard(plural: string): void {
    const times = all().flatMap(({ followed, heardAt = [] }) => (followed.plural === plural ? heardAt : []));
    metrics.heard(plural, times.length === 0 ? undefined : Math.min(...times));
  }

  function take(followed: Followed, changes: readonly Change[]): void {
    let counts = false;
    let means = false;
    for (const { object, former } of changes) {
      if (object === undefined || former === undefined || !sameButStatus(object, former)) {
        counts = true;
        means ||= [object, former].some((each) => each !== undefined && isHeeded(each, heeded));
        continue;
      }
      const manifest = manifestOf.get(former);
      if (manifest !== undefined) manifestOf.set(object, manifest);
      const { namespace = "", name } = object.metadata;
      statusChanged(keyFor(followed.group, followed.kind, namespace, name));
    }
    if (counts) noteCounts();
    if (means) changed();
  }

  const follow = (followed: Followed): Reflector =>
    createReflector({
      ...options,
      followed,
      changed: (changes) => take(followed, changes),
      moved,
      heard: () => heard(followed.plural),
    });

  for (const kind of kinds) {
    if (isOnDemand(kind)) continue;
    const { group, plural, versions } = kind;
    const places = kind.scope === "Cluster" || namespaces.length === 0 ? [undefined] : namespaces;
    for (const namespace of places)
      steady.push({ kind, reflector: follow({ group, kind: kind.kind, plural, versions, namespace }) });
  }

  function manifestFor(object: ApiObject, { plural }: Followed): Manifest {
    const known = manifestOf.get(object);
    if (known !== undefined) return known;
    const made = toManifest(object, plural);
    manifestOf.set(object, made);
    return made;
  }

  /* One in all namespaces, where only some of them are watched, is one in each of these. */
  const withinReach = (wanted: readonly Followed[]): Followed[] =>
    namespaces.length === 0
      ? [...wanted]
      : wanted.flatMap((each) =>
          each.namespace === undefined
            ? namespaces.map((namespace) => ({ ...each, namespace }))
            : namespaces.includes(each.namespace)
              ? [each]
              : [],
        );

  return {
    ready: async () => void (await Promise.all(all().map(({ settled }) => settled))),
    manifests: () =>
      all().flatMap(({ objects, followed }) => [...objects.values()].map((object) => manifestFor(object, followed))),
    async want(wanted) {
      if (closed) return false;
      const asked = withoutNarrower(withinReach(wanted));
      const former = denied;
      const shares = shareOut(asked, (key) => {
        const reflector = onDemand.get(key);
        return reflector === undefined ? undefined : reflector.objects.size > 0 ? "found" : "followed";
      });
      const { taken: keys } = shares;
      denied = shares.denied;
      const told = new Set(former.values());
      for (const reason of new Set(denied.values()))
        if (!told.has(reason)) log.error({ reason }, "more is named than is followed; what is beyond that is refused");
      const gone = [...onDemand].filter(([key]) => !keys.has(key));
      for (const [key, { followed }] of gone) {
        onDemand.delete(key);
        heard(followed.plural);
      }
      const fresh: Reflector[] = [];
      for (const [key, each] of keys) {
        if (onDemand.has(key)) continue;
        const reflector = follow(each);
        onDemand.set(key, reflector);
        fresh.push(reflector);
      }
      const settled = Promise.all([
        ...gone.map(([, reflector]) => reflector.close()),
        ...fresh.map((reflector) => reflector.settled),
      ]);
      /* While they cannot be had they count as missing: everything else does not wait for them. */
      const late = new AbortController();
      await Promise.race([settled, pause(ON_DEMAND_WAIT_MS, late.signal)]);
      late.abort();
      return fresh.length > 0 || [...denied.keys()].some((key) => !former.has(key));
    },
    unread: (asked) => denied.get(onDemandKey(asked)),
    heed(services) {
      heeded = services;
    },
    unknown: () => unknownOf(steady),
    get complete() {
      return steady.every(({ reflector: { state } }) => state !== "unknown" && state !== "starting");
    },
    doubts: () => doubtsOf(steady),
    *all() {
      for (const reflector of all()) for (const object of reflector.objects.values()) yield toFound(object, reflector);
    },
    find(group, kind, namespace, name) {
      const place = `${namespace}/${name}`;
      for (const { reflector } of steady) {
        const { followed, objects } = reflector;
        const object = followed.kind === kind && followed.group === group ? objects.get(place) : undefined;
        if (object !== undefined) return toFound(object, reflector);
      }
      return undefined;
    },
    async close() {
      closed = true;
      await Promise.all(all().map((reflector) => reflector.close()));
    },
  };
}

function isHeeded(object: ApiObject, heeded: ReadonlySet<string> | undefined): boolean {
  const { kind, metadata } = object;
  if (heeded === undefined || (kind !== service.kind && kind !== endpointSlice.kind)) return true;
  const { namespace = "", name, labels } = metadata;
  const owner = isMap(labels) ? labels["kubernetes.io/service-name"] : undefined;
  return (
    heeded.has(`${namespace}/${kind === service.kind ? name : String(owner)}`) ||
    addressKeysIn(object).some((key) => heeded.has(key))
  );
}

/* What is followed in all namespaces, or all of a namespace, brings each object of it. */
function withoutNarrower(wanted: readonly Followed[]): Followed[] {
  const placeOf = ({ plural, namespace }: Followed) => `${plural} ${namespace ?? ""}`;
  const whole = new Set(wanted.filter(({ name }) => name === undefined).map(placeOf));
  return wanted.filter(
    (each) =>
      (each.namespace === undefined || !whole.has(`${each.plural} `)) &&
      (each.name === undefined || !whole.has(placeOf(each))),
  );
}

/* The object is asked for anew each time: a list puts another one in its place. */
function toFound(object: ApiObject, reflector: Reflector): Found {
  const { followed } = reflector;
  const { namespace = "", name } = object.metadata;
  return {
    key: keyFor(followed.group, followed.kind, namespace, name),
    object,
    followed,
    current: () => reflector.objects.get(keyOf(object)),
  };
}
