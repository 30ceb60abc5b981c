const SHORTEST = 5;
const ENDINGS = ["s", "n", "ese"] as const;

const isMadeOf = (made: string, name: string): boolean =>
  name.length >= SHORTEST && ENDINGS.some((ending) => made === name + ending);

/** Whether one of two words, in lower case, is a name and the other what is made of it: `Africa` African, `Japan` Japanese. */
export const isOfName = (one: string, other: string): boolean => isMadeOf(one, other) || isMadeOf(other, one);
