const SHORTEST = 5;
const ENDINGS = new Set(["s", "n", "ese"]);

const isMadeOf = (made: string, name: string): boolean =>
  name.length >= SHORTEST && made.startsWith(name) && ENDINGS.has(made.slice(name.length));

/** Whether one of two words, in lower case, is a name and the other what is made of it: `Africa` African, `Japan` Japanese. */
export const isOfName = (one: string, other: string): boolean => isMadeOf(one, other) || isMadeOf(other, one);
