import type { Manifest } from "./manifest.ts";
import { type ManifestProblem, parseManifests, type ReadManifests } from "./read-manifests.ts";

type Parsed = Pick<ReadManifests, "manifests" | "problems">;

/** One document of a file as it was parsed, and the line above it: that changes with what is written before it. */
interface KnownDocument extends Parsed {
  readonly place: { above: number };
}

/** Parses files again and again: a document that stands in its file as it did gives the same manifests, wherever in it that is. */
export interface ChangedParser {
  parse(text: string, file: string): Parsed;
  /** Forgets what no file has had since the last call. */
  sweep(): void;
}

export function createChangedParser(): ChangedParser {
  let known = new Map<string, KnownDocument>();
  let next = new Map<string, KnownDocument>();
  return {
    parse(text, file) {
      const manifests: Manifest[] = [];
      const problems: ManifestProblem[] = [];
      for (const { part, above } of documentsOf(text)) {
        let key = `${file}\n${part}`;
        /* The same text twice in one file is two objects, of which one is too many. */
        while (next.has(key)) key += "\n#";
        const document = known.get(key) ?? parseDocument(part, file);
        next.set(key, document);
        document.place.above = above;
        manifests.push(...document.manifests);
        problems.push(
          ...document.problems.map((problem) =>
            problem.line === undefined ? problem : { ...problem, line: problem.line + above },
          ),
        );
      }
      return { manifests, problems };
    },
    sweep() {
      known = next;
      next = new Map();
    },
  };
}

/*
 * A line that begins with three dashes begins a document, whatever stands before it (YAML 1.2.2, rule 206: c-forbidden). Where there are
 * directives, which are of the document that follows them, the whole file is one part.
 */
function* documentsOf(text: string): Generator<{ readonly part: string; readonly above: number }> {
  let above = 0;
  const parts = /^%/m.test(text) ? [text] : text.split(/^(?=---(?:[ \t\r\n]|$))/m);
  for (const part of parts) {
    yield { part, above };
    for (let at = part.indexOf("\n"); at >= 0; at = part.indexOf("\n", at + 1)) above += 1;
  }
}

function parseDocument(part: string, file: string): KnownDocument {
  const place = { above: 0 };
  const { manifests, problems } = parseManifests(part, file);
  return {
    place,
    problems,
    manifests: manifests.map(({ source, ...manifest }) => ({
      ...manifest,
      source: {
        file,
        get line() {
          return source.line + place.above;
        },
        locate(path) {
          const { line, column } = source.locate(path);
          return { line: line + place.above, column };
        },
      },
    })),
  };
}
