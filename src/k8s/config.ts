import { z } from "zod";

const port = z
  .int()
  .min(0)
  .max(65_535)
  .meta({ description: "The port to bind for it.", examples: [4443] });

const kubernetes = z.strictObject({
  ports: z
    .record(z.string().regex(/^[1-9]\d{0,4}$/, "a port, in quotes or without"), port)
    .optional()
    .meta({
      description:
        "The port to bind for a port of a Gateway's listener. Absent: for 80 that of `listen` (for 443, where `listen` has `tls`), for 443 it is 4443. In a cluster these are all the ports there are; in a folder 80 and 443 need not be named, and from 1024 each other is bound as it is.",
      examples: [{ 80: 8080, 443: 8443 }],
    }),
  platformNamespaces: z
    .array(z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "the name of a namespace"))
    .optional()
    .meta({
      description:
        "Namespaces of the platform's own hand: what the rest of a cluster may not take is theirs. Absent: with `--manifests` every namespace, with `--kubernetes` that of the gateway's own pod, and none outside of a pod.",
      examples: [["gateway-system"]],
    }),
  controllerName: z
    .string()
    .min(1)
    .max(253)
    .default("sallyport.dev/gateway")
    .meta({
      description: "Gateways of classes with this controller are served.",
      examples: ["sallyport.dev/gateway"],
    }),
  className: z
    .string()
    .min(1)
    .max(253)
    .default("sallyport")
    .meta({ description: "The class that needs no GatewayClass beside it in a folder.", examples: ["sallyport"] }),
});

/** The branch `kubernetes` of the configuration: how manifests are taken. */
export const k8sConfig = {
  kubernetes: kubernetes
    .prefault({})
    .meta({ description: "How Kubernetes manifests are taken.", examples: [{ ports: { 80: 8080 } }] }),
};

export type KubernetesConfig = z.output<typeof kubernetes>;
