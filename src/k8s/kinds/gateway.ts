import { z } from "zod";
import { defineKind } from "./define-kind.ts";
import {
  groupName,
  hostname,
  kindName,
  labelSelector,
  listBy,
  namespaceName,
  objectName,
  portNumber,
  sectionName,
} from "./words.ts";

const SELF = "gateway.networking.k8s.io";

const certificateRef = z.strictObject({
  group: groupName.default(""),
  kind: kindName.default("Secret"),
  name: objectName,
  namespace: namespaceName.optional(),
});

const namespaces = z
  .strictObject({ from: z.enum(["All", "Selector", "Same"]).default("Same"), selector: labelSelector.optional() })
  .prefault({});

const listener = z.strictObject({
  name: sectionName,
  hostname: hostname.optional(),
  port: portNumber,
  protocol: z.string().min(1).max(255),
  tls: z
    .strictObject({
      mode: z.enum(["Terminate", "Passthrough"]).default("Terminate"),
      certificateRefs: z.array(certificateRef).max(64).optional(),
      options: z.record(z.string(), z.string().max(4_096)).optional(),
    })
    .optional(),
  allowedRoutes: z
    .strictObject({
      namespaces,
      kinds: z
        .array(z.strictObject({ group: groupName.default(SELF), kind: kindName }))
        .max(8)
        .optional(),
    })
    .prefault({}),
});

const spec = z.strictObject({
  gatewayClassName: objectName,
  listeners: listBy(listener, "name", 64).min(1),
  addresses: z
    .array(
      z.strictObject({ type: z.string().min(1).max(253).default("IPAddress"), value: z.string().max(253).optional() }),
    )
    .max(16)
    .optional(),
  infrastructure: z
    .strictObject({
      labels: z.record(z.string(), z.string()).optional(),
      annotations: z.record(z.string(), z.string()).optional(),
      parametersRef: z.strictObject({ group: groupName, kind: kindName, name: objectName }).optional(),
    })
    .optional(),
  allowedListeners: z
    .strictObject({
      namespaces: z
        .strictObject({
          from: z.enum(["All", "Selector", "Same", "None"]).default("None"),
          selector: labelSelector.optional(),
        })
        .prefault({}),
    })
    .optional(),
  tls: z.looseObject({}).optional(),
});
export type GatewaySpec = z.output<typeof spec>;
export type ListenerSpec = GatewaySpec["listeners"][number];

const KEY = String.raw`^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$`;
const HOST = String.raw`^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`;

/* What a listener's `port` and `protocol` and the rest may be together: the CRD's rules (gateway-api, config/crd/standard). */
const unique = (type: string) => ({
  path: "spec.addresses",
  message: `${type} values must be unique`,
  rule: `self.all(a1, a1.type == '${type}' && has(a1.value) ? self.exists_one(a2, a2.type == a1.type && has(a2.value) && a2.value == a1.value) : true)`,
});
const keyed = (field: string, what: string) => [
  {
    path: `spec.infrastructure.${field}`,
    message: `${what} keys must be in the form of an optional DNS subdomain prefix followed by a required name segment of up to 63 characters.`,
    rule: `self.all(key, key.matches(r"""${KEY}"""))`,
  },
  {
    path: `spec.infrastructure.${field}`,
    message: `If specified, the ${what.toLowerCase()} key's prefix must be a DNS subdomain not longer than 253 characters in total.`,
    rule: `self.all(key, key.split("/")[0].size() < 253)`,
  },
];
const listeners = (message: string, rule: string) => ({ path: "spec.listeners", message, rule });

export const gateway = defineKind({
  group: SELF,
  kind: "Gateway",
  plural: "gateways",
  versions: ["v1", "v1beta1"],
  schema: spec,
  unsupported: {
    "spec.tls": "client certificates, of callers and of the gateway, are not made use of",
    "spec.defaultScope": "default Gateways are experimental",
  },
  rules: [
    unique("IPAddress"),
    unique("Hostname"),
    {
      path: "spec.addresses[]",
      message: `Hostname value must be empty or contain only valid characters (matching ${HOST})`,
      rule: `self.type == 'Hostname' ? (!has(self.value) || self.value.matches(r"""${HOST}""")) : true`,
    },
    ...keyed("labels", "Label"),
    ...keyed("annotations", "Annotation"),
    listeners(
      "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
      "self.all(l, l.protocol in ['HTTP', 'TCP', 'UDP'] ? !has(l.tls) : true)",
    ),
    listeners(
      "tls mode must be Terminate for protocol HTTPS",
      "self.all(l, (l.protocol == 'HTTPS' && has(l.tls)) ? (l.tls.mode == '' || l.tls.mode == 'Terminate') : true)",
    ),
    listeners(
      "tls mode must be set for protocol TLS",
      "self.all(l, (l.protocol == 'TLS' ? has(l.tls) && has(l.tls.mode) && l.tls.mode != '' : true))",
    ),
    listeners(
      "hostname must not be specified for protocols ['TCP', 'UDP']",
      "self.all(l, l.protocol in ['TCP', 'UDP'] ? (!has(l.hostname) || l.hostname == '') : true)",
    ),
    listeners(
      "Listener name must be unique within the Gateway",
      "self.all(l1, self.exists_one(l2, l1.name == l2.name))",
    ),
    listeners(
      "Combination of port, protocol and hostname must be unique for each listener",
      "self.all(l1, self.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))",
    ),
    {
      path: "spec.listeners[].tls",
      message: "certificateRefs or options must be specified when mode is Terminate",
      rule: "self.mode == 'Terminate' ? size(self.certificateRefs) > 0 || size(self.options) > 0 : true",
    },
  ],
});
