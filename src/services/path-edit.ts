import type { PathEdit } from "./filter-config.ts";

/** The path after an edit; `prefix` is the one that matched. */
export function editPath(path: string, edit: PathEdit | undefined, prefix: string | undefined): string {
  if (edit === undefined) return path;
  return "full" in edit ? edit.full : replacePrefix(path, prefix ?? "/", edit.prefix);
}

/** By elements of the path: what follows the prefix is kept, and is joined by exactly one slash (Gateway API, HTTPPathModifier). */
export function replacePrefix(path: string, prefix: string, replacement: string): string {
  const rest = path.slice(prefix.replace(/\/$/, "").length);
  const edited = replacement.replace(/\/$/, "") + rest;
  return edited === "" ? "/" : edited;
}
