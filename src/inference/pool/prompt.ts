import type { JsonBody } from "../../core/exchange.ts";
import { locateMember } from "../../http/json-locate.ts";
import { USUAL_IMAGE_TOKENS } from "../demand.ts";
import { hashBytes, hashText, toBlockChain, type BlockChain } from "../picker/block-chain.ts";
import { locateMedia } from "./media.ts";

/* What a server's prompt is made of, in the order in which it begins: tools and a system prompt stand before the conversation. */
const parts = ["tools", "system", "messages", "prompt", "input"] as const;

const none = Buffer.alloc(0);

/* What stands for a picture, a recording or a file: as many bytes as the text of its usual tokens would have. */
const MEDIA_BYTES = USUAL_IMAGE_TOKENS * 4;

/**
 * The bytes of a request that a model reads, as its caller wrote them, but for larger pictures, audio and files, each of which is a digest of
 * as many bytes as its tokens would have: its base64 says nothing of these. Everything else, such as the temperature, changes nothing in what
 * a server has cached, wherever it stands in the request. Cost: one pass over the bytes for each part that is there. `secret`: see `ChainOptions`.
 */
export function promptBytes({ bytes, value }: JsonBody, secret: number): Buffer {
  const found: Buffer[] = [];
  for (const part of parts) {
    const content = (value as Readonly<Record<string, unknown>>)[part];
    if (content === undefined) continue;
    const range = locateMember(bytes, part).value;
    if (range === undefined) continue;
    const written = bytes.subarray(range.start, range.end);
    if (part === "messages" || part === "system") addContent(found, written, content, secret);
    else found.push(written);
  }
  return found.length === 1 ? found[0]! : found.length === 0 ? none : Buffer.concat(found);
}

function addContent(found: Buffer[], bytes: Buffer, content: unknown, secret: number): void {
  let from = 0;
  for (const { start, end } of locateMedia(bytes, content, MEDIA_BYTES)) {
    const digest = hashBytes(bytes.subarray(start, end), secret);
    found.push(bytes.subarray(from, start), Buffer.alloc(MEDIA_BYTES, digest));
    from = end;
  }
  found.push(from === 0 ? bytes : bytes.subarray(from));
}

export interface ChainOptions {
  readonly model: string;
  readonly adapter: string | undefined;
  /** Callers of one tenant share what they know of caches, and those of others see nothing of it. */
  readonly tenant: string;
  /** Of this process: without it a caller could make up a prompt that falls together with another's. */
  readonly secret: number;
}

/** The chain of a prompt. Two prompts share blocks only for the same model, adapter and tenant. */
export function toPromptChain(prompt: Buffer, { model, adapter, tenant, secret }: ChainOptions): BlockChain {
  return toBlockChain(prompt, hashText(`${model}\n${adapter ?? ""}\n${tenant}`, secret));
}
