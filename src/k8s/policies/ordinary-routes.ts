import { gateway } from "../kinds/gateway.ts";
import type { PolicyContext } from "./define-policy.ts";

const MOST_NAMES = 3;

/** The routes of a Gateway that a policy on calls of models does not hold for, or not for all that they lead to. */
export interface OrdinaryRoutes {
  /** Such as `2 routes to Services: team-b/direct, team-b/shop`. */
  readonly text: string;
  /** They are all that the policy reaches: it holds for nothing. */
  readonly all: boolean;
}

/**
 * Finds them and warns of them. Ordinary services stand beside models on one Gateway, and a policy of that is no reason to take them for
 * model servers.
 */
export function findOrdinaryRoutes({ targets, warn }: PolicyContext<unknown>): OrdinaryRoutes | undefined {
  const found = new Set<string>();
  for (const { object, ref, routes } of targets) {
    if (object.kind !== gateway) continue;
    const names = routes.filter(({ unread }) => unread !== "nothing").map(({ name }) => name);
    for (const name of names) found.add(name);
    if (names.length > 0)
      warn({
        path: ref.path,
        message: `is for calls of models, not for ${listed(names)}: what goes there is passed on unread; a policy that names such a route takes its Services for model servers`,
      });
  }
  if (found.size === 0) return undefined;
  const all = targets.every(({ routes }) => routes.every(({ unread }) => unread === "all"));
  return { text: listed([...found]), all };
}

function listed(names: readonly string[]): string {
  const first = names.slice(0, MOST_NAMES).join(", ");
  return `${names.length} ${names.length === 1 ? "route" : "routes"} to Services: ${first}${names.length > MOST_NAMES ? ", …" : ""}`;
}
