import { createRequire } from "node:module";
import { GatewayError } from "../../../core/errors.ts";

/* The versions that the contract suite was run with. */
const versions = { chromadb: "3.5.0", "@zilliz/milvus2-sdk-node": "3.0.6" } as const;

/** The client of a vector store, which is not installed with the gateway. */
export type ClientPackage = keyof typeof versions;

const require = createRequire(import.meta.url);

/** What to do about a client that is not installed; undefined: it is. `resolve` throws for what is not there. */
export function missingClient(
  name: ClientPackage,
  resolve: (name: string) => unknown = require.resolve,
): string | undefined {
  try {
    resolve(name);
    return undefined;
  } catch {
    return `needs the package ${name}, which is not installed with the gateway: npm install ${name}@${versions[name]}`;
  }
}

/** Loads a client once, when it is first used, and again after it failed. Nothing is known of its types here: `T` is what the gateway uses of it. */
export function loadOnce<T, Made>(name: ClientPackage, make: (client: T) => Made | Promise<Made>): () => Promise<Made> {
  let loading: Promise<Made> | undefined;
  const load = async (): Promise<Made> => await make((await import(name)) as T);
  return () =>
    (loading ??= load().catch((cause: unknown) => {
      loading = undefined;
      throw new GatewayError(
        "upstream_unavailable",
        "The client of the vector store cannot be loaded, or does not reach it.",
        { cause },
      );
    }));
}
