import { a2aAgent } from "../../src/k8s/kinds/a2a-agent.ts";
import { accessPolicy } from "../../src/k8s/kinds/access-policy.ts";
import { budget } from "../../src/k8s/kinds/budget.ts";
import type { Kind } from "../../src/k8s/kinds/define-kind.ts";
import { inferencePool } from "../../src/k8s/kinds/inference-pool.ts";
import { mcpServer } from "../../src/k8s/kinds/mcp-server.ts";
import { tokenRateLimitPolicy } from "../../src/k8s/kinds/token-rate-limit-policy.ts";
import { trafficPolicy } from "../../src/k8s/kinds/traffic-policy.ts";

const GATEWAY = "gateway.networking.k8s.io";
const pool = (more: object) => ({
  selector: { matchLabels: { app: "vllm" } },
  targetPorts: [{ number: 8000 }],
  endpointPickerRef: { name: "epp", port: { number: 9002 } },
  ...more,
});
export const traffic = (kind: string, group = GATEWAY) => ({ targetRefs: [{ group, kind, name: "x" }], ai: {} });
const limits = { all: { rates: [{ limit: 10, window: "1m" }] } };
export const tokens = (more: object, target: object = {}) => ({
  targetRef: { group: GATEWAY, kind: "HTTPRoute", name: "x", ...target },
  ...more,
});
const secretRef = { name: "s", key: "k" };
const url = "http://tools.example.com:8080/mcp";
const rule = (more: object, name = "one") => ({ name, ...more });
const target = (kind: string, name = "x") => ({
  group: kind === "Gateway" || kind === "HTTPRoute" ? GATEWAY : "sallyport.dev",
  kind,
  name,
});

/** Each of a CRD's own rules with what it refuses and what it lets pass; every rule of a kind has to stand here. */
export const crdRuleCases: readonly (readonly [
  kind: Kind<unknown>,
  message: string,
  invalid: object,
  valid: object,
])[] = [
  [
    inferencePool,
    "spec.targetPorts: port number must be unique",
    pool({ targetPorts: [{ number: 8000 }, { number: 8000 }] }),
    pool({ targetPorts: [{ number: 8000 }, { number: 8001 }] }),
  ],
  [
    inferencePool,
    "spec.endpointPickerRef: port is required when kind is 'Service' or unspecified (defaults to 'Service')",
    pool({ endpointPickerRef: { name: "epp" } }),
    pool({ endpointPickerRef: { name: "epp", port: { number: 9002 } } }),
  ],
  [
    inferencePool,
    "spec.endpointPickerRef: port is required when kind is 'Service' or unspecified (defaults to 'Service')",
    pool({ endpointPickerRef: { name: "epp", kind: "Service" } }),
    pool({ endpointPickerRef: { name: "epp", group: "example.com", kind: "Picker" } }),
  ],
  [
    trafficPolicy,
    "spec.targetRefs: targetRefs may only reference Gateway, HTTPRoute, XListenerSet, or Backend resources",
    traffic("Service", ""),
    traffic("HTTPRoute"),
  ],
  [
    trafficPolicy,
    "spec.targetRefs: targetRefs may only reference Gateway, HTTPRoute, XListenerSet, or Backend resources",
    traffic("Backend"),
    traffic("Backend", "gateway.kgateway.dev"),
  ],
  [
    tokenRateLimitPolicy,
    "spec.targetRef: Invalid targetRef.group. The only supported value is 'gateway.networking.k8s.io'",
    tokens({ limits }, { group: "apps" }),
    tokens({ limits }),
  ],
  [
    tokenRateLimitPolicy,
    "spec.targetRef: Invalid targetRef.kind. The only supported values are 'HTTPRoute' and 'Gateway'",
    tokens({ limits }, { kind: "Service" }),
    tokens({ limits }, { kind: "Gateway" }),
  ],
  [
    tokenRateLimitPolicy,
    "spec: Implicit and explicit defaults are mutually exclusive",
    tokens({ limits, defaults: { limits } }),
    tokens({ defaults: { limits } }),
  ],
  [
    tokenRateLimitPolicy,
    "spec: Overrides and explicit defaults are mutually exclusive",
    tokens({ overrides: { limits }, defaults: { limits } }),
    tokens({ overrides: { limits } }),
  ],
  [
    tokenRateLimitPolicy,
    "spec: Overrides and implicit defaults are mutually exclusive",
    tokens({ limits, overrides: { limits } }),
    tokens({ limits }),
  ],
  [tokenRateLimitPolicy, "spec: At least one spec.limits must be defined", tokens({}), tokens({ limits })],
  [tokenRateLimitPolicy, "spec: At least one spec.limits must be defined", tokens({ limits: {} }), tokens({ limits })],
  [
    tokenRateLimitPolicy,
    "spec: At least one spec.overrides.limits must be defined",
    tokens({ overrides: { limits: {} } }),
    tokens({ overrides: { strategy: "merge", limits } }),
  ],
  [
    tokenRateLimitPolicy,
    "spec: At least one spec.defaults.limits must be defined",
    tokens({ defaults: { strategy: "merge" } }),
    tokens({ defaults: { limits } }),
  ],
  [mcpServer, "spec: give either url or service", {}, { url }],
  [
    mcpServer,
    "spec: give either url or service",
    { url, service: { name: "a", port: 1 } },
    { service: { name: "a", port: 1 } },
  ],
  [
    mcpServer,
    "spec.credentials.headers: a header stands here twice",
    {
      url,
      credentials: {
        headers: [
          { name: "x-key", secretRef },
          { name: "X-Key", secretRef },
        ],
      },
    },
    {
      url,
      credentials: {
        headers: [
          { name: "x-key", secretRef },
          { name: "x-other", secretRef },
        ],
      },
    },
  ],
  ...[mcpServer, a2aAgent].flatMap((kind) =>
    ["Content-Length", "host", "transfer-encoding"].map((name): (typeof crdRuleCases)[number] => [
      kind,
      "spec.credentials.headers.1: a header that the gateway sets itself, or of its connection",
      {
        url,
        credentials: {
          headers: [
            { name: "x-key", secretRef },
            { name, secretRef },
          ],
        },
      },
      { url, credentials: { headers: [{ name: "x-key", secretRef }] } },
    ]),
  ),
  [a2aAgent, "spec: give either url or service", {}, { url }],
  [
    a2aAgent,
    "spec.credentials.headers: a header stands here twice",
    {
      url,
      credentials: {
        headers: [
          { name: "a", secretRef },
          { name: "a", secretRef },
        ],
      },
    },
    { url, credentials: { headers: [{ name: "a", secretRef }] } },
  ],
  [
    a2aAgent,
    "spec.credentials: give either bearer or headers",
    { url, credentials: { bearer: { secretRef }, headers: [{ name: "x", secretRef }] } },
    { url, credentials: { bearer: { secretRef } } },
  ],
  [
    accessPolicy,
    "spec.rules: another rule has this name; names are unique",
    { rules: [rule({ allow: "true" }), rule({ deny: "true" })] },
    { rules: [rule({ allow: "true" }), rule({ deny: "true" }, "two")] },
  ],
  [
    accessPolicy,
    "spec.rules.0: a rule has exactly one of allow, deny and require",
    { rules: [rule({ allow: "true", deny: "false" })] },
    { rules: [rule({ require: "true" })] },
  ],
  [
    accessPolicy,
    "spec.rules.1: a rule has exactly one of allow, deny and require",
    { rules: [rule({ allow: "true" }), rule({}, "two")] },
    { rules: [rule({ allow: "true" })] },
  ],
  ...[accessPolicy, budget].flatMap((kind) => {
    const spec = (...targetRefs: object[]) =>
      kind === budget ? { targetRefs, limits: ["5 calls"] } : { targetRefs, rules: [rule({ allow: "true" })] };
    return [
      [
        kind,
        "spec.targetRefs.0: the group of Gateway and HTTPRoute is gateway.networking.k8s.io, that of MCPServer and A2AAgent sallyport.dev",
        spec({ kind: "MCPServer", name: "x" }),
        spec({ kind: "Gateway", name: "x" }),
      ],
      [
        kind,
        "spec.targetRefs: a target stands here twice",
        spec(target("A2AAgent"), target("A2AAgent")),
        spec(target("A2AAgent"), target("A2AAgent", "y")),
      ],
    ] as const;
  }),
  [
    budget,
    "spec.targetRefs: the targets of a Budget are all of one kind",
    { targetRefs: [target("MCPServer"), target("HTTPRoute")], limits: ["5 calls"] },
    { targetRefs: [target("HTTPRoute"), target("HTTPRoute", "y")], limits: ["5 calls"] },
  ],
];
