import { z } from "zod";
import { defineKind } from "./define-kind.ts";

/*
 * Kinds of Kubernetes itself, as far as they are read. What else stands in them is the API server's to check: their schemas are loose.
 */

const servicePort = z.object({
  name: z.string().optional(),
  port: z.int().min(1).max(65_535),
  protocol: z.string().default("TCP"),
  appProtocol: z.string().optional(),
  targetPort: z.union([z.int(), z.string()]).optional(),
});

export const service = defineKind({
  group: "",
  kind: "Service",
  plural: "services",
  named: "label",
  versions: ["v1"],
  schema: z.object({
    type: z.string().default("ClusterIP"),
    clusterIP: z.string().optional(),
    externalName: z.string().optional(),
    selector: z.record(z.string(), z.string()).optional(),
    ports: z.array(servicePort).default([]),
  }),
});
export type ServiceSpec = z.output<typeof service.schema>;

export const endpointSlice = defineKind({
  group: "discovery.k8s.io",
  kind: "EndpointSlice",
  plural: "endpointslices",
  versions: ["v1"],
  reads: "object",
  schema: z.object({
    addressType: z.string().default("IPv4"),
    endpoints: z
      .array(
        z.object({
          addresses: z.array(z.string()),
          conditions: z.object({ ready: z.boolean().nullish(), terminating: z.boolean().nullish() }).prefault({}),
        }),
      )
      .nullish()
      .transform((list) => list ?? []),
    ports: z
      .array(
        z.object({
          name: z.string().nullish(),
          port: z.int().nullish(),
          protocol: z.string().nullish(),
          appProtocol: z.string().nullish(),
        }),
      )
      .nullish()
      .transform((list) => list ?? []),
  }),
});

export const pod = defineKind({
  group: "",
  kind: "Pod",
  plural: "pods",
  versions: ["v1"],
  reads: "object",
  schema: z.object({
    metadata: z.object({ deletionTimestamp: z.string().nullish() }),
    spec: z
      .object({
        containers: z
          .array(
            z.object({
              ports: z.array(z.object({ name: z.string().optional(), containerPort: z.int() })).optional(),
            }),
          )
          .default([]),
      })
      .prefault({}),
    status: z
      .object({
        podIP: z.string().optional(),
        phase: z.string().optional(),
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).optional(),
      })
      .prefault({}),
  }),
});

export const namespace = defineKind({
  group: "",
  kind: "Namespace",
  plural: "namespaces",
  named: "label",
  versions: ["v1"],
  scope: "Cluster",
  reads: "object",
  schema: z.object({}),
});

const texts = z
  .record(z.string(), z.string())
  .nullish()
  .transform((map) => map ?? {});

export const secret = defineKind({
  group: "",
  kind: "Secret",
  plural: "secrets",
  versions: ["v1"],
  reads: "object",
  schema: z.object({ type: z.string().default("Opaque"), data: texts, stringData: texts }),
});

export const configMap = defineKind({
  group: "",
  kind: "ConfigMap",
  plural: "configmaps",
  versions: ["v1"],
  reads: "object",
  schema: z.object({ data: texts }),
});
