import { type AnnotationMeaning, defineAnnotations } from "../annotation-group.ts";

const sticky: AnnotationMeaning = {
  outcome: "not translated",
  text: "the field for it (sessionPersistence) is experimental, and an API server with the standard channel would drop it in silence",
  todo: "see whether the service keeps anything between two requests of a caller; if it does, write sessionPersistence where the experimental channel is installed",
};

const cookie: AnnotationMeaning = {
  outcome: "not translated",
  text: "it belongs to affinity",
  todo: "see affinity",
};

const hashed: AnnotationMeaning = {
  outcome: "not translated",
  text: "no standard kind chooses a pod by a value of the request",
  todo: "see whether the service keeps anything between two requests; model servers are picked by what they have in memory (docs/pools.md)",
};

export const balancing = defineAnnotations({
  title: "Choice of a pod",
  annotations: {
    affinity: sticky,
    "affinity-mode": cookie,
    "affinity-canary-behavior": cookie,
    "session-cookie-name": cookie,
    "session-cookie-path": cookie,
    "session-cookie-domain": cookie,
    "session-cookie-expires": cookie,
    "session-cookie-max-age": cookie,
    "session-cookie-samesite": cookie,
    "session-cookie-secure": cookie,
    "session-cookie-change-on-failure": cookie,
    "session-cookie-conditional-samesite-none": cookie,
    "upstream-hash-by": hashed,
    "upstream-hash-by-subset": hashed,
    "upstream-hash-by-subset-size": hashed,
    "load-balance": {
      outcome: "approximated",
      text: "the gateway chooses among the pods of a Service by its own rule",
    },
  },
});
