import type { z } from "zod";
import type { ConfigPath } from "../../core/config-problem.ts";
import type { Manifest } from "../manifest.ts";

/** A rule of the CRD's own, in CEL over `self`. */
export interface KindRule {
  /** Where `self` is, from the top of the object: `spec.rules[].filters[]`. */
  readonly path: string;
  readonly rule: string;
  /** As the CRD has it. */
  readonly message: string;
}

/** Something about a part of an object; the path starts at the top of the object. */
export interface Remark {
  readonly path: ConfigPath;
  readonly message: string;
}

/** A kind of Kubernetes object that is read. `S`: what its schema gives. */
export interface Kind<S> {
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  /** The newest first; all of them have the same fields, or `mend` sees to it. */
  readonly versions: readonly string[];
  readonly scope: "Namespaced" | "Cluster";
  /** What its objects are called: a subdomain (RFC 1123), or one label of it. */
  readonly named: "subdomain" | "label";
  /** `spec`: the schema is of that. `object`: of the whole, for kinds that have none. */
  readonly reads: "spec" | "object";
  /** With the CRD's defaults. Strict where the CRD is, so that a field nobody reads is found by its path. */
  readonly schema: z.ZodType<S>;
  /** Run after the defaults, as an API server does. */
  readonly rules: readonly KindRule[];
  /** Fields that this gateway knows of and does not honour, by their path (`spec.rules[].retry`), and why. */
  readonly unsupported: Readonly<Record<string, string>>;
  /** Turns other ways of writing into the one of the schema. */
  readonly mend: ((value: unknown, manifest: Manifest) => Mended) | undefined;
  /** What the CRD says beside the schema, where it is this gateway's own. */
  readonly own: OwnCrd | undefined;
}

/** What `kubectl` shows of a kind of our own. */
export interface OwnCrd {
  readonly description: string;
  readonly shortNames: readonly string[];
  readonly columns: readonly { readonly name: string; readonly jsonPath: string }[];
  /** Whether its objects are served at a path, which their status tells. */
  readonly served?: boolean;
}

export interface Mended {
  readonly value: unknown;
  readonly warnings: readonly Remark[];
}

type Optional = "scope" | "named" | "reads" | "rules" | "unsupported" | "mend" | "own";

/** Declares a kind: namespaced, with a `spec` and somebody else's, unless said. */
export function defineKind<S>(kind: Omit<Kind<S>, Optional> & Partial<Pick<Kind<S>, Optional>>): Kind<S> {
  return {
    scope: "Namespaced",
    named: "subdomain",
    reads: "spec",
    rules: [],
    unsupported: {},
    mend: undefined,
    own: undefined,
    ...kind,
  };
}
