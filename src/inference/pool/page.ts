import { isMarkedAsUntransferable } from "node:worker_threads";
import type { UpstreamResponse } from "../../http/upstream.ts";

/**
 * What `use` makes of a whole body, which it must not keep: its memory is gone afterwards. Undefined for one beyond `limitBytes`. V8 collects everything
 * when so much memory outside of its heap has been left to it, and with 200 pages of 7 kB a second that was every 6 s, a third of all that scraping cost.
 */
export async function readPage<T>(
  response: UpstreamResponse,
  limitBytes: number,
  use: (page: Buffer) => T,
): Promise<T | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > limitBytes) {
        response.cancel();
        return undefined;
      }
    }
    if (chunks.length !== 1) chunks.push(Buffer.concat(chunks));
    return use(chunks.at(-1)!);
  } finally {
    for (const chunk of chunks) free(chunk);
  }
}

function free({ buffer }: Buffer): void {
  // Several chunks may lie in one; small ones lie in the pool that Node shares among all.
  if (!(buffer instanceof ArrayBuffer) || buffer.detached || isMarkedAsUntransferable(buffer)) return;
  buffer.transfer(0);
}
