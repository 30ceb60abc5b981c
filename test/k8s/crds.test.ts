import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { commands } from "../../src/cli/registry.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { crdFiles } from "../../src/k8s/crds.ts";
import { kinds } from "../../src/k8s/kinds/registry.ts";

interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: { readonly kind: string; readonly plural: string; readonly shortNames: readonly string[] };
    readonly scope: string;
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Node };
      readonly subresources: object;
      readonly additionalPrinterColumns: readonly { readonly name: string; readonly jsonPath: string }[];
    }[];
  };
}
type Node = Readonly<Record<string, unknown>>;

const crds = new Map([...crdFiles()].map(([file, text]) => [file, parse(text) as Crd]));
const schemaOf = ({ spec }: Crd): Node => spec.versions[0]!.schema.openAPIV3Schema;

/* What an API server takes of a structural schema (apiextensions.k8s.io/v1, JSONSchemaProps), as far as it is written here. */
const allowed = new Set([
  "type", "description", "properties", "required", "items", "additionalProperties", "enum", "default", "pattern", "minLength",
  "maxLength", "minimum", "maximum", "minItems", "maxItems", "maxProperties", "x-kubernetes-validations",
  "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
]); // oxfmt-ignore

function faultsIn(node: Node, path: string): string[] {
  const faults = Object.keys(node)
    .filter((key) => !allowed.has(key))
    .map((key) => `${path}: ${key}`);
  if (typeof node["type"] !== "string") faults.push(`${path}: no type`);
  const { properties, items, additionalProperties } = node;
  if (properties !== undefined && additionalProperties !== undefined) faults.push(`${path}: both kinds of properties`);
  for (const [name, inner] of Object.entries((properties as Node | undefined) ?? {}))
    faults.push(...faultsIn(inner as Node, `${path}.${name}`));
  if (items !== undefined) faults.push(...faultsIn(items as Node, `${path}[]`));
  if (additionalProperties !== undefined) faults.push(...faultsIn(additionalProperties as Node, `${path}{}`));
  for (const name of (node["required"] as string[] | undefined) ?? [])
    if ((properties as Node | undefined)?.[name] === undefined) faults.push(`${path}: requires ${name}`);
  return faults;
}

function rulesIn(node: Node): { readonly rule: string; readonly message: string }[] {
  const inner = [
    ...Object.values((node["properties"] as Node | undefined) ?? {}),
    node["items"],
    node["additionalProperties"],
  ].filter((each) => each !== undefined);
  const own = (node["x-kubernetes-validations"] ?? []) as { readonly rule: string; readonly message: string }[];
  return [...own, ...inner.flatMap((each) => rulesIn(each as Node))];
}

describe("the CRDs of our own kinds", () => {
  test("are of the four kinds that no standard covers, in the group sallyport.dev", () => {
    expect([...crds].map(([file, { metadata, spec }]) => [file, metadata.name, spec.names.kind, spec.scope])).toEqual([
      ["sallyport.dev_mcpservers.yaml", "mcpservers.sallyport.dev", "MCPServer", "Namespaced"],
      ["sallyport.dev_a2aagents.yaml", "a2aagents.sallyport.dev", "A2AAgent", "Namespaced"],
      ["sallyport.dev_accesspolicies.yaml", "accesspolicies.sallyport.dev", "AccessPolicy", "Namespaced"],
      ["sallyport.dev_budgets.yaml", "budgets.sallyport.dev", "Budget", "Namespaced"],
    ]);
  });

  test.each([...crds])("%s: its schema is structural, and has every rule of the kind with its message", (_, crd) => {
    const schema = schemaOf(crd);
    expect(faultsIn(schema, "")).toEqual([]);
    const kind = kinds.find((each) => each.kind === crd.spec.names.kind);
    const placed = rulesIn(schema).map(({ rule, message }) => `${message} | ${rule}`);
    expect(placed.toSorted()).toEqual(kind!.rules.map(({ rule, message }) => `${message} | ${rule}`).toSorted());
    expect(crd.spec.versions).toMatchObject([
      { name: "v1alpha1", served: true, storage: true, subresources: { status: {} } },
    ]);
  });

  test("defaults, limits and columns are those that objects are read with", () => {
    const spec = (schemaOf(crds.get("sallyport.dev_budgets.yaml")!)["properties"] as Record<string, Node>)["spec"]!;
    expect(spec).toMatchObject({
      required: ["limits"],
      properties: {
        limits: { minItems: 1, maxItems: 16, items: { type: "string", maxLength: 128 } },
        mode: { default: "enforce", enum: ["enforce", "shadow"] },
        maxWaiting: { type: "integer", minimum: 1, maximum: 10_000, default: 100 },
        targetRefs: { items: { properties: { group: { default: "gateway.networking.k8s.io" } } } },
      },
    });
    const server = crds.get("sallyport.dev_mcpservers.yaml")!.spec;
    expect(server.names.shortNames).toEqual(["mcps"]);
    expect(server.versions[0]!.additionalPrinterColumns.map(({ name }) => name)).toEqual([
      "URL",
      "Service",
      "Path",
      "Accepted",
      "Age",
    ]);
  });

  test("`sallyport schema --crds` prints them, each a document of its own", async () => {
    const out: string[] = [];
    const code = await runCommand(commands, "0", ["schema", "--crds"], {
      out: (line) => void out.push(line),
      err() {},
    });
    expect(code).toBe(0);
    const printed = parseAllDocuments(out.join("\n"));
    expect(Array.isArray(printed) && printed.map((document) => document.toJS() as Crd)).toEqual([...crds.values()]);
  });
});
