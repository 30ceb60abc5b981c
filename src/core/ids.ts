import { randomBytes, randomFillSync } from "node:crypto";

/* Random bytes are drawn in blocks: one draw per id costs a system call. They are spelled a stretch at a time, short enough that an id that is kept, and holds on to its stretch, stays small. */
const block = Buffer.alloc(65_536);
const STRETCH_BYTES = 128;
let used = block.length;
let stretch = "";
let at = 0;

/** `bytes` random bytes in lower-case hex. */
export function randomHex(bytes: number): string {
  if (bytes > 64) return randomBytes(bytes).toString("hex");
  if (at + 2 * bytes > stretch.length) {
    if (used === block.length) {
      randomFillSync(block);
      used = 0;
    }
    stretch = block.toString("hex", used, used + STRETCH_BYTES);
    used += STRETCH_BYTES;
    at = 0;
  }
  const from = at;
  at += 2 * bytes;
  return stretch.slice(from, at);
}

/* Many requests come in the same millisecond, and V8 writes a number in hex by way of floating point. */
let lastMs = 0;
let lastHex = "";
function toHexTime(nowMs: number): string {
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    lastHex = nowMs.toString(16).padStart(12, "0");
  }
  return lastHex;
}

/**
 * An id of a request, and of the trace and chain it starts: 32 hex digits that begin with the time, so that records under it sort
 * by time, and end in ten random bytes, as https://www.w3.org/TR/trace-context-2/#trace-id wants the last seven to be.
 */
export const newRequestId = (nowMs: number): string => toHexTime(nowMs) + randomHex(10);
