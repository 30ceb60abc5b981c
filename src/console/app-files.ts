import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

/** A file of the console's pages, ready to be sent. */
export interface AppFile {
  readonly type: string;
  readonly etag: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
  readonly brotli: Buffer;
}

/** What the browser loads. Each file is read and compressed when it is first asked for, and kept. */
export interface AppFiles {
  /** The one page; every place in the console is a place in it. Undefined: the pages are not installed. */
  readonly shell: () => Promise<AppFile> | undefined;
  /** What the shell's own inline scripts (its import map) hash to, as sources of a content security policy. */
  readonly scriptHashes: readonly string[];
  /** A module, style sheet or picture by what follows `/app/`; undefined: there is none. */
  find(path: string): Promise<AppFile> | undefined;
}

const types: Readonly<Record<string, string>> = {
  ".ts": "text/javascript; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};

const SHELL = "index.html";
const VENDOR = "/app/vendor/";
const toGzip = promisify(gzip);
const toBrotli = promisify(brotliCompress);

const root = fileURLToPath(new URL("./app/", import.meta.url));

/* Node says of its own loader's function that it is experimental, each time a process first calls it; the version is pinned. */
function withoutTypes(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(text, { mode: "strip" });
  } finally {
    process.emitWarning = emitWarning;
  }
}

async function prepare(file: string, type: string): Promise<AppFile> {
  const raw = readFileSync(file);
  const plain = file.endsWith(".ts") ? Buffer.from(withoutTypes(raw.toString("utf8"))) : raw;
  const [zipped, brotli] = await Promise.all([
    toGzip(plain, { level: 9 }),
    toBrotli(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
  ]);
  const etag = `W/"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`;
  return { type, etag, plain, gzip: zipped, brotli };
}

const inlineScripts = (html: string): readonly string[] =>
  [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([^]*?)<\/script>/g)].map(([, text]) => text ?? "");

/** What the import map leads to, by its address: packages of ours, each by the name it is imported by. */
function vendored(html: string): ReadonlyMap<string, string> {
  const [map] = [...html.matchAll(/<script\s+type="importmap">([^]*?)<\/script>/g)];
  if (map?.[1] === undefined) return new Map();
  const { imports } = JSON.parse(map[1]) as { readonly imports: Readonly<Record<string, string>> };
  return new Map(
    Object.entries(imports)
      .filter(([, address]) => address.startsWith(VENDOR))
      .map(([name, address]) => [address.slice("/app/".length), fileURLToPath(import.meta.resolve(name))]),
  );
}

const noFiles: AppFiles = { shell: () => undefined, scriptHashes: [], find: () => undefined };

/** Looks which files there are, and which packages the shell's import map names; nothing else is ever read. */
export function createAppFiles(): AppFiles {
  if (!existsSync(join(root, SHELL))) return noFiles;
  const html = readFileSync(join(root, SHELL), "utf8");
  const known = new Map<string, { readonly file: string; readonly type: string }>();
  for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    const type = types[extname(name)];
    if (type !== undefined) known.set(name.replaceAll("\\", "/"), { file: join(root, name), type });
  }
  for (const [path, file] of vendored(html)) known.set(path, { file, type: types[".js"] as string });
  const ready = new Map<string, Promise<AppFile>>();

  const once = (path: string, file: string, type: string): Promise<AppFile> => {
    let pending = ready.get(path);
    if (pending === undefined) {
      pending = prepare(file, type);
      ready.set(path, pending);
      pending.catch(() => ready.delete(path));
    }
    return pending;
  };

  return {
    shell: () => once(SHELL, join(root, SHELL), "text/html; charset=utf-8"),
    scriptHashes: inlineScripts(html).map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`),
    find(path) {
      const found = known.get(path);
      return found && once(path, found.file, found.type);
    },
  };
}
