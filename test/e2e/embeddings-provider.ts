import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A server of `/v1/embeddings` that knows what words mean the same, and does what the test says. */
export interface EmbeddingsProvider {
  readonly url: string;
  /** The bodies it was sent. */
  readonly asked: readonly Readonly<Record<string, unknown>>[];
  behaviour: "answers" | "hangs" | "fails" | "lies";
  dimensions: number;
  close(): Promise<void>;
}

/* Words of one line are one to it; the place of a line is its dimension. */
const meanings = [
  ["fix", "repair", "mend"],
  ["flat", "punctured"],
  ["tyre", "tire"],
  ["bicycle", "bike"],
  ["paint", "coat"],
];

export async function startEmbeddingsProvider(): Promise<EmbeddingsProvider> {
  const asked: Readonly<Record<string, unknown>>[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Readonly<Record<string, unknown>>;
      asked.push(body);
      answer(body, response);
    });
  });

  function answer({ input, encoding_format: encoding }: Readonly<Record<string, unknown>>, response: ServerResponse) {
    if (provider.behaviour === "hangs") return;
    if (provider.behaviour === "fails") {
      response.writeHead(500, { "content-type": "application/json" }).end('{"error":{"message":"out of memory"}}');
      return;
    }
    const numbers = Array.from({ length: provider.dimensions }, () => 0);
    for (const word of String(input).toLowerCase().match(/\w+/g) ?? []) {
      const at = meanings.findIndex((line) => line.includes(word));
      if (at >= 0) numbers[at] = (numbers[at] ?? 0) + 3;
    }
    const vector = Float32Array.from(numbers);
    const embedding = encoding === "base64" ? Buffer.from(vector.buffer).toString("base64") : numbers;
    const data =
      provider.behaviour === "lies" ? [{ embedding: ["a"] }] : [{ object: "embedding", index: 0, embedding }];
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ object: "list", data, usage: { prompt_tokens: 7, total_tokens: 7 } }));
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const provider: EmbeddingsProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    behaviour: "answers",
    dimensions: 8,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return provider;
}
