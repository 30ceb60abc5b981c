import { z } from "zod";

const count = (fallback: number, description: string) =>
  z
    .int()
    .min(1)
    .default(fallback)
    .meta({ description, examples: [fallback] });

/** The gateway's own part of the configuration: what one process takes on. */
export const gatewayConfig = {
  admission: z
    .strictObject({
      operations: count(10_000, "Most operations under way in one process."),
      perPrincipal: count(1_000, "Most operations under way of one principal."),
      hops: count(8, "Most handoffs between agents in one chain."),
    })
    .prefault({})
    .meta({ description: "What one process takes on before it refuses.", examples: [{ operations: 5_000 }] }),
};
