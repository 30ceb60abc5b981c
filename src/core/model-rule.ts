import type { CanonicalRequest } from "./exchange.ts";

/** Where the calls of one rule of a route go, for one `match` of it: compiled by `services`, carried out by `inference`. */
export interface ModelRule {
  /** The paths under which a request for this path is looked up, in this order: as it was rewritten, then below the prefix that matched. */
  pathsOf(path: string): readonly string[];
  /** Where the next call goes, by weight. */
  choose(): ModelTarget;
  /** All that it may lead to. */
  readonly targets: readonly ModelTarget[];
  /** Gives the headers of the answer to a preflight, and undefined for any other request. Absent: the rule has no CORS filter. */
  readonly preflight: ((request: CanonicalRequest) => Record<string, string> | undefined) | undefined;
  /** For the whole of it, from the request to the end of the answer; 0: no bound. */
  readonly requestMs: number;
  /** The same from when the call is made; 0: no bound. */
  readonly backendMs: number;
}

/** One backend of such a rule. */
export interface ModelTarget {
  /** `pool`: the model asked for, at this pool. `model`: this entry of `models`, whatever is asked for. `none`: there is no such backend. */
  readonly kind: "pool" | "model" | "none";
  readonly name: string;
  /** Why there is none, for the log. */
  readonly why: string;
  /** Changes the headers of a request to the model server; undefined: nothing is changed. */
  readonly editHeaders: ((headers: Record<string, string>) => void) | undefined;
}
