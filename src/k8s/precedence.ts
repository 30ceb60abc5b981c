import type { KubeObject } from "./parse-object.ts";

/** The oldest first, then by `namespace/name`: who wins where two say different things. What has no age comes last. */
export function byAge(a: KubeObject<unknown>, b: KubeObject<unknown>): number {
  const age = bornMs(a) - bornMs(b);
  if (age !== 0 && !Number.isNaN(age)) return age;
  const [left, right] = [`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** When an object was made, in milliseconds; Infinity where nobody says. */
export const bornMs = ({ metadata }: KubeObject<unknown>): number =>
  metadata.creationTimestamp === undefined ? Number.POSITIVE_INFINITY : Date.parse(metadata.creationTimestamp);
