import { type ComponentChildren, h } from "preact";

/** What stands between backticks is a word of the configuration or of a program. */
export const withCode = (text: string): ComponentChildren =>
  text.split("`").map((part, at) => (at % 2 === 1 ? h("code", { key: at }, part) : part));
