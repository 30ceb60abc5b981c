import { GatewayError } from "../../core/errors.ts";
import { noteNotSent } from "../relay/candidate-failure.ts";

/* Words of the inference gateways of Kubernetes (llm-d-router), whose clients know them. */
const reasonHeader = "x-llm-d-request-dropped-reason";

const words = {
  "rejected-shed": "The model is busy, and this call is one of those that then make way.",
  "rejected-saturated": "The model is busy, and too many calls wait for it already.",
  "rejected-ttl-expired": "The model was busy for as long as a call may wait.",
  "evicted-priority": "The model is busy, and a call of a higher priority took the place of this one.",
  "evicted-queue-pressure": "The model is busy, and more of your calls wait for it than of others.",
} as const;

/** Errors of calls that no endpoint was asked to answer, and that another model may. */
export const notSent = {
  /** Capacity exists and is contended: another time it may do. */
  dropped: (reason: keyof typeof words): GatewayError =>
    noteNotSent(
      new GatewayError("rate_limited", `${words[reason]} Try again in a moment.`, {
        headers: {
          "retry-after": "1",
          [reasonHeader]: reason === "rejected-shed" ? "rejected-saturated" : reason,
        },
      }),
      "rate_limited",
    ),
  /** There is no capacity. */
  noEndpoint: (pool: string, tried: boolean): GatewayError =>
    noteNotSent(
      new GatewayError("overloaded", `No endpoint of the pool \`${pool}\` ${tried ? "can be reached" : "is well"}.`, {
        headers: { [reasonHeader]: "rejected-no-endpoints" },
      }),
      "unreachable",
    ),
};
