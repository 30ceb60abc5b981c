import { createCell } from "./cell.ts";

/** `auto` is what the system says. */
export const themes = ["auto", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const KEY = "sallyport-theme";

/* Storage may be forbidden; the choice then lasts as long as the page. */
function stored(): Theme {
  try {
    return themes.find((theme) => theme === localStorage.getItem(KEY)) ?? "auto";
  } catch {
    return "auto";
  }
}

export const theme = createCell<Theme>(stored());

function apply(): void {
  const chosen = theme.get();
  if (chosen === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}

export function setTheme(chosen: Theme): void {
  theme.set(chosen);
  try {
    localStorage.setItem(KEY, chosen);
  } catch {
    // Forbidden: see above.
  }
}

theme.watch(apply);
apply();
