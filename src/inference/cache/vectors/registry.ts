import { z } from "zod";
import { GatewayError } from "../../../core/errors.ts";
import { createVariant } from "../../../core/extension.ts";
import type { Meter } from "../../../core/meter.ts";
import { durationMs } from "../../../core/units.ts";
import { chroma } from "./chroma.ts";
import { memory } from "./in-process.ts";
import { missingClient } from "./load-client.ts";
import { milvus } from "./milvus.ts";
import type { VectorStore } from "./vector-store.ts";
import type { VectorsDeps } from "./vectors.ts";
import { withinTime } from "./within-time.ts";

const timeout = durationMs()
  .refine((ms) => ms > 0, "more than nothing")
  .prefault("250ms")
  .meta({ description: "Longest wait for a search. Then the call goes to its model.", examples: ["100ms"] });

const branch = <Shape extends z.ZodRawShape>(of: { readonly options: Shape; readonly description: string }) =>
  z.strictObject({ ...of.options, timeout }).meta({ description: of.description });

/** The branch `vectors` of the semantic cache: `memory`, or a store by its name with its options. */
export const vectorsConfig = z.union(
  [z.literal("memory"), z.strictObject({ chroma: branch(chroma) }), z.strictObject({ milvus: branch(milvus) })],
  { error: "`memory`, {chroma: {url: …}} or {milvus: {address: …}}" },
);

export type VectorsConfig = z.output<typeof vectorsConfig>;

const stores = [chroma, milvus] as const;
const packages = { chroma: "chromadb", milvus: "@zilliz/milvus2-sdk-node" } as const;

/** The store that the configuration asks for. Throws GatewayError("unsupported") with what to install, where its client is missing. */
export function createVectors(config: VectorsConfig, deps: VectorsDeps & { readonly meter: Meter }): VectorStore {
  if (config === "memory") return memory.create({}, deps);
  const [type, { timeout: limitMs, ...options }] =
    "chroma" in config ? (["chroma", config.chroma] as const) : (["milvus", config.milvus] as const);
  const missing = missingClient(packages[type]);
  if (missing !== undefined) throw new GatewayError("unsupported", `cache.semantic.vectors.${type} ${missing}`);
  const store = createVariant(stores, { type, ...options }, deps);
  return withinTime(store, { name: type, limitMs, clock: deps.clock, meter: deps.meter });
}
