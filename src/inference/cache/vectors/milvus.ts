import { createHash } from "node:crypto";
import { z } from "zod";
import { GatewayError } from "../../../core/errors.ts";
import { secret } from "../../../core/units.ts";
import { loadOnce } from "./load-client.ts";
import { defineVectors } from "./vectors.ts";

/* How often what has expired is deleted: nobody asks for it, and Milvus keeps it for ever. */
const SWEEP_EVERY_MS = 300_000;
const HASH_LENGTH = 64;
const MOST_ID = 256;

/* In a filter stands nothing but digits and letters of a hash: there is nothing to escape. */
const hashOf = (...parts: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex");

/* What is used of the client. */
type Named = { readonly collection_name: string };
interface MilvusClient {
  readonly connectPromise: Promise<unknown>;
  hasCollection(which: Named): Promise<{ readonly status: Said; readonly value: boolean }>;
  createCollection(
    options: Named & { readonly fields: readonly object[]; readonly consistency_level: string },
  ): Promise<Said>;
  createIndex(options: Named & { readonly field_name: string }): Promise<Said>;
  loadCollectionSync(which: Named): Promise<Said>;
  upsert(rows: Named & { readonly data: readonly object[] }): Promise<{ readonly status: Said }>;
  deleteEntities(which: Named & { readonly expr: string }): Promise<{ readonly status: Said }>;
  search(
    options: Named & {
      readonly data: readonly number[];
      readonly limit: number;
      readonly filter: string;
      readonly output_fields: readonly string[];
      readonly metric_type: string;
      readonly consistency_level: number;
    },
  ): Promise<{ readonly status: Said; readonly results: readonly Readonly<Record<string, unknown>>[] }>;
  closeConnection(): Promise<unknown>;
}

interface MilvusSdk {
  readonly MilvusClient: new (options: object) => MilvusClient;
  readonly DataType: Readonly<Record<"VarChar" | "Int64" | "FloatVector", number>>;
  readonly ConsistencyLevelEnum: Readonly<Record<"Strong" | "Bounded" | "Eventually", number>>;
}

/** What Milvus says of a call; an error is an answer like any other. */
interface Said {
  readonly error_code?: string | number;
  readonly reason?: string;
}

function check<T extends Said | { readonly status: Said }>(answer: T): T {
  const said: Said = "status" in answer ? answer.status : answer;
  if (said.error_code === undefined || said.error_code === "Success" || said.error_code === 0) return answer;
  throw new GatewayError("upstream_unavailable", "Milvus refused what it was asked.", {
    cause: new Error(`${said.error_code}: ${said.reason}`),
  });
}

export const milvus = defineVectors({
  type: "milvus",
  description: "A Milvus server (2.4 or newer), through its own client: the npm package `@zilliz/milvus2-sdk-node`.",
  options: {
    address: z
      .string()
      .regex(/^[\w.:[\]-]+:\d+$/, "host and port, such as milvus:19530")
      .meta({ description: "Where the server's gRPC port is.", examples: ["milvus:19530"] }),
    tls: z.boolean().default(false).meta({ description: "Whether the connection is encrypted." }),
    token: secret()
      .optional()
      .meta({ description: "A token, or USER:PASSWORD.", examples: ["${env:MILVUS_TOKEN}"] }),
    database: z.string().min(1).optional().meta({ description: "The database; Milvus's default when left out." }),
    collection: z
      .string()
      .regex(/^[a-z][a-z0-9_]{2,63}$/, "3 to 64 lower-case letters, digits and underscores")
      .default("sallyport")
      .meta({
        description: "What its collections begin with; one is made for each embedder and number of dimensions.",
      }),
    consistency: z.enum(["Strong", "Bounded", "Eventually"]).default("Bounded").meta({
      description:
        "How fresh a search is. Under `Bounded` a question may be a miss for a few seconds after it was asked.",
    }),
  },
  create({ address, tls, token, database, collection: prefix, consistency }, { space, clock, log }) {
    const sdkOf = loadOnce(
      "@zilliz/milvus2-sdk-node",
      async ({ DataType, ConsistencyLevelEnum, MilvusClient }: MilvusSdk) => {
        const client = new MilvusClient({
          address,
          ssl: tls,
          ...(token !== undefined && { token }),
          ...(database !== undefined && { database }),
          /* The gateway bounds the time itself, and a call that waits is no use to anybody. */
          maxRetries: 0,
          logLevel: "error",
          telemetry: { enabled: false },
        });
        try {
          /* It connects when it is made, once; nobody else would hear that it failed. */
          await client.connectPromise;
        } catch (error) {
          await client.closeConnection().catch(() => {});
          throw error;
        }
        return { client, types: DataType, level: ConsistencyLevelEnum[consistency] };
      },
    );
    let isUsed = false;
    const spaceName = hashOf(space).slice(0, 12);
    const collections = new Map<number, Promise<string>>();
    let sweptAtMs = clock.now();

    async function open(dimensions: number): Promise<string> {
      const { client, types } = await sdkOf();
      const collection_name = `${prefix}_${spaceName}_${dimensions}`;
      if (!check(await client.hasCollection({ collection_name })).value) {
        const fields = [
          { name: "hash", data_type: types.VarChar, is_primary_key: true, max_length: HASH_LENGTH },
          { name: "id", data_type: types.VarChar, max_length: MOST_ID },
          { name: "partition", data_type: types.VarChar, is_partition_key: true, max_length: HASH_LENGTH },
          { name: "expires_at", data_type: types.Int64 },
          { name: "vector", data_type: types.FloatVector, dim: dimensions },
        ];
        check(await client.createCollection({ collection_name, fields, consistency_level: consistency }));
        const index = { field_name: "vector", index_type: "AUTOINDEX", metric_type: "COSINE" };
        check(await client.createIndex({ collection_name, ...index }));
      }
      check(await client.loadCollectionSync({ collection_name }));
      return collection_name;
    }

    /* Whoever dropped a collection is not to stop the cache: what fails is opened again the next time. */
    async function on<T>(
      dimensions: number,
      work: (sdk: Awaited<ReturnType<typeof sdkOf>>, collection_name: string) => Promise<T>,
    ): Promise<T> {
      isUsed = true;
      const opening = collections.get(dimensions) ?? open(dimensions);
      collections.set(dimensions, opening);
      try {
        const name = await opening;
        return await work(await sdkOf(), name);
      } catch (error) {
        collections.delete(dimensions);
        throw error;
      }
    }

    /* Those that this process has used: what lies in others expires. */
    async function deleteWhere(expr: string): Promise<void> {
      for (const dimensions of collections.keys())
        await on(dimensions, async ({ client }, collection_name) =>
          check(await client.deleteEntities({ collection_name, expr })),
        );
    }

    async function sweep(): Promise<void> {
      const nowMs = clock.now();
      if (nowMs - sweptAtMs < SWEEP_EVERY_MS) return;
      sweptAtMs = nowMs;
      await deleteWhere(`expires_at <= ${nowMs}`);
    }

    return {
      async put(partition, { id, vector, expiresAtMs }) {
        const row = {
          hash: hashOf(partition, id),
          id,
          partition: hashOf(partition),
          expires_at: expiresAtMs,
          vector: Array.from(vector),
        };
        await on(vector.length, async ({ client }, collection_name) =>
          check(await client.upsert({ collection_name, data: [row] })),
        );
        sweep().catch((error: unknown) => log.warn({ error }, "what has expired was not deleted from Milvus"));
      },
      async search(partition, vector, { least, most }) {
        const name = hashOf(partition);
        const found = await on(vector.length, async ({ client, level }, collection_name) =>
          check(
            await client.search({
              collection_name,
              data: Array.from(vector),
              limit: most,
              filter: `partition == "${name}" && expires_at > ${clock.now()}`,
              output_fields: ["id", "partition"],
              metric_type: "COSINE",
              consistency_level: level,
            }),
          ),
        );
        return found.results.flatMap(({ id, partition: from, score }) => {
          /* The server was asked for this partition alone; an answer of another would be somebody else's. */
          if (from !== name || typeof id !== "string" || typeof score !== "number" || score < least) return [];
          return [{ id, score }];
        });
      },
      remove: (partition, id) => deleteWhere(`hash == "${hashOf(partition, id)}"`),
      removePartition: (partition) => deleteWhere(`partition == "${hashOf(partition)}"`),
      async close() {
        collections.clear();
        if (!isUsed) return;
        /* One that never connected has nothing to close. */
        await sdkOf().then(
          ({ client }) => client.closeConnection(),
          () => {},
        );
      },
    };
  },
});
