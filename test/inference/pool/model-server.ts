import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A small model server that does what a test tells it to, and counts. */
export class ModelServer {
  port = 0;
  calls = 0;
  scrapes = 0;
  /** The last request it was asked for as it came. */
  body = "";
  metrics = "vllm:num_requests_waiting 0\nvllm:num_requests_running 0\nvllm:kv_cache_usage_perc 0\n";
  /** What it says to a call; by default it answers at once. */
  onCall: (response: ServerResponse) => void = answer;
  onScrape: (response: ServerResponse) => void = (response) => void response.end(this.metrics);
  #server: Server | undefined;

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** On the same port as before where it was started before. */
  async start(host = "127.0.0.1"): Promise<this> {
    const server = createServer((request, response) => {
      if (request.method === "GET") {
        this.scrapes++;
        this.onScrape(response);
        return;
      }
      this.calls++;
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        this.body = Buffer.concat(chunks).toString();
        this.onCall(response);
      });
    });
    server.listen(this.port, host);
    await once(server, "listening");
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
}

export function answer(response: ServerResponse): void {
  const message = { role: "assistant", content: "yes" };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  const usage = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 };
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ id: "c", object: "chat.completion", model: "m", choices, usage }));
}

export function fail(response: ServerResponse): void {
  response.writeHead(500, { "content-type": "application/json" });
  response.end('{"error":{"message":"out of memory"}}');
}
