/* The floor: the least a proxy on `node:http` and undici's dispatch can do and still have read both bodies. Runs as a process of its own. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent } from "undici";
import type { Dispatcher } from "undici";

const upstream = new URL(process.argv[2] ?? "");
/** Paths that differ on the two sides, as JSON. */
const paths = JSON.parse(process.argv[3] ?? "{}") as Readonly<Record<string, string>>;
const agent = new Agent({ connections: 1_024, pipelining: 1 });

class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;
  #whole: Buffer[] | undefined;
  #status = 0;
  #type = "";
  constructor(response: ServerResponse) {
    this.#response = response;
  }
  onRequestStart(): void {}
  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    this.#type = String(headers["content-type"] ?? "");
    if (this.#type.startsWith("text/event-stream")) this.#response.writeHead(status, { "content-type": this.#type });
    else this.#whole = [];
  }
  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#whole !== undefined) return void this.#whole.push(chunk);
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once("drain", () => controller.resume());
  }
  onResponseEnd(): void {
    if (this.#whole === undefined) return void this.#response.end();
    const body = this.#whole.length === 1 && this.#whole[0] !== undefined ? this.#whole[0] : Buffer.concat(this.#whole);
    JSON.parse(body.toString("utf8"));
    this.#response.writeHead(this.#status, { "content-type": this.#type, "content-length": body.length }).end(body);
  }
  onResponseError(): void {
    if (this.#response.headersSent) this.#response.destroy();
    else this.#response.writeHead(502).end();
  }
}

function pass(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  JSON.parse(body.toString("utf8"));
  const path = request.url ?? "/";
  agent.dispatch(
    {
      origin: upstream.origin,
      path: paths[path] ?? path,
      method: "POST",
      headers: ["content-type", "application/json", "accept", request.headers.accept ?? "application/json"],
      body,
    },
    new Relay(response),
  );
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (data: Buffer) => chunks.push(data));
  request.on("end", () =>
    pass(request, chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks), response),
  );
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () =>
  console.log(JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })),
);
/* An orderly end, so that a CPU profile is written. */
process.once("SIGTERM", () => process.exit());
