import { onTestFinished } from "vitest";
import { z } from "zod";
import { inferenceConfig } from "../../../src/inference/config.ts";
import { startHarness, type Harness } from "../harness.ts";
import { ModelServer } from "./model-server.ts";

const schema = z.strictObject(inferenceConfig);

export async function startServers(count: number): Promise<ModelServer[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => new ModelServer().start()));
  onTestFinished(async () => {
    for (const server of servers) await server.stop();
  });
  return servers;
}

/** A gateway with one model, `llama`, of one pool, `local`. */
export async function startGateway(
  servers: readonly ModelServer[],
  pool: object = {},
  model: object = {},
): Promise<Harness> {
  const config = schema.parse({
    models: { llama: { pool: "local", model: "llama-3-8b", ...model } },
    pools: {
      local: { engine: "vllm", endpoints: servers.map(({ url }) => url), metrics: { every: "100ms" }, ...pool },
    },
  });
  const harness = await startHarness({ config });
  onTestFinished(() => harness.close());
  return harness;
}

let asked = 0;

/** One call with a prompt of its own, so that no endpoint is nearer than another. Gives its status. */
export async function call({ url }: Harness, text = `question ${++asked}`, headers: object = {}): Promise<number> {
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "llama", messages: [{ role: "user", content: text }] }),
  });
  await response.text();
  return response.status;
}

export async function calls(gateway: Harness, count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let at = 0; at < count; at++) statuses.push(await call(gateway));
  return statuses;
}

/** Waits until something is so, and fails when it never is. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let round = 0; round < 400; round++) {
    if (isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`never: ${what}`);
}
