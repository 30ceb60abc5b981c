import type { TargetRef } from "./define-policy.ts";

type Written = Omit<TargetRef, "path">;

/** The targets of a list `targetRefs`, with their places. */
export function refsOf(refs: readonly Written[]): readonly TargetRef[] {
  return refs.map(({ group, kind, name, sectionName }, index) => ({
    path: ["spec", "targetRefs", index],
    group,
    kind,
    name,
    sectionName,
  }));
}
