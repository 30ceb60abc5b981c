/* Folders of manifests of which there are a thousand of everything: what each object of them takes is to be seen. */

/** How many there are of each kind. */
export const OBJECTS = 1_000;
const NAMESPACES = 100;

const gatewayApi = "apiVersion: gateway.networking.k8s.io/v1";
const own = "apiVersion: sallyport.dev/v1alpha1";

export const gatewayManifest = `${gatewayApi}
kind: Gateway
metadata: {name: gw, namespace: infra}
spec: {gatewayClassName: sallyport, listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]}
`;

const namespaceOf = (index: number) => `n${index % NAMESPACES}`;
const ref = (index: number) => `{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r${index}}`;

/* The first rule answers by itself, so that a change is seen without a server. */
const routeTo = (backend: (index: number) => string) => (index: number, version: number) =>
  `${gatewayApi}
kind: HTTPRoute
metadata: {name: r${index}, namespace: ${namespaceOf(index)}}
spec:
  parentRefs: [{name: gw, namespace: infra}]
  hostnames: [r${index}.example.com]
  rules:
    - matches: [{path: {value: /where}}]
      filters: [{type: RequestRedirect, requestRedirect: {hostname: v${version}.example.com}}]
    - backendRefs: [${backend(index)}]
`;

const toService = routeTo(() => "{name: shop, port: 80}");
const toPool = routeTo((index) => `{group: inference.networking.k8s.io, kind: InferencePool, name: p${index}}`);

const pool = (index: number, ports: readonly number[] = [8_000]) => `apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: p${index}, namespace: ${namespaceOf(index)}}
spec: {selector: {matchLabels: {app: p${index}}}, targetPorts: [${ports.map((number) => `{number: ${number}}`).join(", ")}]}
`;

/* Its servers are this machine's, each at a port of its own. */
const pod = (index: number) => `apiVersion: v1
kind: Pod
metadata: {name: p${index}, namespace: ${namespaceOf(index)}, labels: {app: p${index}}}
status: {podIP: 127.0.0.1, conditions: [{type: Ready, status: "True"}]}
`;

const policies = (index: number) => `${own}
kind: AccessPolicy
metadata: {name: a${index}, namespace: ${namespaceOf(index)}}
spec: {targetRefs: [${ref(index)}], rules: [{name: all, allow: '"team-${index}" in principal.groups || request.path == "/where"'}]}
---
${own}
kind: Budget
metadata: {name: b${index}, namespace: ${namespaceOf(index)}}
spec: {targetRefs: [${ref(index)}], limits: ["500k tokens/min", "$200/day"], per: principal}
---
apiVersion: kuadrant.io/v1alpha1
kind: TokenRateLimitPolicy
metadata: {name: t${index}, namespace: ${namespaceOf(index)}}
spec: {targetRef: ${ref(index)}, limits: {all: {rates: [{limit: 100000, window: 1h}]}}}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: TrafficPolicy
metadata: {name: g${index}, namespace: ${namespaceOf(index)}}
spec:
  targetRefs: [${ref(index)}]
  ai: {promptGuard: {request: {regex: {action: REJECT, matches: [{pattern: "ignore previous instructions", name: a}], builtins: [SSN]}}}}
`;

const server = (index: number) => `${own}
kind: MCPServer
metadata: {name: s${index}, namespace: ${namespaceOf(index)}}
spec: {url: "http://s${index}.example.com:8080/mcp"}
`;

const agent = (index: number) => `${own}
kind: A2AAgent
metadata: {name: a${index}, namespace: ${namespaceOf(index)}}
spec: {url: "http://a${index}.example.com:9002"}
`;

/** What stands in a folder, by index; `version` is what its redirects lead to, `ports` are those of model servers. */
export interface ManifestScene {
  readonly name: string;
  readonly serversOfEach?: number;
  of(index: number, version: number, ports: readonly number[]): readonly string[];
}

/** All of them have the thousand routes. */
export const manifestScenes: readonly ManifestScene[] = [
  { name: "to Services", of: (index, version) => [toService(index, version)] },
  { name: "to an InferencePool each", of: (index, version) => [toPool(index, version), pool(index)] },
  {
    name: "to an InferencePool each, of two servers",
    serversOfEach: 2,
    of: (index, version, ports) => [toPool(index, version), pool(index, ports), pod(index)],
  },
  {
    name: "to an InferencePool each, with four policies each",
    of: (index, version) => [toPool(index, version), pool(index), policies(index)],
  },
  { name: "to Services, and 1,000 MCPServers", of: (index, version) => [toService(index, version), server(index)] },
  { name: "to Services, and 1,000 A2AAgents", of: (index, version) => [toService(index, version), agent(index)] },
];
