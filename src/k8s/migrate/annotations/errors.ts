import { defineAnnotations } from "../annotation-group.ts";

export const errors = defineAnnotations({
  title: "Errors",
  annotations: {
    "default-backend": {
      outcome: "not translated",
      text: "a Service for the time when the real one has no pod, and for custom-http-errors: a route has no such second choice",
      todo: "let the gateway answer 503 then, or keep a pod of the service running",
    },
    "custom-http-errors": {
      outcome: "not translated",
      text: "no standard field puts another page in place of an error",
      todo: "have the service answer with its own pages",
    },
    "disable-proxy-intercept-errors": {
      outcome: "translated",
      text: "nothing to do: a gateway passes a service's errors on",
    },
  },
});
