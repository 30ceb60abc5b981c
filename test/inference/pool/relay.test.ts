import { createServer, type AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "../../../models/simulator/simulator.ts";
import { inferenceConfig } from "../../../src/inference/config.ts";
import { z } from "zod";
import { freePort } from "../../free-port.ts";
import { startHarness, type Harness } from "../harness.ts";

const schema = z.strictObject(inferenceConfig);
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function startServers(count: number): Promise<readonly Simulator[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => startSimulator({ port: 0, model: "llama-3-8b" })),
  );
  closing.push(...servers.map((server) => () => server.close()));
  return servers;
}

async function startGateway(endpoints: readonly string[], more: object = {}): Promise<Harness> {
  const config = schema.parse({
    models: { llama: { pool: "local", model: "llama-3-8b" } },
    pools: { local: { engine: "vllm", endpoints, ...more } },
  });
  const harness = await startHarness({ config });
  closing.push(() => harness.close());
  return harness;
}

/** An address where nobody listens. */
async function freeAddress(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}

const ask = ({ url }: Harness, text: string, headers: Readonly<Record<string, string>> = {}, more: object = {}) =>
  fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "llama", messages: [{ role: "user", content: text }], ...more }),
  });

interface PickHeader {
  readonly pool: string;
  readonly picked: string;
  readonly endpoints: readonly { readonly name: string; readonly cachedTokens: number; readonly filteredBy?: string }[];
}
const pickOf = (response: Response) =>
  JSON.parse(response.headers.get("x-sallyport-pick") ?? "null") as PickHeader | null;

const long = (seed: string) => `${seed} `.repeat(400);

describe("a model of a pool", () => {
  it("is answered by its servers, a prompt that begins the same by the same one", async () => {
    const servers = await startServers(3);
    const gateway = await startGateway(servers.map(({ url }) => url));
    const picked: string[] = [];
    for (const question of ["one", "two", "three", "four"]) {
      const response = await ask(gateway, long("the same beginning") + question, { "x-sallyport-explain": "1" });
      expect(response.status).toBe(200);
      await response.text();
      picked.push(pickOf(response)!.picked);
    }
    expect(new Set(picked).size).toBe(1);
  });

  it("spreads what has nothing in common", async () => {
    const servers = await startServers(3);
    const gateway = await startGateway(servers.map(({ url }) => url));
    const picked = new Set<string>();
    for (let count = 0; count < 24; count++) {
      const response = await ask(gateway, long(`beginning ${count}`), { "x-sallyport-explain": "1" });
      await response.text();
      picked.add(pickOf(response)!.picked);
    }
    expect([...picked].toSorted()).toEqual(["local-0", "local-1", "local-2"]);
  });

  it("says every endpoint of the pick to a caller who asks, by names that are no addresses, and to the journal always", async () => {
    const servers = await startServers(2);
    const gateway = await startGateway(servers.map(({ url }) => url));
    await (await ask(gateway, long("beginning"))).text();
    const response = await ask(gateway, long("beginning"), { "x-sallyport-explain": "1" });
    await response.text();
    const pick = pickOf(response)!;
    expect(pick.pool).toBe("local");
    expect(pick.endpoints.map(({ name }) => name).toSorted()).toEqual(["local-0", "local-1"]);
    expect(pick.endpoints.find(({ name }) => name === pick.picked)?.cachedTokens).toBeGreaterThan(900);
    expect(response.headers.get("x-sallyport-pick")).not.toContain("127.0.0.1");
    expect((await ask(gateway, "x")).headers.get("x-sallyport-pick")).toBeNull();
    for (const { context } of gateway.carried)
      for (const { url } of servers) expect(context.picks?.map((write) => write()).join()).toContain(new URL(url).host);
  });

  it.each(["round-robin", "classic", "sticky-until-saturated"])(
    "tells the journal every score of a pick by %s, as JSON, also where there are none",
    async (pick) => {
      const servers = await startServers(2);
      const gateway = await startGateway(
        servers.map(({ url }) => url),
        { pick },
      );
      await (await ask(gateway, "x")).text();
      const [written] = gateway.carried.flatMap(({ context }) => context.picks?.map((write) => write()) ?? []);
      const { by, of } = JSON.parse(written ?? "") as { by: object; of: [host: string, scores: number[] | string][] };
      expect(of.map(([host]) => host).toSorted()).toEqual(servers.map(({ url }) => new URL(url).host).toSorted());
      for (const [, scores] of of) expect(scores).toHaveLength(Object.keys(by).length);
    },
  );

  it("is sent to another endpoint where one cannot be reached, streams too", async () => {
    const [server] = await startServers(1);
    const gateway = await startGateway([await freeAddress(), server!.url, await freeAddress()]);
    for (let count = 0; count < 12; count++) {
      const response = await ask(gateway, `question ${count}`, {}, { stream: count % 2 === 0 });
      expect(response.status).toBe(200);
      expect(await response.text()).toContain("choices");
    }
  });

  it("answers 503 in the caller's dialect when no endpoint can be reached", async () => {
    const gateway = await startGateway([await freeAddress(), await freeAddress()]);
    const response = await ask(gateway, "x");
    expect(response.status).toBe(503);
    expect(response.headers.get("x-llm-d-request-dropped-reason")).toBe("rejected-no-endpoints");
    expect(await response.json()).toMatchObject({
      error: { type: "overloaded_error", message: expect.stringContaining("`local`") },
    });
    const anthropic = await fetch(`${gateway.url}/messages`, {
      method: "POST",
      headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
      body: JSON.stringify({ model: "llama", max_tokens: 10, messages: [{ role: "user", content: "x" }] }),
    });
    expect(anthropic.status).toBe(503);
    expect(await anthropic.json()).toMatchObject({ type: "error", error: { type: "overloaded_error" } });
  });

  it("is sent once where its server breaks off after it was sent", async () => {
    let asked = 0;
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (data) => {
        if (data.toString("latin1").startsWith("POST")) asked++;
        socket.destroy();
      });
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    closing.push(() => new Promise((resolve) => void server.close(() => resolve())));
    const { port } = server.address() as AddressInfo;
    const address = `http://127.0.0.1:${port}`;
    const gateway = await startGateway([address, address.replace("127.0.0.1", "localhost")]);
    expect((await ask(gateway, "x")).status).toBe(502);
    expect(asked).toBe(1);
  });
});
