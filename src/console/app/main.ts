import { type ComponentChildren, type ComponentType, h, render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, connection } from "./api.ts";
import { useCell } from "./cell.ts";
import { Overview } from "./pages/overview.ts";
import { Empty, Failed } from "./parts/states.ts";
import { pageTitles, Shell } from "./parts/shell.ts";
import { ShortcutList } from "./parts/shortcut-list.ts";
import { SignIn } from "./parts/sign-in.ts";
import { followLinks, place } from "./place.ts";
import type { PageName, Place } from "./router.ts";
import { loadSession, who } from "./session.ts";
import { listenForShortcuts } from "./shortcuts.ts";

type Page = ComponentType<{ readonly at: Place }>;

/* Only what is looked at is loaded. */
const loads: Readonly<Record<Exclude<PageName, "overview">, () => Promise<Page>>> = {
  chains: async () => (await import("./pages/chains.ts")).Chains,
  policies: async () => (await import("./pages/policies.ts")).Policies,
  models: async () => (await import("./pages/models.ts")).Models,
  connect: async () => (await import("./pages/connect.ts")).Connect,
};
const loaded: Partial<Record<PageName, Page>> = { overview: Overview };

function usePage(name: PageName | undefined): Page | "loading" | "lost" {
  const [, draw] = useState(0);
  const [lost, setLost] = useState<PageName | undefined>(undefined);
  useEffect(() => {
    if (name === undefined || name === "overview" || loaded[name] !== undefined) return;
    loads[name]().then(
      (page) => {
        loaded[name] = page;
        draw((times) => times + 1);
      },
      () => setLost(name),
    );
  }, [name]);
  if (name === undefined) return "loading";
  return loaded[name] ?? (lost === name ? "lost" : "loading");
}

function CurrentPage(): ComponentChildren {
  const here = useCell(place);
  const page = usePage(here?.page);
  const before = useRef(here?.page);
  useEffect(() => {
    document.title = here === undefined ? "Not found · Sallyport" : `${here.id ?? pageTitles[here.page]} · Sallyport`;
    // A reader who does not see the page is told that it is another: focus goes to its beginning.
    if (before.current !== here?.page) document.getElementById("content")?.focus({ preventScroll: true });
    before.current = here?.page;
  }, [here?.page, here?.id]);
  if (here === undefined)
    return h(Empty, {
      icon: "search",
      title: "There is no such page",
      action: h("a", { class: "button", href: "/" }, "Go to the overview"),
    });
  if (page === "lost")
    return h(Failed, {
      error: new ApiError("unreachable", "This page could not be loaded."),
      retry: () => location.reload(),
    });
  if (page === "loading")
    return h("div", { class: "skeleton", role: "status" }, h("span", { class: "unseen" }, "Loading"));
  return h(page, { at: here, key: here.page });
}

function App(): ComponentChildren {
  const session = useCell(who);
  useEffect(() => {
    void loadSession();
    return listenForShortcuts();
  }, []);
  /* The gateway may be starting. */
  useEffect(() => {
    if (!(session instanceof ApiError)) return;
    const timer = setTimeout(() => void loadSession(), 3_000);
    return () => clearTimeout(timer);
  }, [session]);
  if (session === undefined) return null;
  if (session instanceof ApiError)
    return h("main", { class: "center" }, h(Failed, { error: session, retry: () => void loadSession() }));
  if (!session.signedIn) return h(SignIn, session);
  return h(Shell, null, h(CurrentPage, null), h(ShortcutList, null));
}

connection.set("fine");
followLinks(document.body);
const root = document.getElementById("app");
if (root !== null) render(h(App, null), root);
