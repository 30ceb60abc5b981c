import type { UpstreamResponse } from "../../http/upstream.ts";
import type { StoredAnswer } from "./answer-cache.ts";

/* So much at a time, so that a slow reader holds up the rest. */
const PIECE_BYTES = 16_384;

/** A stored answer as if its provider gave it now: it takes the same way to the caller. */
export function toReplayed({ contentType, bytes }: StoredAnswer): UpstreamResponse {
  return {
    status: 200,
    headers: { "content-type": contentType },
    body: piecesOf(bytes),
    bytes: async () => bytes,
    discard() {},
    cancel() {},
  };
}

async function* piecesOf(bytes: Buffer): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}
