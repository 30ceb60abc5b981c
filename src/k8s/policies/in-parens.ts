/** An expression in parentheses; a comment at its end would take the closing one with it. */
export const inParens = (source: string): string => (source.includes("//") ? `(${source}\n)` : `(${source})`);
