import { Environment } from "@marcbachmann/cel-js";
import { toCelValue } from "../../../src/cel/crd-rule.ts";
import type { Manifest } from "./manifests.ts";

/* Kyverno's ValidatingPolicy (policies.kyverno.io), as far as the policies of k8s/kyverno go: conditions, variables, validations and
   the library `resource`, evaluated by the engine of src/cel. */

interface Named {
  readonly name: string;
  readonly expression: string;
}

export interface ValidatingPolicy extends Manifest {
  readonly spec: {
    readonly validationActions: readonly string[];
    readonly failurePolicy: string;
    readonly matchConstraints: {
      readonly namespaceSelector: {
        readonly matchExpressions: readonly {
          readonly key: string;
          readonly operator: string;
          readonly values: string[];
        }[];
      };
      readonly resourceRules: readonly Readonly<
        Record<"apiGroups" | "apiVersions" | "operations" | "resources", readonly string[]>
      >[];
    };
    readonly matchConditions: readonly Named[];
    readonly variables: readonly Named[];
    readonly validations: readonly {
      readonly expression: string;
      readonly message: string;
      readonly messageExpression: string;
    }[];
  };
}

/** Lists and gives objects of the cluster by API version, plural and namespace. */
class Resources {
  readonly #objects: readonly Manifest[];
  constructor(objects: readonly Manifest[]) {
    this.#objects = objects;
  }

  list(apiVersion: string, plural: string, namespace: string): readonly Manifest[] {
    return this.#objects.filter(
      (object) =>
        object.apiVersion === apiVersion && pluralOf(object.kind) === plural && object.metadata.namespace === namespace,
    );
  }
}

const pluralOf = (kind: string) => kind.toLowerCase().replace(/y$/, "ie").concat("s");

const environment = new Environment()
  .registerType({ name: "Resources", ctor: Resources, fields: {} })
  .registerVariable("resource", "Resources")
  .registerVariable("object", "dyn")
  .registerVariable("oldObject", "dyn")
  .registerVariable("namespaceObject", "dyn")
  .registerVariable("variables", "dyn")
  .registerFunction(
    "Resources.List(string, string, string): dyn",
    (from: Resources, ...of: [string, string, string]) => ({
      items: from.list(...of).map(toCelValue),
    }),
  )
  .registerFunction(
    "Resources.Get(string, string, string, string): dyn",
    (from: Resources, apiVersion: string, plural: string, namespace: string, name: string) => {
      const found = from.list(apiVersion, plural, namespace).find(({ metadata }) => metadata.name === name);
      if (found === undefined) throw new Error(`${plural} "${name}" not found`);
      return toCelValue(found);
    },
  );

/** Whether an object is of a policy's resources, in a namespace of its. Throws for an operator that is not read here. */
function isMatched(
  { matchConstraints }: ValidatingPolicy["spec"],
  object: Manifest,
  namespace: Manifest | undefined,
): boolean {
  const [version = "", group = ""] = object.apiVersion.split("/").toReversed();
  return (
    matchConstraints.namespaceSelector.matchExpressions.every(({ key, operator, values }) => {
      if (operator !== "NotIn") throw new Error(`the operator ${operator} is not read here`);
      return !values.includes(namespace?.metadata.labels?.[key] ?? "");
    }) &&
    matchConstraints.resourceRules.some(
      ({ apiGroups, apiVersions, resources }) =>
        apiGroups.includes(group) && apiVersions.includes(version) && resources.includes(pluralOf(object.kind)),
    )
  );
}

/** A policy of which every expression is known to parse and to type-check. Throws for one that does not. */
export function compilePolicy({ spec }: ValidatingPolicy) {
  const compile = (expression: string) => {
    const parsed = environment.parse(expression);
    const { valid, error } = parsed.check();
    if (!valid) throw error ?? new Error(`${expression} does not type-check`);
    return parsed;
  };
  const named = (list: readonly Named[]) => list.map(({ name, expression }) => ({ name, run: compile(expression) }));
  const conditions = named(spec.matchConditions);
  const variables = named(spec.variables);
  const validations = spec.validations.map(({ expression, messageExpression }) => ({
    run: compile(expression),
    say: compile(messageExpression),
  }));

  /** What a person is told who applies this object; undefined when it is let in or is none of this policy's business. `old`: what it was before. */
  return (object: Manifest, cluster: readonly Manifest[], old?: Manifest): string | undefined => {
    const namespace = cluster.find(
      ({ kind, metadata }) => kind === "Namespace" && metadata.name === object.metadata.namespace,
    );
    if (!isMatched(spec, object, namespace)) return undefined;
    const context: Record<string, unknown> = {
      object: toCelValue(object),
      oldObject: old === undefined ? null : toCelValue(old),
      namespaceObject: toCelValue(namespace),
      resource: new Resources(cluster),
      variables: {},
    };
    if (!conditions.every(({ run }) => run(context) === true)) return undefined;
    /* Each may read those before it. */
    for (const { name, run } of variables) (context["variables"] as Record<string, unknown>)[name] = run(context);
    const failed = validations.find(({ run }) => run(context) !== true);
    return failed === undefined ? undefined : String(failed.say(context));
  };
}
