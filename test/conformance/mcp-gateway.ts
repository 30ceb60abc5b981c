import { startHarness } from "../mcp/harness.ts";

/** A gateway with this `mcp` branch and nothing to forbid. */
export async function startMcpGateway(
  mcp: unknown,
): Promise<{ readonly origin: string; readonly close: () => Promise<void> }> {
  const harness = await startHarness({ mcp });
  return { origin: harness.url("/").origin, close: harness.close };
}
