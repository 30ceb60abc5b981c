import { readFileSync } from "node:fs";
import { parse } from "yaml";

/* The manifests stand in the text as they are: each begins with apiVersion and ends with a blank line. */
const article = readFileSync(new URL("../fixtures/article.md", import.meta.url), "utf8");

/** Every manifest of the article, cut out of its text, by its kind. */
export const articleManifests: ReadonlyMap<string, string> = new Map(
  article
    .split(/\n\n/)
    .filter((part) => part.startsWith("apiVersion:"))
    .map((text) => [(parse(text) as { readonly kind: string }).kind, `${text}\n`]),
);

/** The article's manifest of a kind. */
export function manifestOf(kind: string): string {
  const text = articleManifests.get(kind);
  if (text === undefined) throw new Error(`the article has no ${kind}`);
  return text;
}
