import { conditionsOf } from "../condition.ts";
import type { ResourceContext } from "./define-resource.ts";
import type { Unresolved } from "./reachable.ts";

/** The status of an object of our own that is served at a path. */
export function tellServed(
  { object, status }: Pick<ResourceContext<unknown>, "object" | "status">,
  path: string,
  unresolved: readonly Unresolved[],
): void {
  const { generation } = object.metadata;
  const condition = conditionsOf(generation);
  const [first] = unresolved;
  status({
    ...(generation !== undefined && { observedGeneration: generation }),
    path,
    conditions: [
      condition("Accepted", "True", "Accepted", "The gateway knows of it."),
      first === undefined
        ? condition("ResolvedRefs", "True", "ResolvedRefs", "All references are resolved.")
        : condition("ResolvedRefs", "False", first.reason, unresolved.map(({ message }) => message).join("; ")),
    ],
  });
}
