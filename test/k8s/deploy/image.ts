import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { inContext, readStage } from "./containerfile.ts";
import { root } from "./manifests.ts";

/* An image as a folder: what the Containerfile copies, made without a builder. It stands in for `npm ci` by taking what the lockfile
   names for production from the packages that are installed here. */

interface Locked {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
}

/** The packages that `npm ci --omit=dev --omit=optional` installs, as paths below the checkout. */
export function productionPackages(): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  return Object.entries(packages)
    .filter(([path, { dev, optional, devOptional }]) => path !== "" && !dev && !optional && !devOptional)
    .map(([path]) => path);
}

/** A file is linked, so that an image of a hundred packages takes a second and no room; copied, where others could not read it. */
function place(from: string, to: string): void {
  const path = realpathSync(from);
  const { mode } = statSync(path);
  try {
    if ((mode & 0o004) === 0) throw new Error("not readable by others");
    linkSync(path, to);
  } catch {
    copyFileSync(path, to);
    chmodSync(to, (mode & 0o111) === 0 ? 0o444 : 0o555);
  }
}

function copyTree(from: string, to: string, isWanted: (path: string) => boolean = () => true): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (!isWanted(source)) continue;
    if (entry.isDirectory()) copyTree(source, target, isWanted);
    else place(source, target);
  }
}

function copyPackages(to: string): void {
  const wanted = productionPackages();
  const nested = (path: string) => !path.endsWith("/node_modules");
  for (const path of wanted) {
    const target = join(to, path.slice("node_modules/".length));
    copyTree(join(root, path), target, nested);
  }
}

function closeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) closeTree(join(folder, entry.name));
  chmodSync(folder, 0o555);
}

/** Opens a closed tree again, so that it can be removed. */
export function openTree(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) openTree(join(folder, entry.name));
}

/** The packages that all images share, once: a folder to give to `assembleImage`. */
export function assemblePackages(folder: string): string {
  copyPackages(folder);
  closeTree(folder);
  return folder;
}

export interface Image {
  /** The working directory of its processes. */
  readonly app: string;
  /** Its entry point, which is this Node. */
  readonly node: string;
  readonly env: Readonly<Record<string, string>>;
  /** What it runs when nobody says otherwise. */
  readonly command: readonly string[];
}

/** Follows a stage of the Containerfile into an empty folder. Throws for an instruction it does not know. */
export function assembleImage(
  folder: string,
  stage: string,
  packages: string,
  args: Readonly<Record<string, string>> = {},
): Image {
  const { instructions } = readStage(stage);
  const withArgs = (text: string) => text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => args[name] ?? "");
  const env: Record<string, string> = {};
  let app = folder;
  let command: readonly string[] = [];
  for (const [name, text] of instructions) {
    if (name === "WORKDIR") mkdirSync((app = join(folder, text)), { recursive: true });
    else if (name === "ENV") Object.assign(env, Object.fromEntries([text.split("=")]));
    else if (name === "CMD") command = JSON.parse(text) as string[];
    else if (name === "COPY") copy(withArgs(text), app, packages);
    else if (name !== "ARG" && name !== "EXPOSE")
      throw new Error(`the Containerfile has ${name}, which is not known here`);
  }
  mkdirSync(join(folder, "nodejs/bin"), { recursive: true });
  const node = join(folder, "nodejs/bin/node");
  place(process.execPath, node);
  closeTree(folder);
  return { app, node, env, command };
}

function copy(text: string, app: string, packages: string): void {
  const [source = "", target = ""] = text.replace("--from=packages ", "").split(" ");
  const to = join(app, target);
  if (source === "/app/node_modules") return symlinkSync(packages, to);
  const path = source.replace(/^\/app\//, "");
  if (!inContext().includes(path.split("/")[0] ?? "")) throw new Error(`.dockerignore leaves ${path} out`);
  if (target === "./") return place(join(root, path), join(to, path));
  mkdirSync(dirname(to), { recursive: true });
  copyTree(join(root, path), to);
}
