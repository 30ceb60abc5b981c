import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { formatManifestProblem, parseManifests, readManifests } from "../../src/k8s/read-manifests.ts";
import { makeFolder } from "../config/config-folder.ts";

const service = (name: string) => `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\n`;
const namesOf = (text: string) => parseManifests(text, "f.yaml").manifests.map(({ metadata }) => metadata.name);
const problemsOf = (text: string) => parseManifests(text, "f.yaml").problems.map(formatManifestProblem);

describe("reading manifests", () => {
  test("documents, lists and JSON give objects with the place they stand at", () => {
    const { manifests, problems } = parseManifests(
      `${service("one")}---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Service\n    metadata:\n      name: two\n      annotations: {a: b}\n`,
      "f.yaml",
    );
    expect(problems).toEqual([]);
    expect(manifests.map(({ metadata, source }) => [metadata.name, source.line])).toEqual([
      ["one", 1],
      ["two", 10],
    ]);
    expect(manifests[1]?.source.locate(["metadata", "annotations", "a"])).toEqual({ line: 14, column: 21 });
    expect(namesOf('{"apiVersion":"v1","kind":"Service","metadata":{"name":"j"}}')).toEqual(["j"]);
    expect(namesOf('{"apiVersion":"v1","kind":"ServiceList","items":[{"metadata":{"name":"j"}}]}')).toEqual(["j"]);
  });

  test("what is no object is a problem with its place, and the objects beside it are read", () => {
    const text = `${service("one")}---\nkind: Service\n---\napiVersion: v1\nkind: Service\nmetadata: {}\n---\na: [1\n`;
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^f\.yaml:5:1 .*apiVersion and kind/),
      expect.stringMatching(/^f\.yaml:9:1 {2}metadata\.name {2}expected a name/),
      expect.stringMatching(/^f\.yaml:1\d:\d/),
    ]);
    expect(namesOf(text)).toEqual(["one"]);
  });

  test("who is passed over needs no name; one of ours with generateName alone is told what is missing", () => {
    expect(
      problemsOf(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: load-}\n---\napiVersion: a.b/v1\nkind: C\n",
      ),
    ).toEqual([]);
    expect(
      problemsOf("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {generateName: shop-}\n"),
    ).toEqual([
      "f.yaml:3:1  metadata.name  expected a name, as a text; HTTPRoute shop-… has generateName, which is for an API server",
    ]);
  });

  test("a kustomization is read as one, whether it says so or its file's name does", () => {
    const kinds = (text: string, file: string) => parseManifests(text, file).manifests.map(({ kind }) => kind);
    const bare = "resources: [shop.yaml]\n";
    expect(kinds(bare, "k8s/kustomization.yaml")).toEqual(["Kustomization"]);
    expect(kinds(bare, "k8s/shop.yaml")).toEqual([]);
    expect(kinds(`apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n${bare}`, "k.yaml")).toEqual([
      "Kustomization",
    ]);
  });

  test("an annotation that is no text is named and read as if it were", () => {
    const text = "apiVersion: v1\nkind: Service\nmetadata: {name: a, annotations: {on: true, n: 5}}\n";
    expect(parseManifests(text, "f").manifests[0]?.metadata.annotations).toEqual({ on: "true", n: "5" });
    expect(problemsOf(text)).toHaveLength(2);
  });

  test("merge keys count, as in Kubernetes", () => {
    const text = "apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: &l {x: y}, annotations: {<<: *l, z: q}}\n";
    expect(parseManifests(text, "f").manifests[0]?.metadata.annotations).toEqual({ x: "y", z: "q" });
  });

  test.for([
    [
      "an alias bomb",
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n`,
    ],
    ["nesting without end", "[".repeat(100_000)],
    ["two equal keys", "kind: a\nkind: b\n"],
    ["a list", "- 1\n"],
    ["a template", "{{- if .Values.x }}\nkind: {{ .Values.kind }}\n"],
    ["bytes that are no text", "\u0000\u0001"],
  ])("%s is a problem, not an exception", ([, text = ""]) => {
    const { manifests, problems } = parseManifests(text, "f");
    expect(manifests).toEqual([]);
    expect(problems.length).toBeGreaterThan(0);
  });

  test("a folder is read with those below it, in the order of names; hidden names and other files are passed over", () => {
    const folder = makeFolder({ "b.YAML": service("b"), "a.Yml": service("a"), "note.md": "x", ".hidden.yaml": "{" });
    mkdirSync(folder.at("c"));
    writeFileSync(folder.at("c/d.json"), '{"apiVersion":"v1","kind":"Service","metadata":{"name":"d"}}');
    symlinkSync(folder.path, folder.at("c/loop"));
    const { manifests, problems, files, passedOver } = readManifests(folder.path);
    expect(manifests.map(({ metadata }) => metadata.name)).toEqual(["a", "b", "d"]);
    expect(problems).toEqual([]);
    expect(passedOver).toEqual([folder.at("note.md")]);
    expect([...files.keys()]).toEqual([
      folder.path,
      folder.at("a.Yml"),
      folder.at("b.YAML"),
      folder.at("c"),
      folder.at("c/d.json"),
    ]);
  });

  test("files and objects beyond the limits are named", () => {
    const folder = makeFolder({
      "a.yaml": service("a"),
      "b.yaml": `${service("b")}---\n${service("c")}`,
      "c.yaml": service("d"),
    });
    const limited = (limits: object) =>
      readManifests(folder.path, { fileBytes: 1000, files: 9, objects: 9, ...limits });
    expect(limited({ fileBytes: 60 }).problems.map(formatManifestProblem)).toEqual([
      expect.stringMatching(/b\.yaml {2}the file has \d+ bytes/),
    ]);
    expect(limited({ files: 2 }).manifests).toHaveLength(3);
    expect(limited({ files: 2 }).problems).toHaveLength(1);
    expect(limited({ objects: 2 }).manifests.map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
    expect(limited({ objects: 2 }).problems.length).toBeGreaterThan(0);
    expect(readManifests(folder.at("none")).problems).toHaveLength(1);
  });
});
