import { dialects } from "../dialects/registry.ts";
import type { CallKind } from "../model-call.ts";
import { toBaseUrl } from "../providers/openai-compatible.ts";
import { Health } from "./health.ts";
import type { Scraper } from "./scraper.ts";

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
  /** Where it lists its models. */
  readonly listUrl: URL;
  readonly health: Health;
  /** Gets no more calls and is forgotten once those under way have ended: the configuration has it no more. */
  leaving: boolean;
  /** Gets no more calls until an operator says so. */
  drained: boolean;
  scraper: Scraper | undefined;
  startedAtS: number | undefined;
  /** Calls again once it need not rest any more. */
  rest: NodeJS.Timeout | undefined;
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
    listUrl: new URL(`${base}/models`),
    health: new Health(),
    leaving: false,
    drained: false,
    scraper: undefined,
    startedAtS: undefined,
    rest: undefined,
  };
}
