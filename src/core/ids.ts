import { randomBytes, randomFillSync } from "node:crypto";

/* Random bytes are drawn in blocks: one draw per id costs a system call. */
const block = Buffer.alloc(65_536);
let used = block.length;

/** `bytes` random bytes in lower-case hex. */
export function randomHex(bytes: number): string {
  if (bytes > 64) return randomBytes(bytes).toString("hex");
  if (used + bytes > block.length) {
    randomFillSync(block);
    used = 0;
  }
  used += bytes;
  return block.toString("hex", used - bytes, used);
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
