import { type ComponentChildren, h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useCell } from "../cell.ts";
import { lettersOn, shortcuts, shortcutsOpen } from "../shortcuts.ts";

/** The list of shortcuts, over the page. */
export function ShortcutList(): ComponentChildren {
  const open = useCell(shortcutsOpen);
  const letters = useCell(lettersOn);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return h(
    "dialog",
    { ref: dialog, "aria-labelledby": "shortcuts", onClose: () => shortcutsOpen.set(false) },
    h("h2", { id: "shortcuts" }, "Keyboard shortcuts"),
    h(
      "dl",
      { class: "pairs" },
      shortcuts.map(([keys, does]) => [
        h(
          "dt",
          { key: does },
          keys.map((key) => [h("kbd", { key }, key), " "]),
        ),
        h("dd", null, does),
      ]),
    ),
    h(
      "label",
      { class: "check" },
      h("input", {
        type: "checkbox",
        checked: letters,
        onChange: (event: Event) => lettersOn.set((event.currentTarget as HTMLInputElement).checked),
      }),
      " Single keys are shortcuts",
    ),
    h(
      "p",
      { class: "dialog-foot" },
      h("button", { class: "button", type: "button", onClick: () => shortcutsOpen.set(false) }, "Close"),
    ),
  );
}
