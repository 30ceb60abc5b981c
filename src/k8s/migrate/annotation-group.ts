import type { Migration } from "./migration.ts";
import type { Outcome } from "./report.ts";

/** What becomes of one annotation, as the documentation says it, and the report where the group's `apply` says nothing else. */
export interface AnnotationMeaning {
  readonly outcome: Outcome;
  readonly text: string;
  /** What a person has to do when it is set. */
  readonly todo?: string;
  /**
   * Set where leaving it out would let in what was kept out: the routes are printed as comments. `host`: nginx took it for the whole host,
   * so those of other Ingresses of the host too.
   */
  readonly withholds?: "ingress" | "host";
}

/** Annotations of Ingress-NGINX that belong together: one file and one entry in `registry.ts` each. */
export interface AnnotationGroup {
  readonly title: string;
  /** By name without the prefix `nginx.ingress.kubernetes.io/`. */
  readonly annotations: Readonly<Record<string, AnnotationMeaning>>;
  /** Translates. Called for every main Ingress, whichever annotations it has: defaults count too. */
  apply?(migration: Migration): void;
}

export function defineAnnotations(group: AnnotationGroup): AnnotationGroup {
  return group;
}

const NOTHING_TO_DO = "nothing to do";

/** Annotations that tune nginx itself: leaving them out changes no answer. */
export const withoutEffect = (because: string): AnnotationMeaning => ({
  outcome: "translated",
  text: `${NOTHING_TO_DO}: ${because}`,
});
