import {
  Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from "yaml";
import type { ConfigPath, ConfigProblem } from "../core/config-problem.ts";

/** A problem, and where in the file it is. Lines and columns count from 1; undefined where the file has no place for it. */
export interface LocatedProblem extends ConfigProblem {
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** Where it is not the file that is read. */
  readonly file?: string;
  /** The value as it may be shown. */
  readonly shown?: string;
}

/** One parsed YAML text: its nodes, and their places. */
export interface YamlSource {
  readonly document: Document;
  readonly problems: readonly LocatedProblem[];
  /** True when the text is not YAML, so that looking further would find only consequences. */
  readonly broken: boolean;
  /** The document as plain values, as its nodes stand now. */
  value(): unknown;
  nodeAt(path: ConfigPath): Node | undefined;
  /** The place of the value at `path`, or of the nearest thing around it that exists. */
  locate(path: ConfigPath): { line: number; column: number };
}

/* Two keys that become the same key of an object are one key twice, also when one is a number: `1` and `"1"`. */
const sameKey = (a: unknown, b: unknown) => isScalar(a) && isScalar(b) && String(a.value) === String(b.value);

function pathOfKeyAt(document: Document, offset: number): ConfigPath {
  let found: ConfigPath = [];
  visit(document, (_key, node, ancestors) => {
    if (!isPair(node) || !isScalar(node.key) || node.key.range?.[0] !== offset) return undefined;
    found = pathThrough([...ancestors, node]);
    return visit.BREAK;
  });
  return found;
}

/** The path that leads through these nodes, outermost first. */
export function pathThrough(nodes: readonly unknown[]): ConfigPath {
  const path: (string | number)[] = [];
  for (const [index, node] of nodes.entries()) {
    if (isPair(node)) path.push(isScalar(node.key) ? String(node.key.value) : "?");
    else if (isSeq(node) && index + 1 < nodes.length) path.push(node.items.indexOf(nodes[index + 1]));
  }
  return path;
}

function step(document: Document, node: Node | undefined, part: string | number): { key?: Node; value?: Node } {
  const target = isAlias(node) ? node.resolve(document) : node;
  if (isSeq(target)) return { value: target.items[Number(part)] as Node };
  if (!isMap(target)) return {};
  const pair = target.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
  return pair === undefined ? {} : { key: pair.key as Node, value: pair.value as Node };
}

const isDuplicate = (error: { code: string }) => error.code === "DUPLICATE_KEY";

const ALIAS_LIMIT = 100;
const SYNTAX_ERRORS_SHOWN = 5;

/* Keys that no object can hold as they are written. */
function badKeys(document: Document): { path: ConfigPath; offset: number; message: string }[] {
  const found: { path: ConfigPath; offset: number; message: string }[] = [];
  visit(document, (_key, node, ancestors) => {
    if (!isPair(node)) return;
    const bad = !isScalar(node.key) || node.key.value === null || node.key.value === "__proto__";
    if (!bad) return;
    const offset = (node.key as Node | null)?.range?.[0] ?? 0;
    found.push({ path: pathThrough(ancestors), offset, message: "a key in here is not a name" });
  });
  return found;
}

function parseDocuments(text: string, lineCounter: LineCounter, merge: boolean): readonly Document[] {
  const parsed = parseAllDocuments(text, {
    lineCounter,
    merge,
    prettyErrors: false,
    uniqueKeys: sameKey,
    logLevel: "error",
  });
  return Array.isArray(parsed) ? parsed : [];
}

/** Parses one YAML 1.2 document that is a map. Syntax errors, duplicate keys and unknown tags are problems, not exceptions. */
export function parseYaml(text: string): YamlSource {
  const lines = new LineCounter();
  const [document = new Document(null), second] = parseDocuments(text, lines, false);
  return toSource(document, lines, (report) => {
    if (second !== undefined)
      report([], second.range?.[0] ?? 0, "a second YAML document begins here: one file holds one document");
    else if (!isMap(document.contents))
      report([], 0, "expected a map of settings, such as `publicUrl: http://localhost:4000`");
  });
}

/** Parses every document of a text, as parseYaml does each; merge keys (`<<`) count, as in Kubernetes, and documents without content are left out. */
export function parseYamlStream(text: string): readonly YamlSource[] {
  const lines = new LineCounter();
  return parseDocuments(text, lines, true)
    .filter(
      ({ contents, errors }) =>
        errors.length > 0 || !(contents === null || (isScalar(contents) && contents.value === null)),
    )
    .map((document) => toSource(document, lines, () => undefined));
}

type Report = (path: ConfigPath, offset: number, message: string) => void;

/* `shape` says what is wrong with the whole of it; it is asked before aliases are followed. */
function toSource(document: Document, lines: LineCounter, shape: (report: Report) => void): YamlSource {
  const problems: LocatedProblem[] = [];
  const report: Report = (path, offset, message) => {
    const { line, col: column } = lines.linePos(offset);
    problems.push({ path, line, column, message });
  };
  const syntax = [...document.errors, ...document.warnings].filter((error) => !isDuplicate(error));
  const tooDeep = syntax.find(({ message }) => /call stack|stack overflow/i.test(message));
  /* The first errors are what is wrong, the rest is what follows from it. */
  const first = syntax.slice(0, SYNTAX_ERRORS_SHOWN);
  if (tooDeep !== undefined) report([], tooDeep.pos[0], "values are nested too deeply");
  else for (const { message, pos } of first) report([], pos[0], message);
  for (const { path, offset, message } of badKeys(document)) report(path, offset, message);
  if (problems.length === 0) shape(report);
  try {
    if (problems.length === 0) document.toJS({ maxAliasCount: ALIAS_LIMIT });
  } catch (error) {
    report([], 0, `the aliases (*name) cannot be followed: ${(error as Error).message}`);
  }
  const broken = problems.length > 0;
  for (const { pos } of document.errors.filter(isDuplicate))
    report(pathOfKeyAt(document, pos[0]), pos[0], "this key stands here twice: keep one");
  return {
    document,
    problems,
    broken,
    value: () => document.toJS({ maxAliasCount: ALIAS_LIMIT }) as unknown,
    nodeAt(path) {
      let node: Node | undefined = document.contents ?? undefined;
      for (const part of path) node = step(document, node, part).value;
      return isAlias(node) ? node.resolve(document) : (node ?? undefined);
    },
    locate(path) {
      let node: Node | undefined = document.contents ?? undefined;
      let offset = node?.range?.[0] ?? 0;
      for (const part of path) {
        const { key, value } = step(document, node, part);
        if (key === undefined && value === undefined) break;
        offset = (key ?? value)?.range?.[0] ?? offset;
        node = value;
      }
      const { line, col: column } = lines.linePos(offset);
      return { line, column };
    },
  };
}
