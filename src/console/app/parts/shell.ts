import { type ComponentChildren, h } from "preact";
import { useEffect } from "preact/hooks";
import { connection } from "../api.ts";
import { useCell } from "../cell.ts";
import { stayLive } from "../live-events.ts";
import { liveRefusal, liveState } from "../live.ts";
import { place } from "../place.ts";
import { addressOf, type PageName, pages } from "../router.ts";
import { loadSession, signOut, who } from "../session.ts";
import { shortcutsOpen } from "../shortcuts.ts";
import { setTheme, theme, themes } from "../theme.ts";
import { Icon } from "./icon.ts";

export const pageTitles: Readonly<Record<PageName, string>> = {
  overview: "Overview",
  chains: "Chains",
  policies: "Policies",
  models: "Models",
  connect: "Connect",
};

/** What stands round every page. */
export function Shell({ children }: { readonly children?: ComponentChildren }): ComponentChildren {
  useEffect(stayLive, []);
  return h(
    "div",
    { class: "shell" },
    h("a", { class: "skip", href: "#content" }, "Skip to the content"),
    h(
      "header",
      { class: "side" },
      h("a", { class: "brand", href: "/" }, h(Icon, { name: "gate", size: 22 }), "Sallyport"),
      h(Navigation, null),
      h(Foot, null),
    ),
    h("main", { class: "content", id: "content", tabIndex: -1 }, h(ConnectionBanner, null), children),
  );
}

function Navigation(): ComponentChildren {
  const here = useCell(place);
  return h(
    "nav",
    { class: "nav", "aria-label": "Pages" },
    h(
      "ul",
      null,
      pages.map((page) =>
        h(
          "li",
          { key: page },
          h(
            "a",
            {
              href: addressOf({ page }),
              ...(here?.page === page && { "aria-current": here.id === undefined ? "page" : "true" }),
            },
            h(Icon, { name: page }),
            pageTitles[page],
          ),
        ),
      ),
    ),
  );
}

const liveWords = { live: "Live", connecting: "Connecting", paused: "Paused", refused: "Not live" } as const;
const themeWords = { auto: "Theme of the system", light: "Light theme", dark: "Dark theme" } as const;
const themeIcons = { auto: "auto", light: "sun", dark: "moon" } as const;

function Foot(): ComponentChildren {
  const session = useCell(who);
  const live = useCell(liveState);
  const refusal = useCell(liveRefusal);
  const chosen = useCell(theme);
  const nextTheme = themes[(themes.indexOf(chosen) + 1) % themes.length] ?? "auto";
  return h(
    "div",
    { class: "side-foot" },
    h(
      "span",
      { class: live === "live" ? "live" : "live waiting", role: "status" },
      h("i", { "aria-hidden": "true" }),
      h("span", null, liveWords[live], live === "refused" && h("small", null, refusal)),
    ),
    session !== undefined &&
      "role" in session &&
      h(
        "span",
        { class: "who" },
        session.name !== session.role && [session.name, h("br", { key: "br" })],
        session.role,
      ),
    h(
      "span",
      { class: "row" },
      h(
        "button",
        {
          class: "button bare",
          type: "button",
          "aria-label": `${themeWords[chosen]}. Change to: ${themeWords[nextTheme]}`,
          title: themeWords[chosen],
          onClick: () => setTheme(nextTheme),
        },
        h(Icon, { name: themeIcons[chosen] }),
      ),
      h(
        "button",
        {
          class: "button bare keys",
          type: "button",
          "aria-label": "Keyboard shortcuts",
          title: "Keyboard shortcuts",
          onClick: () => shortcutsOpen.set(true),
        },
        h("kbd", { "aria-hidden": "true" }, "?"),
      ),
      h(
        "button",
        {
          class: "button bare",
          type: "button",
          "aria-label": "Sign out",
          title: "Sign out",
          onClick: () => void signOut(),
        },
        h(Icon, { name: "out" }),
      ),
    ),
  );
}

/** What was known stays on the page; this says that it may be old. */
function ConnectionBanner(): ComponentChildren {
  const state = useCell(connection);
  if (state === "fine") return null;
  const ended = state === "signed-out";
  return h(
    "div",
    { class: "banner", role: "alert" },
    h(Icon, { name: "warn" }),
    h(
      "span",
      { class: "grow" },
      ended
        ? "Your session has ended. What you see may be old."
        : "The gateway does not answer. What you see may be old; this page asks again by itself.",
    ),
    h(
      "button",
      { class: "button", type: "button", onClick: () => void loadSession() },
      ended ? "Sign in again" : "Try now",
    ),
  );
}
