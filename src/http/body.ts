/** Memory for request bodies, shared by all requests of a process. */
export interface BufferBudget {
  readonly usedBytes: number;
  /** False, and nothing reserved, when it does not fit. */
  reserve(bytes: number): boolean;
  release(bytes: number): void;
}

export function createBufferBudget(limitBytes: number): BufferBudget {
  let used = 0;
  return {
    get usedBytes() {
      return used;
    },
    reserve(bytes) {
      if (used + bytes > limitBytes) return false;
      used += bytes;
      return true;
    },
    release(bytes) {
      used -= bytes;
    },
  };
}
