import { dialects } from "../dialects/registry.ts";
import type { CallKind } from "../model-call.ts";
import { toBaseUrl } from "../providers/openai-compatible.ts";

/** One endpoint of a pool. */
export interface Member {
  /** As it was configured. */
  readonly url: string;
  readonly slot: number;
  /** For callers, who need not know where it is: its pool and a number. */
  readonly name: string;
  /** For operators: host and port. */
  readonly host: string;
  readonly urls: ReadonlyMap<CallKind, URL>;
  /** Gets no more calls; those under way go on. */
  leaving: boolean;
}

export function createMember(pool: string, slot: number, url: string): Member {
  const base = toBaseUrl(url);
  return {
    url,
    slot,
    name: `${pool}-${slot}`,
    host: new URL(url).host,
    urls: new Map(
      Object.entries(dialects.openai.paths).map(([kind, path]) => [kind as CallKind, new URL(base + path)]),
    ),
    leaving: false,
  };
}
