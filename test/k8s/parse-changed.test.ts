import { expect, test } from "vitest";
import { createChangedParser } from "../../src/k8s/parse-changed.ts";
import { parseManifests } from "../../src/k8s/read-manifests.ts";

const object = (name: string, more = "") => `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\n${more}`;
const text = [
  `# the first\n${object("a")}`,
  `---\n${object("b", "spec:\n  note: |\n    --- no document\n    text\n")}`,
  `--- # a remark\n${object("c")}`,
  "---\n",
  `---\r\n${object("d")}`,
].join("");

const shown = ({ manifests, problems }: ReturnType<typeof parseManifests>) => ({
  manifests: manifests.map(({ metadata, spec, source }) => ({
    name: metadata.name,
    spec,
    line: source.line,
    at: source.locate(["metadata", "name"]),
  })),
  problems,
});

test("documents on their own are what the whole file is, and stand where they stand in it", () => {
  const parser = createChangedParser();
  expect(shown(parser.parse(text, "x.yaml"))).toEqual(shown(parseManifests(text, "x.yaml")));
  expect(shown(parser.parse(text, "x.yaml")).manifests.map(({ name }) => name)).toEqual(["a", "b", "c", "d"]);
});

test("a file with directives is read as a whole", () => {
  const directed = `%YAML 1.2\n---\n${object("a")}---\n${object("b")}`;
  expect(shown(createChangedParser().parse(directed, "x.yaml"))).toEqual(shown(parseManifests(directed, "x.yaml")));
});

test("a document that has not changed is the same manifest, at the line where it stands now", () => {
  const parser = createChangedParser();
  const [a, b] = parser.parse(`${object("a")}---\n${object("b")}`, "x.yaml").manifests;
  parser.sweep();
  const [other, same] = parser.parse(`${object("a", "spec: {}\n# more\n")}---\n${object("b")}`, "x.yaml").manifests;
  expect(other).not.toBe(a);
  expect(same).toBe(b);
  expect([same?.source.line, same?.source.locate(["metadata"]).line]).toEqual([7, 9]);
  parser.sweep();
  parser.parse("", "x.yaml");
  parser.sweep();
  expect(parser.parse(`---\n${object("b")}`, "x.yaml").manifests[0]).not.toBe(b);
});

test("a problem has its line in the file", () => {
  const broken = `${object("a")}---\n${object("b")}---\nkind: [\n`;
  const { problems } = createChangedParser().parse(broken, "x.yaml");
  expect(problems.map(({ line }) => line)).toEqual(parseManifests(broken, "x.yaml").problems.map(({ line }) => line));
  expect(problems.length).toBeGreaterThan(0);
});

test("the same document twice is two objects", () => {
  const parser = createChangedParser();
  const twice = `---\n${object("a")}---\n${object("a")}`;
  const lines = () => parser.parse(twice, "x.yaml").manifests.map(({ source }) => source.line);
  expect(lines()).toEqual([2, 6]);
  parser.sweep();
  expect(lines()).toEqual([2, 6]);
});
