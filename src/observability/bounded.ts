/** Names come from callers too: a record stays small whatever they send. */
const MAX_NAME_LENGTH = 256;
export const bounded = (text: string): string =>
  text.length > MAX_NAME_LENGTH ? text.slice(0, MAX_NAME_LENGTH) : text;

/* A credential may list a thousand groups. */
const MOST_GROUPS = 50;
export const fewOf = (list: readonly string[]): readonly string[] =>
  list.length > MOST_GROUPS ? list.slice(0, MOST_GROUPS) : list;
