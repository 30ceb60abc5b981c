import { z } from "zod";
import { GatewayError } from "../core/errors.ts";
import type { Guard, OutputGuard } from "./guard.ts";

/** The option `status` of a guard. */
export const status = z
  .int()
  .min(400, "400 at least: clients take anything less for an answer, without one in it")
  .max(599)
  .optional()
  .meta({
    description:
      "The HTTP status of what it rejects, of a model's callers, while no answer has begun; 403 when absent. The body is an error all the same. MCP and A2A have a form of their own for it.",
    examples: [400],
  });

/** The same guard, whose rejections have this HTTP status. */
export function withStatus({ input, output }: Guard, status: number): Guard {
  return {
    ...(input && {
      async input(request) {
        const verdict = await input(request);
        return verdict.pass ? verdict : { ...verdict, status };
      },
    }),
    ...(output && {
      output(request) {
        const watching = output(request);
        return watching && watchWithStatus(watching, status);
      },
    }),
  };
}

function watchWithStatus(watching: OutputGuard, status: number): OutputGuard {
  const told = async (look: () => string | Promise<string>): Promise<string> => {
    try {
      return await look();
    } catch (thrown) {
      if (!(thrown instanceof GatewayError) || thrown.kind !== "denied") throw thrown;
      throw new GatewayError("denied", thrown.message, { cause: thrown.cause, httpStatus: status });
    }
  };
  return {
    ...(watching.restores && { restores: true }),
    push: (slot) => told(() => watching.push(slot)),
    end: (channel) => told(() => watching.end(channel)),
  };
}
