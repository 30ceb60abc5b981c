import { createHash } from "node:crypto";
import { setBounded } from "../../core/bounded-map.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { tenantOf } from "../../core/tenant.ts";
import { isFields } from "../dialects/fields.ts";
import { sentenceGuards } from "../cache/guards/registry.ts";
import { type Embedder, toUnit } from "./embedder.ts";

export interface ModelEmbedderOptions {
  /** An entry of `models`. */
  readonly model: string;
  readonly threshold?: number | undefined;
  /** Asked of the provider, and of its answers; whatever it gives when absent. */
  readonly dimensions?: number | undefined;
  readonly encoding: "float" | "base64";
  readonly limitMs: number;
  /** What its vectors are for, as the journal says it. */
  readonly purpose: string;
  readonly log: Log;
}

/** For words that are the same; for others `wording` asks for more. Tuned with all-MiniLM-L6-v2 on the pairs for tuning. */
export const sentenceThreshold = 0.7;
/* The widest of today's models has 4,096. */
const MOST_DIMENSIONS = 16_384;
/* As text, 24 characters a number. */
const LIMIT_BYTES = 524_288;
/* Texts whose vectors are remembered: 6 MiB of 3,072 numbers each. */
const MOST_KNOWN = 512;
const BYTES_PER_NUMBER = 4;

/** An embedder behind an entry of `models`: any server with OpenAI's `/v1/embeddings`. */
export function createModelEmbedder(options: ModelEmbedderOptions): Embedder {
  const { model, dimensions, encoding, limitMs, purpose, log, threshold = sentenceThreshold } = options;
  const known = new Map<string, Float32Array>();
  /* Learnt from the first answer. */
  let learnt = dimensions;

  function check(vector: Float32Array): Float32Array {
    if (vector.length === 0 || vector.length > MOST_DIMENSIONS)
      throw new GatewayError("upstream_invalid", `The embedder ${model} gave a vector of ${vector.length} dimensions.`);
    if (dimensions !== undefined && vector.length !== dimensions)
      throw new GatewayError(
        "upstream_invalid",
        `The embedder ${model} gave a vector of ${vector.length} dimensions, not of ${dimensions}, as the configuration says.`,
      );
    for (const value of vector)
      if (!Number.isFinite(value))
        throw new GatewayError("upstream_invalid", `The embedder ${model} gave a vector that is not of numbers.`);
    if (learnt !== undefined && learnt !== vector.length) {
      log.warn(
        { model, before: learnt, now: vector.length },
        "an embedder changed its dimensions: its vectors begin anew",
      );
      known.clear();
    }
    learnt = vector.length;
    return toUnit(vector);
  }

  return {
    space: `model ${model}`,
    threshold,
    guards: sentenceGuards,
    async embed(text, { exchange, signal, ownCall, identity }) {
      /* By principal: how fast an answer comes must not tell that somebody else has asked. */
      const key = createHash("sha256")
        .update(JSON.stringify([tenantOf(exchange), exchange.principal.id, identity, text]))
        .digest("base64url");
      const found = known.get(key);
      if (found !== undefined) {
        setBounded(known, key, found, MOST_KNOWN);
        return found;
      }
      const body = { input: text, encoding_format: encoding, ...(dimensions !== undefined && { dimensions }) };
      const limits = { limitMs, limitBytes: LIMIT_BYTES };
      const answer = await ownCall({ exchange, signal, purpose, model, method: "embeddings", body, ...limits });
      const vector = check(readEmbedding(answer["data"], model));
      setBounded(known, key, vector, MOST_KNOWN);
      return vector;
    },
  };
}

/** The one vector in the `data` of an answer. A server may answer in the encoding it has, whatever it was asked for. */
export function readEmbedding(data: unknown, model: string): Float32Array {
  const only: unknown = Array.isArray(data) && data.length === 1 ? data[0] : undefined;
  const embedding = isFields(only) ? only["embedding"] : undefined;
  if (typeof embedding === "string") return fromBase64(embedding);
  if (Array.isArray(embedding) && embedding.every((value) => typeof value === "number"))
    return Float32Array.from(embedding as readonly number[]);
  throw new GatewayError("upstream_invalid", `The embedder ${model} answered with something other than one vector.`);
}

/* Four bytes a number, the lowest first; anything else is no vector. */
function fromBase64(text: string): Float32Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.length % BYTES_PER_NUMBER !== 0) return new Float32Array();
  return Float32Array.from({ length: bytes.length / BYTES_PER_NUMBER }, (_, at) =>
    bytes.readFloatLE(at * BYTES_PER_NUMBER),
  );
}
