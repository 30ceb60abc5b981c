import { readFileSync } from "node:fs";

/** A file's text, without the byte order mark that some editors and spreadsheets write before it. */
export function readText(file: string): string {
  // Left out by the decoder itself.
  return new TextDecoder().decode(readFileSync(file));
}
