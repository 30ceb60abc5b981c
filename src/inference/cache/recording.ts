import type { UpstreamResponse } from "../../http/upstream.ts";
import type { CallKind, DialectName } from "../model-call.ts";
import type { StoredAnswer } from "./answer-cache.ts";
import { forbidsStoring } from "./cache-control.ts";
import { missed } from "./cache-status.ts";
import { isStorable } from "./storable.ts";

/** What an answer is known by beside its bytes. */
export interface RecordedFrom {
  /** The model that gives it, and its wire format. */
  readonly candidate: string;
  readonly dialect: DialectName;
  /** Those the caller is told beside the provider's own; `cache-status` is added when it is known. */
  readonly headers: Record<string, string>;
}

export interface RecordingOptions {
  readonly kind: CallKind;
  readonly stream: boolean;
  readonly limitBytes: number;
}

/** Takes a copy of an answer on its way from the provider to the relay. */
export class Recording {
  readonly #options: RecordingOptions;
  #from: RecordedFrom | undefined;
  #contentType = "";
  #chunks: Buffer[] = [];
  #sizeBytes = 0;
  #storable: boolean | undefined;

  constructor(options: RecordingOptions) {
    this.#options = options;
  }

  /** The response to relay in place of this one. What another candidate had begun to say is forgotten. */
  tap(response: UpstreamResponse, from: RecordedFrom): UpstreamResponse {
    from.headers["cache-status"] = missed(false);
    this.#drop();
    if (forbidsStoring(response.headers["cache-control"])) return response;
    this.#from = from;
    this.#contentType = response.headers["content-type"] ?? "application/json";
    return {
      status: response.status,
      headers: response.headers,
      body: this.#copy(response.body),
      bytes: async (limitBytes) => {
        const bytes = await response.bytes(limitBytes);
        this.#take(bytes);
        if (this.#isStorable()) from.headers["cache-status"] = missed(true);
        return bytes;
      },
      discard: () => response.discard(),
      cancel: () => response.cancel(),
    };
  }

  /** What may be kept of it; undefined for what may not. */
  finish(): Pick<StoredAnswer, "dialect" | "contentType" | "bytes" | "headers" | "candidate"> | undefined {
    if (this.#from === undefined || !this.#isStorable()) return undefined;
    const { "cache-status": _, ...headers } = this.#from.headers;
    const { candidate, dialect } = this.#from;
    /* A copy of its own: chunks are parts of larger buffers, which would live as long. */
    const bytes = Buffer.allocUnsafeSlow(this.#sizeBytes);
    let at = 0;
    for (const chunk of this.#chunks) at += chunk.copy(bytes, at);
    return { dialect, contentType: this.#contentType, bytes, headers, candidate };
  }

  async *#copy(body: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of body) {
      this.#take(chunk);
      yield chunk;
    }
  }

  #take(chunk: Buffer): void {
    if (this.#from === undefined) return;
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#options.limitBytes) return this.#drop();
    this.#chunks.push(chunk);
  }

  #drop(): void {
    this.#from = undefined;
    this.#chunks = [];
    this.#sizeBytes = 0;
    this.#storable = undefined;
  }

  #isStorable(): boolean {
    if (this.#from === undefined) return false;
    const { kind, stream } = this.#options;
    const whole = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    return (this.#storable ??= isStorable({ dialect: this.#from.dialect, kind, stream }, whole));
  }
}
