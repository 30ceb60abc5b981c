import { globSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readConfig } from "../src/config/load.ts";
import { makeFolder } from "./config/config-folder.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** A variable of any name, so that an example needs no environment. */
const anyVariable = new Proxy<Record<string, string>>(
  {},
  { get: (_, name) => (String(name).endsWith("_URL") ? "http://127.0.0.1:9" : "a-value-of-more-than-24-letters") },
);

function problemsOf(file: string): string {
  const read = readConfig(file, { env: anyVariable });
  return read.config === undefined ? read.error.message : "";
}

test.for(globSync("sallyport*.yaml", { cwd: root }))("%s can be loaded", (name) => {
  expect(problemsOf(`${root}${name}`)).toBe("");
});

/** The YAML of a page that shows configuration: blocks whose first key is one of the file's own. */
const shown = globSync(["README.md", "docs/*.md"], { cwd: root }).flatMap((page) =>
  [...readFileSync(`${root}${page}`, "utf8").matchAll(/```yaml\n([^]*?)```/g)]
    .map(([, yaml = ""], index): [string, string] => [`${page}, block ${index + 1}`, yaml])
    .filter(([, yaml]) => !/^\s*(?:rules|tests):/m.test(yaml)),
);

test.for(shown)("the configuration shown in %s can be loaded", ([, yaml]) => {
  const folder = makeFolder();
  const text = /^policies:/m.test(yaml) ? yaml : `policies: open\n${yaml}`;
  writeFileSync(folder.at("s.yaml"), text.replaceAll(/\$\{file:[^}]*\}/g, "a-value-of-more-than-24-letters"));
  expect(problemsOf(folder.at("s.yaml"))).toBe("");
});
