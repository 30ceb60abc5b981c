import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { faultsOf, gatewayFields, grantsIn, secretKeys } from "./demands.ts";
import { find, k8s, type Manifest, namesOf, readKustomized } from "./manifests.ts";
import { openBlocks, openWays, outside } from "./network.ts";
import { workloadsOf } from "./pods.ts";
import { baseBlocks, baseWays, gateway, hpa } from "./wanted.ts";

const base = readKustomized(join(k8s, "base"));

/** The base with something broken in it. */
function broken(kind: string, name: string, breakIt: (object: never) => void): readonly Manifest[] {
  const copy = structuredClone(base) as Manifest[];
  breakIt(find(copy, kind, name) as never);
  return copy;
}

interface Pods {
  readonly spec: {
    readonly template: {
      readonly spec: Record<string, unknown> & {
        readonly containers: readonly Record<string, Record<string, unknown>>[];
        readonly volumes: Record<string, unknown>[];
      };
    };
  };
}

describe("the base", () => {
  test("is the gateway, its Redis, sample tools and sample agents, each in pods of their own", () => {
    expect(workloadsOf(base).map(({ name, pod }) => [name, pod.containers.map((container) => container.name)])).toEqual(
      ["sallyport", "redis", "clock", "files", "notes", "researcher", "writer"].map((name) => [name, [name]]),
    );
    expect(namesOf(base)).toContain("HorizontalPodAutoscaler/sallyport");
  });

  test("meets the restricted profile and our own demands in every pod, and holds no secret", () => {
    expect(faultsOf(base)).toEqual([]);
  });

  test("labels its namespace so that the API server enforces that profile", () => {
    const { labels } = find(base, "Namespace", "sallyport").metadata;
    for (const mode of ["enforce", "audit", "warn"])
      expect(labels).toMatchObject({
        [`pod-security.kubernetes.io/${mode}`]: "restricted",
        [`pod-security.kubernetes.io/${mode}-version`]: "latest",
      });
  });

  test("runs two gateways that are probed on the health address and have time to drain", () => {
    expect(gatewayFields(base)).toEqual(gateway);
  });

  test("scales on operations under way, and on CPU where no adapter tells of them", () => {
    expect(find(base, "HorizontalPodAutoscaler", "sallyport").spec).toMatchObject(hpa);
    expect(readFileSync(join(k8s, "../docs/observability.md"), "utf8")).toContain("| `sallyport_in_flight` |");
  });

  test("opens no way but those of the configuration: each upstream from the gateway alone, and all else is denied", () => {
    expect(openWays(base, outside)).toEqual(baseWays);
    expect(openBlocks(base)).toEqual(baseBlocks);
    expect(find(base, "NetworkPolicy", "default-deny").spec).toEqual({
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
    });
  });

  test("may do nothing in the cluster, whose token no pod gets", () => {
    expect(grantsIn(base)).toEqual({});
    expect(namesOf(base).filter((name) => /Role|Binding/.test(name))).toEqual([]);
  });

  test("reads four secrets, and the page says how to make each of them", () => {
    const keys = secretKeys(base);
    expect(keys).toEqual(["admin-token", "api-key", "redis-password", "researcher-secret"]);
    const page = readFileSync(join(k8s, "../docs/kubernetes.md"), "utf8");
    expect(keys.filter((key) => !page.includes(`--from-literal=${key}=`))).toEqual([]);
  });
});

describe("what is broken is found", () => {
  const pods = (kind: string, name: string, breakIt: (pod: Pods["spec"]["template"]["spec"]) => void) =>
    broken(kind, name, ({ spec }: Pods) => breakIt(spec.template.spec));

  test.for<[string, readonly Manifest[]]>([
    [
      "clock: clock: must run as a user other than root",
      pods(
        "Deployment",
        "clock",
        (pod) => void (pod["securityContext"] = { seccompProfile: { type: "RuntimeDefault" } }),
      ),
    ],
    [
      "clock: clock: has a seccomp profile",
      pods("Deployment", "clock", (pod) => void (pod["securityContext"] = { runAsNonRoot: true })),
    ],
    [
      "redis: redis: forbids privilege escalation",
      pods(
        "StatefulSet",
        "redis",
        (pod) => void delete pod.containers[0]?.["securityContext"]?.["allowPrivilegeEscalation"],
      ),
    ],
    [
      "writer: writer: drops all capabilities",
      pods("Deployment", "writer", (pod) => void delete pod.containers[0]?.["securityContext"]?.["capabilities"]),
    ],
    [
      "files: pod: has volumes of safe kinds alone",
      pods("Deployment", "files", (pod) => void pod.volumes.push({ name: "host", hostPath: { path: "/" } })),
    ],
    [
      "files: pod: shares no namespace of the host",
      pods("Deployment", "files", (pod) => void (pod["hostNetwork"] = true)),
    ],
    [
      "sallyport: sallyport: has a root that cannot be written",
      pods(
        "Deployment",
        "sallyport",
        (pod) => void delete pod.containers[0]?.["securityContext"]?.["readOnlyRootFilesystem"],
      ),
    ],
    [
      "sallyport: there is no ConfigMap another",
      pods("Deployment", "sallyport", (pod) => void pod.volumes.push({ name: "x", configMap: { name: "another" } })),
    ],
    [
      "Service redis leads to no port http",
      broken("Service", "redis", ({ spec }: { spec: { ports: { targetPort: string }[] } }) => {
        for (const port of spec.ports) port.targetPort = "http";
      }),
    ],
    [
      "sallyport: sallyport: gets a token of the cluster when it follows the cluster, and else none",
      pods("Deployment", "sallyport", (pod) => void (pod["automountServiceAccountToken"] = true)),
    ],
    [
      "10.0.0.0/33 is no block of addresses",
      broken("NetworkPolicy", "clock", ({ spec }: { spec: { ingress: object[] } }) => {
        spec.ingress.push({ from: [{ ipBlock: { cidr: "10.0.0.0/33" } }, { ipBlock: { cidr: "fd00::/64" } }] });
      }),
    ],
    [
      "Secret sallyport is in the repository",
      broken("Service", "redis", (object: { kind: string; metadata: { name: string }; spec: object }) => {
        object.kind = "Secret";
        object.metadata.name = "sallyport";
      }),
    ],
  ])("%s", ([fault, objects]) => {
    expect(faultsOf(objects)).toEqual([fault]);
  });

  test("a policy that forgets who may come in opens a way", () => {
    const open = broken("NetworkPolicy", "redis", ({ spec }: { spec: { ingress: unknown } }) => {
      spec.ingress = [{}];
    });
    const more = openWays(open, outside).filter((way) => !baseWays.includes(way));
    expect(more).toContain("stranger > redis TCP/6379");
    /* The pods here still cannot go out to it. */
    expect(more.filter((way) => /^(?:writer|clock|researcher) /.test(way))).toEqual([]);
    const undenied = open.filter(
      ({ kind, metadata: { name } }) => kind !== "NetworkPolicy" || (name !== "default-deny" && name !== "writer"),
    );
    expect(openWays(undenied, outside)).toContain("writer > redis TCP/6379");
  });
});
