import { type AnnotationMeaning, defineAnnotations } from "../annotation-group.ts";

const limit = (text: string, example: string): AnnotationMeaning => ({
  outcome: "not translated",
  text: `${text}; no standard kind limits requests`,
  todo: `for AI traffic write a budget in sallyport.yaml, such as ${example}: counted over all replicas and answered with 429, where nginx counted in each replica and answered 503. For other services limit in front of the gateway, or in the service`,
});

const goesWith = (what: string): AnnotationMeaning => ({
  outcome: "not translated",
  text: `it belongs to ${what}, which no standard kind has`,
  todo: `see ${what}`,
});

export const limits = defineAnnotations({
  title: "Rate limits",
  annotations: {
    "limit-rps": limit(
      "requests a second of one address",
      '{name: rate, per: request.ip, limits: ["10 requests/second"]}',
    ),
    "limit-rpm": limit(
      "requests a minute of one address",
      '{name: rate, per: request.ip, limits: ["600 requests/minute"]}',
    ),
    "limit-connections": limit(
      "connections of one address at a time",
      '{name: width, per: request.ip, limits: ["10 concurrent calls"]}',
    ),
    "limit-burst-multiplier": goesWith("limit-rps and limit-rpm"),
    "limit-whitelist": goesWith("limit-rps, limit-rpm and limit-connections"),
    "limit-allowlist": goesWith("limit-rps, limit-rpm and limit-connections"),
    "limit-rate": {
      outcome: "not translated",
      text: "bytes a second of an answer: neither a standard kind nor this gateway slows answers",
      todo: "slow them in the service, or in front of the gateway",
    },
    "limit-rate-after": goesWith("limit-rate"),
  },
});
