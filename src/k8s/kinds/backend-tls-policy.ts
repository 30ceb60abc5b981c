import { z } from "zod";
import { defineKind } from "./define-kind.ts";
import { groupName, kindName, objectName, sectionName } from "./words.ts";

const spec = z.object({
  targetRefs: z
    .array(z.strictObject({ group: groupName, kind: kindName, name: objectName, sectionName: sectionName.optional() }))
    .min(1)
    .max(16),
});
export type BackendTlsPolicySpec = z.output<typeof spec>;

/** Which backends take TLS alone. How they would have to prove who they are is not read: none of them is spoken to. */
export const backendTlsPolicy = defineKind<BackendTlsPolicySpec>({
  group: "gateway.networking.k8s.io",
  kind: "BackendTLSPolicy",
  plural: "backendtlspolicies",
  versions: ["v1", "v1alpha3"],
  schema: spec,
});
