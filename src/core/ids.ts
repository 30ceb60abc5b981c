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
