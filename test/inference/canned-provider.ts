import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** What a canned provider says next. */
export interface Canned {
  readonly status?: number;
  readonly contentType: string;
  readonly body: string;
}

export interface CannedProvider {
  readonly url: string;
  /** What it says to every request from now on. */
  next: Canned;
  /** The last request as it came. */
  readonly seen: { path: string; headers: IncomingHttpHeaders; body: string };
  close(): Promise<void>;
}

/** A provider that says what the test tells it to, and remembers what it was asked. */
export async function startCannedProvider(): Promise<CannedProvider> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      provider.seen.path = request.url ?? "";
      provider.seen.headers = request.headers;
      provider.seen.body = Buffer.concat(chunks).toString();
      const { status = 200, contentType, body } = provider.next;
      response.writeHead(status, { "content-type": contentType }).end(body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const provider: CannedProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: { contentType: "application/json", body: "{}" },
    seen: { path: "", headers: {}, body: "" },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return provider;
}
