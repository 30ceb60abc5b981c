import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "../core/clock.ts";

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

/** Signs hand-offs for agents that lose the trace context but keep message metadata. */
export interface ChainTokens {
  sign(handoff: Handoff): string;
  /** The hand-off, when the token is ours, not yet over, and was given to this client; else undefined. */
  verify(token: string, client: string): Handoff | undefined;
}

/* Long enough for an agent to set to work; one that takes longer has the trace context, which stands for a day. */
const TTL_SECONDS = 3_600;
const LONGEST_TOKEN = 4_096;
/* Stands in front of everything signed, so that nothing else can be taken for a token, nor a token for anything else. */
const purpose = "sallyport chain token v1\n";

/** `key`: 32 bytes for this purpose alone, the same on every replica. */
export function createChainTokens(key: Buffer, clock: Clock): ChainTokens {
  const mac = (payload: string): Buffer => createHmac("sha256", key).update(purpose).update(payload).digest();
  const nowSeconds = () => Math.floor(clock.now() / 1_000);
  return {
    sign({ chain, client, agent, root, depth, path }) {
      const claims = [chain, client, agent, root, depth, path, nowSeconds() + TTL_SECONDS];
      const payload = Buffer.from(JSON.stringify(claims)).toString("base64url");
      return `${payload}.${mac(payload).toString("base64url")}`;
    },
    verify(token, client) {
      if (token.length > LONGEST_TOKEN) return undefined;
      const dot = token.indexOf(".");
      const payload = token.slice(0, dot);
      const shown = Buffer.from(token.slice(dot + 1), "base64url");
      const expected = mac(payload);
      if (shown.length !== expected.length || !timingSafeEqual(shown, expected)) return undefined;
      // What the key signed is ours, so its shape is known.
      const [chain, heldBy, agent, root, depth, path, expires] = JSON.parse(
        Buffer.from(payload, "base64url").toString("utf8"),
      ) as [string, string, string, string, number, string[], number];
      if (heldBy !== client || expires <= nowSeconds()) return undefined;
      return { chain, client, agent, root, depth, path };
    },
  };
}
