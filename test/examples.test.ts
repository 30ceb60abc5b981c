import { globSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../src/config/load.ts";
import { makeFolder } from "./config/config-folder.ts";
import { makeCertificates } from "./gateway/listeners-scene.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** A variable of any name, so that an example needs no environment. */
const anyVariable = new Proxy<Record<string, string>>(
  {},
  {
    get: (_, name) =>
      String(name).endsWith("_URL")
        ? `http://${String(name).replaceAll("_", "-")}:9`
        : "a-value-of-more-than-24-letters",
  },
);

function problemsOf(file: string): string {
  const read = readConfig(file, { env: anyVariable });
  return read.config === undefined ? read.error.message : "";
}

test.for(globSync("sallyport*.yaml", { cwd: root }))("%s can be loaded", (name) => {
  expect(problemsOf(`${root}${name}`)).toBe("");
});

/** A block that shows one key in several forms shows several configurations. */
function configurationsIn(yaml: string): readonly string[] {
  const parts = yaml.split(/^(?=[A-Za-z]+:)/m).filter((part) => /^[A-Za-z]+:/.test(part));
  const keys = parts.map((part) => part.slice(0, part.indexOf(":")));
  return new Set(keys).size === keys.length ? [yaml] : parts;
}

const shown = globSync(["README.md", "docs/*.md"], { cwd: root }).flatMap((page) =>
  [...readFileSync(`${root}${page}`, "utf8").matchAll(/```yaml\n([^]*?)```/g)]
    .map(([, yaml = ""], index): [string, string] => [`${page}, block ${index + 1}`, yaml])
    .filter(([, yaml]) => !/^\s*(?:rules|tests|apiVersion):/m.test(yaml)),
);

const certificates = makeCertificates();
beforeAll(() => certificates.make("tls", "example.com"));
afterAll(() => certificates.remove());

/** A file is any secret, unless its name says that it is half of a certificate. */
function toValue(_: string, name: string): string {
  const [, part] = /\.(crt|key)$/.exec(name) ?? [];
  return part === undefined
    ? "a-value-of-more-than-24-letters"
    : `\${file:${certificates.file("tls", part as "crt" | "key")}}`;
}

test("the documentation shows configurations", () => {
  expect(shown.length).toBeGreaterThan(3);
});

test.for(shown)("the configuration shown in %s can be loaded", ([, yaml]) => {
  for (const one of configurationsIn(yaml)) {
    const folder = makeFolder();
    const text = /^policies:/m.test(one) ? one : `policies: open\n${one}`;
    writeFileSync(folder.at("s.yaml"), text.replaceAll(/\$\{file:([^}]*)\}/g, toValue));
    expect(problemsOf(folder.at("s.yaml"))).toBe("");
  }
});
