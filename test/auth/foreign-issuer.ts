import { GatewayError } from "../../src/core/errors.ts";
import { startAuth, testClock, type Started } from "./start-auth.ts";
import { startStaticIssuer, type StaticIssuer } from "./static-issuer.ts";

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A gateway that trusts one independent issuer. */
export async function start(config: Record<string, unknown> = {}): Promise<{ gateway: Started; issuer: StaticIssuer }> {
  const clock = testClock();
  const issuer = await startStaticIssuer(clock.now);
  const gateway = await startAuth({ config: { issuers: [issuer.url], ...config }, clock });
  return { gateway, issuer };
}

/** The error an attempt ends in; throws when it succeeds. */
export async function refusal(attempt: () => unknown): Promise<GatewayError> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("was let in");
}
