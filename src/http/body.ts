import type { IncomingMessage } from "node:http";
import { GatewayError } from "../core/errors.ts";

/** Memory for request bodies, shared by all requests of a process. */
export interface BufferBudget {
  readonly usedBytes: number;
  /** False, and nothing reserved, when it does not fit. */
  reserve(bytes: number): boolean;
  release(bytes: number): void;
}

export function createBufferBudget(limitBytes: number): BufferBudget {
  let used = 0;
  return {
    get usedBytes() {
      return used;
    },
    reserve(bytes) {
      if (used + bytes > limitBytes) return false;
      used += bytes;
      return true;
    },
    release(bytes) {
      used -= bytes;
    },
  };
}

/** Throws `unsupported_media` unless the body is plain (and, where asked, JSON). No encoded body is taken: it can be 600,000 times what it looks like. */
export function checkMedia(headers: Readonly<Record<string, string>>, json: boolean): void {
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new GatewayError(
      "unsupported_media",
      "Compressed request bodies are not accepted: send it without Content-Encoding.",
      {
        headers: { "accept-encoding": "identity" },
      },
    );
  }
  if (json && !/^application\/(?:[\w.-]+\+)?json[\t ]*(?:;|$)/i.test(headers["content-type"] ?? "")) {
    throw new GatewayError("unsupported_media", "The body must come with Content-Type: application/json.");
  }
}

export interface BodyOptions {
  /** From Content-Length; -1 when there is none. */
  readonly announcedBytes: number;
  readonly limitBytes: number;
  /** For the whole body to arrive. */
  readonly timeoutMs: number;
  /** Called before bytes are kept; false: there is no room. */
  readonly reserve: (bytes: number) => boolean;
}

export interface BodyReading {
  readonly body: Promise<Buffer>;
  /** Ends the reading with an error: the parser gave up, or the request was aborted. */
  fail(error: GatewayError): void;
}

const empty = Buffer.alloc(0);

/** Reads a request's body within its limits. The caller gives back what was reserved when the exchange ends. */
export function readBody(req: IncomingMessage, options: BodyOptions): BodyReading {
  const { limitBytes, announcedBytes, reserve } = options;
  const tooLarge = () => new GatewayError("too_large", `The body may have ${limitBytes} bytes.`);
  let fail: (error: GatewayError) => void = () => {};
  const body = new Promise<Buffer>((resolve, reject) => {
    let first: Buffer | undefined;
    let rest: Buffer[] | undefined;
    let whole: Buffer | undefined;
    let length = 0;
    const timer = setTimeout(() => {
      fail(new GatewayError("request_timeout", `The body did not arrive within ${options.timeoutMs} ms.`));
    }, options.timeoutMs);
    const stop = () => {
      clearTimeout(timer);
      req.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
    };
    const onData = (chunk: Buffer) => {
      if (length + chunk.length > limitBytes) return fail(tooLarge());
      if (!reserve(chunk.length)) {
        const headers = { "retry-after": "1" };
        return fail(
          new GatewayError("overloaded", "The gateway has no memory left for this body: try again.", { headers }),
        );
      }
      if (first === undefined) first = chunk;
      else if (announcedBytes >= 0) {
        // One copy into place. Pages that are never filled cost nothing.
        whole ??= startWhole(first, announcedBytes);
        chunk.copy(whole, length);
      } else (rest ??= [first]).push(chunk);
      length += chunk.length;
    };
    const onEnd = () => {
      stop();
      resolve(whole ?? (rest === undefined ? (first ?? empty) : Buffer.concat(rest, length)));
    };
    const onClose = () => fail(new GatewayError("cancelled", "The caller went away."));
    fail = (error) => {
      stop();
      req.pause();
      reject(error);
    };
    if (announcedBytes > limitBytes) return fail(tooLarge());
    req.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
  });
  return { body, fail: (error) => fail(error) };
}

function startWhole(first: Buffer, size: number): Buffer {
  const whole = Buffer.allocUnsafeSlow(size);
  first.copy(whole);
  return whole;
}
