import type { JsonBody } from "../../core/exchange.ts";
import { locateMember } from "../../http/json-locate.ts";
import { hashText, toBlockChain, type BlockChain } from "../picker/block-chain.ts";

/* What a server's prompt is made of, in the order in which it begins: tools and a system prompt stand before the conversation. */
const parts = ["tools", "system", "messages", "prompt", "input"] as const;

const none = Buffer.alloc(0);

/**
 * The bytes of a request that a model reads, as its caller wrote them. Everything else, such as the temperature, changes nothing in what a
 * server has cached, wherever it stands in the request. Cost: one pass over the bytes for each part that is there.
 */
export function promptBytes({ bytes, value }: JsonBody): Buffer {
  const found: Buffer[] = [];
  for (const part of parts) {
    if ((value as Readonly<Record<string, unknown>>)[part] === undefined) continue;
    const range = locateMember(bytes, part).value;
    if (range !== undefined) found.push(bytes.subarray(range.start, range.end));
  }
  return found.length === 1 ? found[0]! : found.length === 0 ? none : Buffer.concat(found);
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
