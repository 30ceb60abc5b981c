const other = (letter: string) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase());

/* What means another thing, or nothing, in RE2, JavaScript or PCRE: classes by name, code points, references back. */
const SPECIAL = /^\\[pPxukcoQEN\d]/;

/**
 * The same expression without regard to case, in every dialect: `/v1` is `/[vV]1`. RE2 has (?i), JavaScript has (?i:…), and what proves an
 * expression harmless reads neither. Undefined for what not every dialect has: look-around, groups with names or flags, references.
 */
export function ignoreCase(pattern: string): string | undefined {
  const tokens = pattern.match(/\\[^]|\[\^?\]?(?:\\[^]|[^\]\\])*\]|\(\?:|[^]/g) ?? [];
  const parts = tokens.map((token, index) => {
    if (SPECIAL.test(token) || (token === "(" && tokens[index + 1] === "?")) return undefined;
    if (/^[a-zA-Z]$/.test(token)) return `[${token}${other(token)}]`;
    return token.startsWith("[") && token.length > 1 ? ignoreCaseInClass(token) : token;
  });
  return parts.includes(undefined) ? undefined : parts.join("");
}

function ignoreCaseInClass(set: string): string | undefined {
  const items = set.slice(1, -1).match(/\\[^]|[a-zA-Z0-9]-[a-zA-Z0-9]|[^]/g) ?? [];
  const parts = items.map((item) => {
    if (/^[a-z]-[a-z]$|^[A-Z]-[A-Z]$/.test(item)) return `${item}${other(item[0] ?? "")}-${other(item[2] ?? "")}`;
    if (/^[a-zA-Z]$/.test(item)) return `${item}${other(item)}`;
    /* A range over both cases, or a class within the class. */
    const unclear = (/^[^\\]-[^]$/.test(item) && !/^\d-\d$/.test(item)) || item === "[";
    return unclear || SPECIAL.test(item) ? undefined : item;
  });
  return parts.includes(undefined) ? undefined : `[${parts.join("")}]`;
}
