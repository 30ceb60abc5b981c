import { type ComponentChildren, h } from "preact";
import type { ApiError } from "../api.ts";
import type { Resource } from "../resource.ts";
import { loadSession } from "../session.ts";
import { Icon, type IconName } from "./icon.ts";
import { inWords } from "./in-words.ts";

interface EmptyProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly action?: ComponentChildren;
}

/** Where there is nothing to show: why, and what to do next. */
export function Empty({ icon, title, children, action }: EmptyProps): ComponentChildren {
  return h(
    "div",
    { class: "empty" },
    h(Icon, { name: icon, size: 32 }),
    h("h2", null, title),
    children !== undefined && h("p", null, typeof children === "string" ? inWords(children) : children),
    action !== undefined && h("div", { class: "row" }, action),
  );
}

const says: Readonly<
  Record<ApiError["kind"], { readonly icon: IconName; readonly title: string; readonly next: string }>
> = {
  "signed-out": { icon: "out", title: "Your session has ended", next: "Sign in again to go on where you were." },
  forbidden: {
    icon: "stop",
    title: "Your role does not show this",
    next: "Ask whoever runs this gateway for a role that does.",
  },
  unreachable: {
    icon: "warn",
    title: "The gateway does not answer",
    next: "It may be restarting. This page asks again by itself.",
  },
  "not-found": {
    icon: "search",
    title: "There is nothing here",
    next: "It may have outlived the journal's retention.",
  },
  refused: { icon: "warn", title: "The gateway refused the question", next: "" },
  broken: {
    icon: "warn",
    title: "The gateway failed on this",
    next: "Its log says why. Try again, or look at another page.",
  },
};

/** What went wrong, in the reader's words, and what to do about it. */
export function Failed({ error, retry }: { readonly error: ApiError; readonly retry?: () => void }): ComponentChildren {
  const { icon, title, next } = says[error.kind];
  const action =
    error.kind === "signed-out"
      ? h("button", { class: "button main", type: "button", onClick: () => void loadSession() }, "Sign in again")
      : retry !== undefined &&
        error.kind !== "forbidden" &&
        h("button", { class: "button", type: "button", onClick: retry }, "Try again");
  return h(
    "div",
    { role: "alert" },
    h(Empty, { icon, title, action }, error.message, next !== "" && [h("br", null), next]),
  );
}

interface LoadedProps<T> {
  readonly from: Resource<T>;
  readonly low?: boolean;
  readonly children: (data: T) => ComponentChildren;
}

/* What was known before them is still worth looking at. */
const passing: ReadonlySet<ApiError["kind"]> = new Set(["unreachable", "broken", "signed-out"]);

/** What is known, or why nothing is. Known data stays on the page when asking again fails; the shell says so. */
export function Loaded<T>({ from, low = false, children }: LoadedProps<T>): ComponentChildren {
  const { data, error, reload } = from;
  if (data !== undefined && (error === undefined || passing.has(error.kind))) return h("div", null, children(data));
  if (error !== undefined) return h(Failed, { error, retry: reload });
  return h(
    "div",
    { class: low ? "skeleton low" : "skeleton", role: "status" },
    h("span", { class: "unseen" }, "Loading"),
  );
}
