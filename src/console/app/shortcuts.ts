import { createCell } from "./cell.ts";
import { go } from "./place.ts";
import { pages } from "./router.ts";
import { setTheme, theme } from "./theme.ts";

/** Whether the list of shortcuts is open. */
export const shortcutsOpen = createCell(false);

const KEY = "sallyport-keys";
function stored(): boolean {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}

/** Whether single letters are shortcuts: who speaks to their computer must be able to turn them off. */
export const lettersOn = createCell(stored());
lettersOn.watch(() => {
  try {
    localStorage.setItem(KEY, lettersOn.get() ? "on" : "off");
  } catch {
    // Storage is forbidden: the choice lasts as long as the page.
  }
});

/** What is listed under `?`. */
export const shortcuts: readonly (readonly [keys: readonly string[], does: string])[] = [
  [["1", "2", "3", "4", "5"], "Overview, Chains, Policies, Models, Connect"],
  [["/"], "Search, where a page has one"],
  [["↑", "↓"], "Next and previous row; j and k do the same"],
  [["PgUp", "PgDn", "Home", "End"], "Farther through a list"],
  [["←", "→"], "Close and open a branch of a chain; a moment of a chart"],
  [["Enter"], "Open the row"],
  [["Esc"], "Close the detail"],
  [["t"], "Light or dark"],
  [["?"], "This list"],
];

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Listens for the shortcuts of every page until the returned function is called. */
export function listenForShortcuts(): () => void {
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]") !== null || !lettersOn.get()) return;
    const page = pages[Number(event.key) - 1];
    if (page !== undefined) go({ page });
    else if (event.key === "/") document.querySelector<HTMLElement>("[data-search]")?.focus();
    else if (event.key === "?") shortcutsOpen.set(true);
    else if (event.key === "t") setTheme(isDark() ? "light" : "dark");
    else return;
    event.preventDefault();
  };
  document.addEventListener("keydown", onKeyDown);
  return () => document.removeEventListener("keydown", onKeyDown);
}

const isDark = (): boolean =>
  theme.get() === "dark" || (theme.get() === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
