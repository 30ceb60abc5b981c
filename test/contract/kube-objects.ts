const gatewayGroup = "gateway.networking.k8s.io";
const metadata = (name: string, more: object = {}) => ({ name, namespace: "default", ...more });

export const inferencePool = (name: string, port: number) => ({
  apiVersion: "inference.networking.k8s.io/v1",
  kind: "InferencePool",
  metadata: metadata(name),
  spec: {
    selector: { matchLabels: { app: name } },
    targetPorts: [{ number: port }],
    endpointPickerRef: { name: "epp", port: { number: 9002 } },
  },
});

export const pod = (name: string, labels: Readonly<Record<string, string>>) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: metadata(name, { labels }),
  spec: { containers: [{ name: "server", image: "example.com/model-server:1" }] },
});

/** A route of the Gateway `main` to an InferencePool. */
export const chatRoute = (name: string, path: string, pool: string) => ({
  apiVersion: `${gatewayGroup}/v1`,
  kind: "HTTPRoute",
  metadata: metadata(name),
  spec: {
    parentRefs: [{ name: "main" }],
    rules: [
      {
        matches: [{ path: { type: "PathPrefix", value: path } }],
        backendRefs: [{ group: "inference.networking.k8s.io", kind: "InferencePool", name: pool }],
      },
    ],
  },
});

/** So many tokens a minute on a route. */
export const tokenLimit = (route: string, limit: number) => ({
  apiVersion: "kuadrant.io/v1alpha1",
  kind: "TokenRateLimitPolicy",
  metadata: metadata(`${route}-tokens`),
  spec: {
    targetRef: { group: gatewayGroup, kind: "HTTPRoute", name: route },
    limits: { all: { rates: [{ limit, window: "1m" }] } },
  },
});
