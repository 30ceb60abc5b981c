/** The pages; the first part of an address names one. */
export const pages = ["overview", "chains", "policies", "models", "connect"] as const;
export type PageName = (typeof pages)[number];

/** Where the reader is: a page, what of it, and the state of its filters. */
export interface Place {
  readonly page: PageName;
  /** The second part of the path: the id of a chain. */
  readonly id: string | undefined;
  readonly query: Readonly<Record<string, string>>;
}

/** Reads an address below `base`; undefined: there is no such page. */
export function parsePlace(pathname: string, search: string, base = "/"): Place | undefined {
  if (!pathname.startsWith(base)) return undefined;
  const [first = "", id, ...more] = pathname
    .slice(base.length)
    .split("/")
    .filter((part) => part !== "");
  const page = first === "" ? "overview" : pages.find((name) => name === first);
  if (page === undefined || more.length > 0 || (id !== undefined && page !== "chains")) return undefined;
  const decoded = id === undefined ? undefined : decodePart(id);
  if (id !== undefined && decoded === undefined) return undefined;
  return { page, id: decoded, query: Object.fromEntries(new URLSearchParams(search)) };
}

function decodePart(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The address of a place. What is empty is left out, and the order is that of the letters: one place has one address. */
export function addressOf({ page, id, query }: Partial<Place> & { readonly page: PageName }, base = "/"): string {
  const path = page === "overview" ? "" : id === undefined ? page : `${page}/${encodeURIComponent(id)}`;
  const kept = Object.entries(query ?? {})
    .filter(([, value]) => value !== "")
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `${base}${path}${kept.length === 0 ? "" : `?${new URLSearchParams(kept)}`}`;
}
