import { z } from "zod";
import { defineKind } from "./define-kind.ts";
import { groupName, kindName, namespaceName, objectName } from "./words.ts";

export const referenceGrant = defineKind({
  group: "gateway.networking.k8s.io",
  kind: "ReferenceGrant",
  plural: "referencegrants",
  versions: ["v1", "v1beta1"],
  schema: z.strictObject({
    from: z
      .array(z.strictObject({ group: groupName, kind: kindName, namespace: namespaceName }))
      .min(1)
      .max(16),
    to: z
      .array(z.strictObject({ group: groupName, kind: kindName, name: objectName.optional() }))
      .min(1)
      .max(16),
  }),
});
