import { stringify } from "yaml";
import { z } from "zod";
import type { Kind, KindRule, OwnCrd } from "./kinds/define-kind.ts";
import { kinds } from "./kinds/registry.ts";

type Node = Record<string, unknown>;

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);

/* What zod writes and the structural schemas of CRDs do not take. Unknown fields are pruned there, not forbidden. */
const dropped = new Set(["$schema", "examples", "propertyNames", "prefault"]);

function toStructural(schema: Node): Node {
  const out: Node = {};
  for (const [key, value] of Object.entries(schema)) {
    if (dropped.has(key) || (key === "additionalProperties" && value === false)) continue;
    if (key === "maximum" && value === Number.MAX_SAFE_INTEGER) continue;
    if (key === "minimum" && value === Number.MIN_SAFE_INTEGER) continue;
    if (key === "properties" && isNode(value))
      out[key] = Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [name, isNode(inner) ? toStructural(inner) : inner]),
      );
    else out[key] = isNode(value) && key !== "default" ? toStructural(value) : value;
  }
  return out;
}

/* A rule stands at the place of its `self`: `spec.rules[]` is the items of the property. */
function place(schema: Node, { path, rule, message }: KindRule): void {
  let at: unknown = schema;
  for (const step of path.replaceAll("[]", ".[]").split("."))
    at = !isNode(at)
      ? undefined
      : step === "[]"
        ? at["items"]
        : isNode(at["properties"])
          ? at["properties"][step]
          : undefined;
  if (!isNode(at)) throw new Error(`the schema has no ${path}, which a rule is for`);
  const rules = Array.isArray(at["x-kubernetes-validations"]) ? (at["x-kubernetes-validations"] as unknown[]) : [];
  at["x-kubernetes-validations"] = [...rules, { rule, message }];
}

const condition = z.strictObject({
  type: z.string().max(316),
  status: z.enum(["True", "False", "Unknown"]),
  observedGeneration: z.int().min(0).optional(),
  lastTransitionTime: z.string(),
  reason: z.string().min(1).max(1_024),
  message: z.string().max(32_768),
});

const status = z.strictObject({
  observedGeneration: z.int().min(0).optional().meta({ description: "The generation that this is about." }),
  path: z.string().optional().meta({ description: "Where the gateway serves it." }),
  conditions: z
    .array(condition)
    .max(8)
    .optional()
    .meta({ description: "Accepted, and ResolvedRefs where there are references." }),
});

function statusSchema(served: boolean): Node {
  const schema = toStructural(z.toJSONSchema(served ? status : status.omit({ path: true }), { io: "input" }));
  const { conditions } = schema["properties"] as { conditions: Node };
  conditions["x-kubernetes-list-type"] = "map";
  conditions["x-kubernetes-list-map-keys"] = ["type"];
  return schema;
}

interface OwnKind extends Kind<unknown> {
  readonly own: OwnCrd;
}

/** The CustomResourceDefinition of a kind of our own, made from the schema that its objects are read with. */
export function toCrd(kind: OwnKind): Node {
  const { group, plural, versions, schema, rules, own } = kind;
  const [version = ""] = versions;
  const spec = toStructural(z.toJSONSchema(schema, { io: "input" }));
  const openAPIV3Schema = {
    type: "object",
    description: own.description,
    required: ["spec"],
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec,
      status: statusSchema(own.served === true),
    },
  };
  for (const rule of rules) place(openAPIV3Schema, rule);
  const columns = [
    ...own.columns,
    ...(own.served === true ? [{ name: "Path", jsonPath: ".status.path" }] : []),
    { name: "Accepted", jsonPath: '.status.conditions[?(@.type=="Accepted")].status' },
  ].map((column) => ({ ...column, type: "string" }));
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural,
        singular: kind.kind.toLowerCase(),
        shortNames: own.shortNames,
        categories: ["sallyport"],
      },
      scope: kind.scope,
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema },
          subresources: { status: {} },
          additionalPrinterColumns: [
            ...columns,
            { name: "Age", jsonPath: ".metadata.creationTimestamp", type: "date" },
          ],
        },
      ],
    },
  };
}

/** The CRDs of our own kinds as YAML, by the name of their file. */
export function crdFiles(): ReadonlyMap<string, string> {
  const own = kinds.filter((kind): kind is OwnKind => kind.own !== undefined);
  return new Map(
    own.map((kind) => [
      `${kind.group}_${kind.plural}.yaml`,
      stringify(toCrd(kind), { lineWidth: 0, aliasDuplicateObjects: false }),
    ]),
  );
}
