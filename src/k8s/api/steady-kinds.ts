import type { Kind } from "../kinds/define-kind.ts";
import { isVital, type UnknownKind } from "../unknown-kinds.ts";
import type { Reflector } from "./reflector.ts";
import { resourceName } from "./setbacks.ts";

/** A kind that is followed from the beginning to the end, in one namespace or in all. */
export interface SteadyKind {
  readonly kind: Kind<unknown>;
  readonly reflector: Pick<Reflector, "state" | "reason" | "followed">;
}

/** Something that is not as it should be. */
export interface Doubt {
  readonly text: string;
  /** No route is served for as long as it stands. */
  readonly closes: boolean;
}

const isUnknown = ({ reflector: { state } }: SteadyKind) => state === "unknown" || state === "refused";

/** Those that cannot be read and never were. */
export const unknownOf = (steady: readonly SteadyKind[]): readonly UnknownKind[] =>
  steady.filter(isUnknown).map(({ kind, reflector }) => ({ kind, namespace: reflector.followed.namespace }));

/** What is not known, in words. */
export function doubtsOf(steady: readonly SteadyKind[]): readonly Doubt[] {
  return steady.flatMap((each) => {
    const { kind, reflector } = each;
    if (reflector.state !== "starting" && !isUnknown(each)) return [];
    const { namespace } = reflector.followed;
    const where = namespace === undefined ? "" : ` of namespace ${namespace}`;
    const everywhere = steady.every((other) => other.kind !== kind || other.reflector.state !== "synced");
    return [
      {
        text: `${resourceName(kind)}${where}: ${reflector.reason ?? "not read yet"}`,
        closes: isVital(kind) && everywhere,
      },
    ];
  });
}
