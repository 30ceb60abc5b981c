import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";

/** What a hand-off says of itself: who was handed which chain, and how it came there. */
export interface Handoff {
  readonly chain: string;
  /** The OAuth client that may go on with it. */
  readonly client: string;
  readonly agent: string;
  readonly root: string;
  /** Of the exchange that handed it on. */
  readonly depth: number;
  readonly path: readonly string[];
}

/** Seals hand-offs for agents that lose the trace context but keep message metadata. */
export interface ChainTokens {
  /** A text that nobody else can read, make or change: agents keep, log and echo messages, and it says who the user is. */
  seal(handoff: Handoff): string;
  /** The hand-off, when the token is ours, not yet over, and was given to this client; else undefined. */
  open(token: string, client: string): Handoff | undefined;
}

/* Long enough for an agent to set to work; one that takes longer has the trace context, which stands for a day. */
const TTL_SECONDS = 3_600;
const LONGEST_TOKEN = 4_096;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const cipherName = "aes-256-gcm";
/* Sealed together with everything, so that nothing else can be taken for a token, nor a token for anything else. */
const purpose = Buffer.from("sallyport chain token v1");

type Claims = [
  chain: string,
  client: string,
  agent: string,
  root: string,
  depth: number,
  path: string[],
  expires: number,
];

/** `key`: 32 bytes for this purpose alone, the same on every replica. */
export function createChainTokens(key: Buffer, clock: Clock): ChainTokens {
  const nowSeconds = () => Math.floor(clock.now() / 1_000);
  return {
    seal({ chain, client, agent, root, depth, path }) {
      const claims: Claims = [chain, client, agent, root, depth, [...path], nowSeconds() + TTL_SECONDS];
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(cipherName, key, iv, { authTagLength: TAG_BYTES }).setAAD(purpose);
      const sealed = [iv, cipher.update(JSON.stringify(claims), "utf8"), cipher.final(), cipher.getAuthTag()];
      return Buffer.concat(sealed).toString("base64url");
    },
    open(token, client) {
      if (token.length > LONGEST_TOKEN) return undefined;
      const bytes = Buffer.from(token, "base64url");
      if (bytes.length <= IV_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv(cipherName, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(purpose).setAuthTag(bytes.subarray(-TAG_BYTES));
      let text: string;
      try {
        text = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
      } catch {
        /* Not of this key, or not as it was. */
        return undefined;
      }
      // What this key has sealed is ours, so its shape is known.
      const [chain, heldBy, agent, root, depth, path, expires] = JSON.parse(text) as Claims;
      if (heldBy !== client || expires <= nowSeconds()) return undefined;
      return { chain, client, agent, root, depth, path };
    },
  };
}
