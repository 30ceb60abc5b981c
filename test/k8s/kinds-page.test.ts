import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { kinds } from "../../src/k8s/kinds/registry.ts";
import { createFolderSource } from "../../src/k8s/folder-source.ts";
import { manifestFolder } from "./manifests-scene.ts";

const page = readFileSync(new URL("../../docs/kinds.md", import.meta.url), "utf8");
const sections = page.split(/^## /m).slice(1);
const titleOf = (section: string) => section.slice(0, section.indexOf("\n"));
const exampleOf = (section: string) => /```yaml\n([^]*?)```/.exec(section)?.[1] ?? "";

describe("docs/kinds.md", () => {
  const named = kinds.filter(({ group }) => !/^(?:|discovery\.k8s\.io|gateway\.networking\.k8s\.io)$/.test(group));
  test("has a section for every kind that is not of the Gateway API or of Kubernetes itself", () => {
    expect(sections.map((section) => titleOf(section)).toSorted()).toEqual(
      [...new Set(named.map(({ kind }) => kind))].toSorted(),
    );
  });

  test.each(sections.map((section) => [titleOf(section), exampleOf(section)]))(
    "the example of %s can be honoured beside the other ones of its page",
    (kind, example) => {
      expect(example).toContain(`kind: ${kind}\n`);
      const beside = kind === "TrafficPolicy" || kind === "TokenRateLimitPolicy" ? exampleOf(sections[0] ?? "") : "";
      const { dir, file } = manifestFolder(`${example}---\n${beside}`);
      const { read, translation } = createFolderSource({ path: dir, file, backends: new Map() }).build();
      expect(translation.problems).toEqual([]);
      expect(read.config).toBeDefined();
      /* Warnings are of what is outside of the page alone. */
      for (const { message } of translation.warnings) expect(message).toMatch(/Gateway main|--backend|Service orders/);
    },
  );
});
