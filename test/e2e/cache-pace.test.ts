import { request } from "node:http";
import { expect, test } from "vitest";
import { ask, startCacheScene } from "./cache-scene.ts";
import { type Behaviour, startProvider } from "./fallback-scene.ts";

/* More than the buffers of a connection on one machine take. */
const EVENTS = 1_000;
const words = "word ".repeat(3_000);
const event = (delta: object, finish: string | null) =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

const longStream: Behaviour = (response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (let count = 0; count < EVENTS; count++) response.write(event({ content: words }, null));
  response.end(`${event({}, "stop")}data: [DONE]\n\n`);
};

test("a stored stream goes to a slow reader at its pace, and to one that leaves no further", async () => {
  const provider = await startProvider(longStream);
  const scene = await startCacheScene({
    models: `{small: {provider: vllm, url: "${provider.url}"}}`,
    cache: "{entry: 32MiB}",
  });
  const inFlight = () => scene.gateway.foundation.inFlight.count;
  const question = ask("Tell me everything.", { stream: true });
  try {
    const whole = await (await scene.send("chat/completions", question)).text();
    expect(whole.length).toBeGreaterThan(8_000_000);
    const read = await slowly(scene.url, question, async (pause) => {
      await pause(500);
      /* The rest waits in the cache. */
      expect(inFlight()).toBe(1);
    });
    expect(read).toBe(whole);
    expect(provider.calls).toBe(1);
    await expect.poll(inFlight).toBe(0);
    await expect(
      slowly(scene.url, question, async (pause, leave) => {
        await pause(100);
        leave();
      }),
    ).rejects.toThrow();
    await expect.poll(inFlight).toBe(0);
    expect((await scene.journal())[0]).toMatchObject({ outcome: "aborted", costNanos: 0 });
  } finally {
    await scene.close();
    await provider.close();
  }
}, 60_000);

/** Reads nothing until `before` is done. */
async function slowly(
  url: string,
  body: object,
  before: (pause: (ms: number) => Promise<void>, leave: () => void) => Promise<void>,
): Promise<string> {
  const headers = { "content-type": "application/json", authorization: `Bearer sp_ada_${"k".repeat(40)}` };
  const call = request(`${url}/v1/chat/completions`, { method: "POST", headers });
  call.end(JSON.stringify(body));
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    call.once("error", reject);
    call.once("response", (response) => {
      response.once("error", reject);
      response.pause();
      const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
      before(pause, () => call.destroy(new Error("left"))).then(() => {
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("end", () => resolve(Buffer.concat(chunks).toString()));
        response.resume();
      }, reject);
    });
  });
}
