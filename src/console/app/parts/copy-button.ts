import { type ComponentChildren, h } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "./icon.ts";

/** Puts a text into the clipboard and says that it did. */
export function CopyButton({
  text,
  what,
  word = false,
}: {
  readonly text: string;
  readonly what: string;
  readonly word?: boolean;
}): ComponentChildren {
  const [state, setState] = useState<"ready" | "done" | "failed">("ready");
  useEffect(() => {
    if (state === "ready") return;
    const timer = setTimeout(() => setState("ready"), 2_000);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setState("done"),
      () => setState("failed"),
    );
  };
  const words = { ready: `Copy${word ? "" : ` ${what}`}`, done: "Copied", failed: "Not allowed: select and copy" };
  return h(
    "button",
    {
      class: word ? "button copy" : "button bare copy-id",
      type: "button",
      onClick: copy,
      ...(state === "ready" && { "aria-label": `Copy ${what}` }),
    },
    h(Icon, { name: state === "done" ? "good" : "copy", size: 14 }),
    word || state !== "ready" ? words[state] : null,
    h("span", { class: "unseen", role: "status" }, state === "ready" ? "" : words[state]),
  );
}
