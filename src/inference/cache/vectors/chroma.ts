import { createHash } from "node:crypto";
import { z } from "zod";
import { GatewayError } from "../../../core/errors.ts";
import { secret } from "../../../core/units.ts";
import { loadOnce } from "./load-client.ts";
import { defineVectors } from "./vectors.ts";

/* How often what has expired is deleted: nobody asks for it, and Chroma keeps it for ever. */
const SWEEP_EVERY_MS = 300_000;

type Metadata = Readonly<Record<string, unknown>>;

/* What is used of the client. */
interface Collection {
  upsert(entries: {
    readonly ids: readonly string[];
    readonly embeddings: readonly (readonly number[])[];
    readonly metadatas: readonly Metadata[];
  }): Promise<void>;
  query(options: {
    readonly queryEmbeddings: readonly (readonly number[])[];
    readonly nResults: number;
    readonly where: Metadata;
    readonly include: readonly string[];
  }): Promise<{
    readonly metadatas: readonly (readonly (Metadata | null)[])[];
    readonly distances: readonly (readonly (number | null)[])[];
  }>;
  delete(which: { readonly ids?: readonly string[]; readonly where?: Metadata }): Promise<unknown>;
}

interface ChromaClient {
  getOrCreateCollection(options: {
    readonly name: string;
    readonly configuration: object;
    readonly embeddingFunction: null;
  }): Promise<Collection>;
}

interface ChromaSdk {
  readonly ChromaClient: new (options: object) => ChromaClient;
}

/** Unique in a collection, which holds many partitions. */
const idOf = (partition: string, id: string): string =>
  createHash("sha256")
    .update(JSON.stringify([partition, id]))
    .digest("hex");

export const chroma = defineVectors({
  type: "chroma",
  description: "A Chroma server (1.0 or newer), through its own client: the npm package `chromadb`.",
  options: {
    url: z
      .url({ protocol: /^https?$/, error: "an http or https address such as http://chroma:8000" })
      .refine((text) => URL.canParse(text) && new URL(text).pathname === "/", "an address without a path")
      .meta({ description: "Where the server is.", examples: ["http://chroma:8000"] }),
    token: secret()
      .optional()
      .meta({ description: "Sent as a bearer token.", examples: ["${env:CHROMA_TOKEN}"] }),
    tenant: z.string().min(1).default("default_tenant").meta({ description: "The tenant in Chroma." }),
    database: z.string().min(1).default("default_database").meta({ description: "The database in Chroma." }),
    collection: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{2,63}$/, "3 to 64 lower-case letters, digits and dashes")
      .default("sallyport")
      .meta({
        description: "What its collections begin with; one is made for each embedder and number of dimensions.",
      }),
  },
  create({ url, token, tenant, database, collection: prefix }, { space, clock, log, upstream }) {
    const { hostname, port, protocol } = new URL(url);
    const isTls = protocol === "https:";
    const clientOf = loadOnce("chromadb", ({ ChromaClient }: ChromaSdk) => {
      const client = new ChromaClient({
        host: hostname,
        port: port === "" ? (isTls ? 443 : 80) : Number(port),
        ssl: isTls,
        tenant,
        database,
        ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }),
      });
      goThrough(client, upstream.fetch("configured"));
      return client;
    });
    const spaceName = createHash("sha256").update(space).digest("hex").slice(0, 12);
    const collections = new Map<number, Promise<Collection>>();
    let sweptAtMs = clock.now();

    async function open(dimensions: number): Promise<Collection> {
      const client = await clientOf();
      return client.getOrCreateCollection({
        name: `${prefix}-${spaceName}-${dimensions}`,
        configuration: { hnsw: { space: "cosine" } },
        /* Vectors come from the gateway's own embedder: none is loaded here. */
        embeddingFunction: null,
      });
    }

    /* Whoever deleted a collection is not to stop the cache: what fails is opened again the next time. */
    async function on<T>(dimensions: number, work: (collection: Collection) => Promise<T>): Promise<T> {
      const opening = collections.get(dimensions) ?? open(dimensions);
      collections.set(dimensions, opening);
      try {
        return await work(await opening);
      } catch (error) {
        collections.delete(dimensions);
        throw error;
      }
    }

    /* Those that this process has used: what lies in others expires. */
    async function each(work: (collection: Collection) => Promise<unknown>): Promise<void> {
      for (const dimensions of collections.keys()) await on(dimensions, work);
    }

    async function sweep(): Promise<void> {
      const nowMs = clock.now();
      if (nowMs - sweptAtMs < SWEEP_EVERY_MS) return;
      sweptAtMs = nowMs;
      await each((collection) => collection.delete({ where: { expires_at: { $lte: nowMs } } }));
    }

    return {
      async put(partition, { id, vector, expiresAtMs }) {
        await on(vector.length, (collection) =>
          collection.upsert({
            ids: [idOf(partition, id)],
            embeddings: [Array.from(vector)],
            metadatas: [{ partition, id, expires_at: expiresAtMs }],
          }),
        );
        sweep().catch((error: unknown) => log.warn({ error }, "what has expired was not deleted from Chroma"));
      },
      async search(partition, vector, { least, most }) {
        const found = await on(vector.length, (collection) =>
          collection.query({
            queryEmbeddings: [Array.from(vector)],
            nResults: most,
            where: { $and: [{ partition: { $eq: partition } }, { expires_at: { $gt: clock.now() } }] },
            include: ["metadatas", "distances"],
          }),
        );
        const distances = found.distances[0] ?? [];
        return (found.metadatas[0] ?? []).flatMap((metadata, at) => {
          const score = 1 - (distances[at] ?? 2);
          /* The server was asked for this partition alone; an answer of another would be somebody else's. */
          if (metadata?.["partition"] !== partition || score < least) return [];
          return typeof metadata["id"] === "string" ? [{ id: metadata["id"], score }] : [];
        });
      },
      remove: (partition, id) => each((collection) => collection.delete({ ids: [idOf(partition, id)] })),
      removePartition: (partition) => each((collection) => collection.delete({ where: { partition } })),
      close: async () => collections.clear(),
    };
  },
});

/**
 * Has the client make its requests with our `fetch`. It takes none by its options; the field is its generated client's, whose
 * `setConfig` it calls in the same way.
 */
function goThrough(client: ChromaClient, send: typeof globalThis.fetch): void {
  const inner: unknown = Reflect.get(client, "apiClient");
  if (typeof inner !== "object" || inner === null || !("setConfig" in inner) || typeof inner.setConfig !== "function")
    throw new GatewayError("internal", "This version of the package chromadb takes no fetch of the gateway's.");
  inner.setConfig({
    fetch: async (request: Request) => {
      const response = await send(request);
      if (response.ok) return response;
      const text = await response.text();
      throw new GatewayError("upstream_unavailable", `Chroma answered with status ${response.status}.`, {
        cause: new Error(text.slice(0, 1_000)),
      });
    },
  });
}
