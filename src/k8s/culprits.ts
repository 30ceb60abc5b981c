/* Tries for the objects of one namespace; beyond them what is not told apart is out together. */
const TRIES = 64;

/**
 * The items without which the others are sound, found by halving; in their order, so that what comes first stays. Told apart as far as
 * `tries` reach.
 */
export function findCulprits<T>(
  items: readonly T[],
  isSound: (taken: readonly T[]) => boolean,
  tries = Number.POSITIVE_INFINITY,
): readonly T[] {
  const kept: T[] = [];
  const culprits: T[] = [];
  let left = tries;
  const look = (part: readonly T[]): void => {
    if (part.length === 0) return;
    left -= 1;
    if (isSound([...kept, ...part])) kept.push(...part);
    else if (part.length === 1 || left <= 0) culprits.push(...part);
    else {
      const half = Math.ceil(part.length / 2);
      look(part.slice(0, half));
      look(part.slice(half));
    }
  };
  look(items);
  return culprits;
}

/** The same of groups, then of what is in those at fault: no group suffers for another. */
export function findCulpritsIn<T>(
  groups: readonly (readonly T[])[],
  isSound: (taken: readonly T[]) => boolean,
): readonly T[] {
  const bad = new Set(findCulprits(groups, (taken) => isSound(taken.flat())));
  let kept = groups.filter((group) => !bad.has(group)).flat();
  return [...bad].flatMap((group) => {
    const culprits = new Set(findCulprits(group, (taken) => isSound([...kept, ...taken]), TRIES));
    kept = [...kept, ...group.filter((item) => !culprits.has(item))];
    return [...culprits];
  });
}
