import { z } from "zod";
import { isMap } from "../manifest.ts";
import { defineKind, type Kind, type Mended, type Remark } from "./define-kind.ts";
import { groupName, kindName, objectName, portNumber } from "./words.ts";

const labelText = z
  .string()
  .max(63)
  .regex(/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/, "the value of a label");

const spec = z.strictObject({
  selector: z.strictObject({
    matchLabels: z
      .record(z.string().min(1).max(253), labelText)
      .refine((labels) => Object.keys(labels).length >= 1, "at least one label")
      .refine((labels) => Object.keys(labels).length <= 64, "at most 64 labels"),
  }),
  targetPorts: z
    .array(z.strictObject({ number: portNumber }))
    .min(1)
    .max(8),
  appProtocol: z.enum(["http", "kubernetes.io/h2c"]).default("http"),
  endpointPickerRef: z
    .strictObject({
      group: groupName.default(""),
      kind: kindName.default("Service"),
      name: objectName,
      port: z.strictObject({ number: portNumber }).optional(),
      failureMode: z.enum(["FailOpen", "FailClose"]).default("FailClose"),
    })
    .optional(),
});
export type InferencePoolSpec = z.output<typeof spec>;

/** What v1alpha2 took when no port was given (gateway-api-inference-extension v0.5.1, `portNumber`). */
const OLD_PICKER_PORT = 9_002;

/* A field of v1alpha2, and what stands for it in v1. */
function renew(value: unknown): Mended {
  if (!isMap(value)) return { value, warnings: [] };
  const { targetPortNumber, extensionRef, ...rest } = value;
  const renewed: Record<string, unknown> = { ...rest };
  const warnings: Remark[] = [];
  const became = (field: string, now: Readonly<Record<string, unknown>>) => {
    const text = Object.entries(now).map(([name, inner]) => `${name}: ${JSON.stringify(inner)}`);
    warnings.push({ path: ["spec", field], message: `is no field of v1; write \`${text.join(", ")}\`` });
  };
  const { selector } = value;
  if (isMap(selector) && !isMap(selector["matchLabels"])) {
    renewed["selector"] = { matchLabels: selector };
    const labels = JSON.stringify(selector);
    warnings.push({
      path: ["spec", "selector"],
      message: `has its labels below \`matchLabels\` in v1; write \`selector: {matchLabels: ${labels}}\``,
    });
  }
  if (targetPortNumber !== undefined && rest["targetPorts"] === undefined) {
    renewed["targetPorts"] = [{ number: targetPortNumber }];
    became("targetPortNumber", { targetPorts: renewed["targetPorts"] });
  } else if (targetPortNumber !== undefined) renewed["targetPortNumber"] = targetPortNumber;
  if (isMap(extensionRef) && rest["endpointPickerRef"] === undefined) {
    const { portNumber: older, port = older ?? OLD_PICKER_PORT, ...named } = extensionRef;
    renewed["endpointPickerRef"] = { ...named, port: isMap(port) ? port : { number: port } };
    became("extensionRef", { endpointPickerRef: renewed["endpointPickerRef"] });
  } else if (extensionRef !== undefined) renewed["extensionRef"] = extensionRef;
  return { value: renewed, warnings };
}

/* The rules of the CRD (gateway-api-inference-extension, config/crd/bases). */
const rules = [
  {
    path: "spec.targetPorts",
    message: "port number must be unique",
    rule: "self.all(p1, self.exists_one(p2, p1.number==p2.number))",
  },
  {
    path: "spec.endpointPickerRef",
    message: "port is required when kind is 'Service' or unspecified (defaults to 'Service')",
    rule: "self.kind != 'Service' || has(self.port)",
  },
];

const common = { kind: "InferencePool", plural: "inferencepools", schema: spec, rules, mend: renew };

export const inferencePool: Kind<InferencePoolSpec> = defineKind({
  group: "inference.networking.k8s.io",
  versions: ["v1"],
  ...common,
});

/** Of the releases before v1; two of one name, one of each group, are two objects. */
export const oldInferencePool: Kind<InferencePoolSpec> = defineKind({
  group: "inference.networking.x-k8s.io",
  versions: ["v1alpha2"],
  ...common,
});
