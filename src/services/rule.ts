import { compileCors, type Cors } from "./cors.ts";
import type { FilterConfig, PathEdit, RedirectConfig } from "./filter-config.ts";
import { compileHeaderEdits, type HeaderEdit } from "./header-edits.ts";
import type { BackendConfig, RuleConfig } from "./route-config.ts";

/** What the filters of a rule, or of one backend, do to a request on its way to a service, and to its answer. */
export interface Edits {
  readonly requestHeaders: readonly HeaderEdit[];
  readonly responseHeaders: readonly HeaderEdit[];
  /** Replaces the host that the service is told. */
  readonly host: string | undefined;
  readonly path: PathEdit | undefined;
  readonly mirrors: readonly Mirror[];
}

export interface Mirror {
  readonly service: string;
  /** Whether the next request is one of those that are copied. */
  isNext(): boolean;
}

/** Where a request goes; `service` is undefined where there is no such backend, and `why` says so to the log. */
export interface Backend {
  readonly service: string | undefined;
  readonly why: string;
  readonly edits: Edits;
}

/** One rule, compiled. */
export interface Rule {
  readonly redirect: RedirectConfig | undefined;
  readonly cors: Cors | undefined;
  /** The next one by weight. */
  choose(): Backend;
  /** For the whole of it; 0: no bound. */
  readonly requestMs: number;
  /** For a try at a backend; 0: no bound. */
  readonly backendMs: number;
}

export function compileRule({ filters, to, timeouts }: RuleConfig): Rule {
  const redirect = filters.find((filter) => "redirect" in filter)?.redirect;
  const cors = filters.find((filter) => "cors" in filter)?.cors;
  return {
    redirect,
    cors: cors && compileCors(cors),
    choose: createChoice(
      to.map((each) => ({ weight: each.weight, to: toBackend(each, filters) })),
      nowhere,
    ),
    requestMs: timeouts.request ?? 0,
    backendMs: timeouts.backend ?? 0,
  };
}

function toBackend(to: BackendConfig, filters: readonly FilterConfig[]): Backend {
  if ("unresolved" in to) return { service: undefined, why: to.unresolved, edits: compileEdits([]) };
  // Rules for models are compiled elsewhere.
  if (!("service" in to)) return nowhere;
  return { service: to.service, why: "", edits: compileEdits([...filters, ...to.filters]) };
}

function compileEdits(filters: readonly FilterConfig[]): Edits {
  const edits = { requestHeaders: [] as HeaderEdit[], responseHeaders: [] as HeaderEdit[], mirrors: [] as Mirror[] };
  let host: string | undefined;
  let path: PathEdit | undefined;
  for (const filter of filters) {
    if ("requestHeaders" in filter) edits.requestHeaders.push(...compileHeaderEdits(filter.requestHeaders));
    else if ("responseHeaders" in filter) edits.responseHeaders.push(...compileHeaderEdits(filter.responseHeaders));
    else if ("mirror" in filter)
      edits.mirrors.push({ service: filter.mirror.service, isNext: createShare(filter.mirror.percent / 100) });
    else if ("rewrite" in filter) {
      host = filter.rewrite.host ?? host;
      path = filter.rewrite.path ?? path;
    }
  }
  return { ...edits, host, path };
}

/** Said where a rule has no backend. */
export const NO_BACKEND = "the rule has no backend";

const nowhere: Backend = { service: undefined, why: NO_BACKEND, edits: compileEdits([]) };

/** True for this share of the calls, from 0 to 1. */
function createShare(share: number): () => boolean {
  let sum = Math.random();
  return () => {
    sum += share;
    // What three tenths add up to is a little less than it should be.
    if (sum < 1 - 1e-9) return false;
    sum -= 1;
    return true;
  };
}

/** The fractional part of the golden ratio: its multiples fall evenly, however many there are and whatever the weights. */
const STEP = 0.618_033_988_749_894_9;

/** Gives each its share, in turn; `none` where nobody has any. */
export function createChoice<T>(weighted: readonly { readonly weight: number; readonly to: T }[], none: T): () => T {
  const shares = weighted.filter(({ weight }) => weight > 0);
  const [first] = shares;
  if (first === undefined) return () => none;
  if (shares.length === 1) return () => first.to;
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  // Not always at the same place: with a configuration that is reloaded all the time a small share would never have its turn.
  let position = Math.random();
  return () => {
    position = (position + STEP) % 1;
    let left = position * total;
    for (const { weight, to } of shares) {
      left -= weight;
      if (left < 0) return to;
    }
    return first.to;
  };
}
