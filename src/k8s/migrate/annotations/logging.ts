import { type AnnotationMeaning, defineAnnotations, withoutEffect } from "../annotation-group.ts";

const global = (what: string): AnnotationMeaning => ({
  outcome: "approximated",
  text: `${what} for the whole gateway, in its own configuration (docs/observability.md)`,
});

export const logging = defineAnnotations({
  title: "Logs and traces",
  annotations: {
    "enable-access-log": global("what is logged is said"),
    "enable-rewrite-log": withoutEffect("there is no nginx to log its rewrites"),
    "enable-opentelemetry": global("traces are switched on"),
    "opentelemetry-operation-name": global("spans are named"),
    "opentelemetry-trust-incoming-span": global("whose traces are continued is decided"),
  },
});
