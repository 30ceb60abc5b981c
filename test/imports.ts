import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** One import of one source file; paths are relative to `src`, packages are as written. */
export interface Import {
  readonly file: string;
  readonly target: string;
  readonly isPackage: boolean;
}

/* Statements and `import(…)` alike; what stands in a comment at the start of a line does not count. */
const IMPORT = /^(?!\s*(?:\/\/|\*|\/\*)).*?(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/gm;

/** Every import in `text`, which stands in `file` (relative to `src`). */
export function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(IMPORT)].map(([, specifier = ""]) => {
    const isPackage = !specifier.startsWith(".");
    return { file, target: isPackage ? specifier : posix.join(posix.dirname(file), specifier), isPackage };
  });
}

/** Every import in `src`, and the files themselves. */
export function readSources(): { file: string; text: string }[] {
  return globSync("**/*.ts", { cwd: `${root}src` })
    .map((path) => path.replaceAll("\\", "/"))
    .toSorted()
    .map((file) => ({ file, text: readFileSync(`${root}src/${file}`, "utf8") }));
}

/** The part of the house a file or package belongs to: its first folder, or the file itself at the top. */
export const folderOf = (file: string) => (file.includes("/") ? file.slice(0, file.indexOf("/")) : file);
