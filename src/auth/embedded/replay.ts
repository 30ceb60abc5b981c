import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { GatewayError } from "../../core/errors.ts";

/** The whole body; GatewayError("too_large") beyond `limitBytes`. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  if (Number(request.headers["content-length"] ?? 0) > limitBytes)
    throw new GatewayError("too_large", `At most ${limitBytes} bytes are accepted here.`);
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) throw new GatewayError("too_large", `At most ${limitBytes} bytes are accepted here.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** The same request with another body, for a handler that reads the body itself: the provider refuses to be handed a parsed one quietly. */
export function withBody(request: IncomingMessage, body: Buffer): IncomingMessage {
  const { "transfer-encoding": _encoding, ...headers } = request.headers;
  const source = Readable.from([body]);
  return Object.create(request, {
    headers: { value: { ...headers, "content-length": String(body.length) } },
    readable: { value: true },
    readableEncoding: { value: null },
    iterator: { value: () => source.iterator({ destroyOnReturn: false }) },
  }) as IncomingMessage;
}
