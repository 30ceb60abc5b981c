import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

const read = (path: string) => readFileSync(`${root}${path}`, "utf8");
const manifest = JSON.parse(read("package.json")) as Manifest;
const { packages } = JSON.parse(read("package-lock.json")) as { packages: Readonly<Record<string, Locked>> };
const locked = Object.entries(packages).filter(([path, entry]) => path !== "" && entry.link !== true);

/** Tracked text files and their content. */
function trackedFiles(): [path: string, text: string][] {
  const paths = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
    .split("\0")
    .filter((path) => path !== "");
  return paths.map((path): [string, string] => [path, read(path)]).filter(([, text]) => !text.includes("\0"));
}

describe("the repository", () => {
  test("no tracked file names a package registry or a path of the machine it was written on", () => {
    /* Built from parts, so that this file does not match itself. */
    const forbidden = [
      ["registry", "npmjs"].join("."),
      ["npm", "pkg"].join("."),
      ["/ro", "ot/"].join(""),
      ["/ho", "me/"].join(""),
      ["/wo", "rk/"].join(""),
      ["art", "ifactory"].join(""),
    ];
    const found = trackedFiles().flatMap(([path, text]) =>
      forbidden.filter((needle) => text.includes(needle)).map((needle) => `${path}: ${needle}`),
    );
    expect(found).toEqual([]);
  });

  test("every link from one page to another file of the repository leads somewhere", () => {
    const tracked = trackedFiles();
    const paths = tracked.map(([path]) => path);
    const broken = tracked
      .filter(([path]) => path.endsWith(".md"))
      .flatMap(([path, text]) =>
        [...text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)]
          .map(([, target = ""]) => join(dirname(path), target).replace(/\/$/, ""))
          .filter((target) => !paths.some((known) => known === target || known.startsWith(`${target}/`)))
          .map((target) => `${path}: ${target}`),
      );
    expect(broken).toEqual([]);
  });

  test("every dependency is pinned to one version, with the hash of what is installed", () => {
    const ranges = Object.entries({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
    });
    expect(ranges.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
    expect(locked.filter(([, entry]) => entry.integrity?.startsWith("sha512-") !== true).map(([path]) => path)).toEqual(
      [],
    );
    expect(locked.filter(([, entry]) => entry.resolved !== undefined).map(([path]) => path)).toEqual([]);
  });

  test("nothing the gateway runs on needs an install script", () => {
    expect(
      locked.filter(([, { dev, hasInstallScript }]) => dev !== true && hasInstallScript === true).map(([path]) => path),
    ).toEqual([]);
    expect(read(".npmrc")).toContain("ignore-scripts=true");
  });

  test("the decision record on libraries names every runtime dependency and their number", () => {
    const record = read("docs/decisions/0002-libraries.md");
    const names = Object.keys(manifest.dependencies);
    expect(names.filter((name) => !record.includes(`\`${name}\``))).toEqual([]);
    expect(record).toContain(`${names.length} direct runtime dependencies`);
  });

  test("no test is skipped, left to be written, or run alone", () => {
    const marked = trackedFiles().filter(
      ([path, text]) =>
        path.startsWith("test/") && /\b(?:test|it|describe)\.(?:skip|todo|only|skipIf|runIf|fails)\b/.test(text),
    );
    expect(marked.map(([path]) => path)).toEqual([]);
  });

  test("continuous integration runs what the README says and then the checks", () => {
    const commands = read(".ci/run")
      .split("\n")
      .filter((line) => line.startsWith("npm "));
    expect(commands).toEqual(["npm ci && npm test", "npm run check"]);
  });
});
