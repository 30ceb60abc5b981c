import { resolve } from "node:path";
import { createFolderSource, type FolderSource } from "../k8s/folder-source.ts";
import { UsageError } from "./command.ts";

/** The options of commands that take Kubernetes manifests. */
export const manifestOptions = {
  manifests: {
    type: "string",
    value: "DIR",
    description: "Kubernetes manifests, a folder or one file; a change takes effect",
  },
  backend: {
    type: "string",
    value: "NAME.NAMESPACE=URL[,URL]",
    multiple: true,
    description:
      "with --manifests: where a Service, or the servers of an InferencePool, are, such as shop.default=http://127.0.0.1:8080",
  },
} as const;

interface Given {
  readonly manifests: string | undefined;
  readonly backend: readonly string[];
  readonly config: string | undefined;
}

/** The folder that the options name; undefined: none. */
export function folderOf({ manifests, backend, config }: Given): FolderSource | undefined {
  if (manifests === undefined) {
    if (backend.length > 0) throw new UsageError("--backend goes with --manifests");
    return undefined;
  }
  return createFolderSource({
    path: manifests,
    file: config === undefined ? undefined : resolve(config),
    backends: parseBackends(backend),
  });
}

/** `NAME.NAMESPACE=URL,URL` (or `NAME=URL`, of the namespace `default`) by `NAME.NAMESPACE`. */
function parseBackends(given: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const backends = new Map<string, readonly string[]>();
  for (const text of given) {
    const [, name = "", namespace = "default", addresses = ""] =
      /^([a-z0-9-]{1,63})(?:\.([a-z0-9-]{1,63}))?=(.+)$/.exec(text) ?? [];
    const urls = addresses.split(",").map((address) => (URL.canParse(address) ? new URL(address) : undefined));
    const origins = urls.flatMap((url) =>
      url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/` ? [url.origin] : [],
    );
    if (name === "" || origins.length < urls.length)
      throw new UsageError(
        `--backend takes NAME.NAMESPACE=URL, such as shop.default=http://127.0.0.1:8080 (no path), not "${text}"`,
      );
    const key = `${name}.${namespace}`;
    if (backends.has(key)) throw new UsageError(`--backend says twice where ${key} is`);
    backends.set(key, origins);
  }
  return backends;
}
