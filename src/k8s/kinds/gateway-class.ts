import { z } from "zod";
import { defineKind } from "./define-kind.ts";
import { groupName, kindName, namespaceName, objectName } from "./words.ts";

export const gatewayClass = defineKind({
  group: "gateway.networking.k8s.io",
  kind: "GatewayClass",
  plural: "gatewayclasses",
  versions: ["v1", "v1beta1"],
  scope: "Cluster",
  schema: z.strictObject({
    controllerName: z
      .string()
      .min(1)
      .max(253)
      .regex(
        /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/,
        "a domain and a path, such as sallyport.dev/gateway",
      ),
    description: z.string().max(64).optional(),
    parametersRef: z
      .strictObject({ group: groupName, kind: kindName, name: objectName, namespace: namespaceName.optional() })
      .optional(),
  }),
});
