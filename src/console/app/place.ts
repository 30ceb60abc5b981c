import { createCell } from "./cell.ts";
import { addressOf, type PageName, parsePlace, type Place } from "./router.ts";

const read = (): Place | undefined => parsePlace(location.pathname, location.search);

/** Where the reader is; undefined: an address that leads nowhere. */
export const place = createCell(read());

addEventListener("popstate", () => place.set(read()));

interface GoOptions {
  /** Changes the address in place: for filters, which are no steps of a way back. */
  readonly replace?: boolean;
}

/** Leads to another place of the console without loading it anew. */
export function go(to: Partial<Place> & { readonly page: PageName }, { replace = false }: GoOptions = {}): void {
  const address = addressOf(to);
  if (replace) history.replaceState(null, "", address);
  else if (address !== location.pathname + location.search) history.pushState(null, "", address);
  place.set(read());
  if (!replace) scrollTo(0, 0);
}

/** Changes some of the filters in the address; an empty one is taken out. */
export function setQuery(changes: Readonly<Record<string, string>>, options: GoOptions = { replace: true }): void {
  const here = place.get();
  if (here !== undefined) go({ ...here, query: { ...here.query, ...changes } }, options);
}

/** Takes clicks on the console's own links; those with a modifier key stay the browser's. */
export function followLinks(root: HTMLElement): void {
  root.addEventListener("click", (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || link.target !== "" || link.origin !== location.origin) return;
    const to = parsePlace(link.pathname, link.search);
    if (to === undefined || link.hash !== "") return;
    event.preventDefault();
    go(to);
  });
}
