import type { JsonEdit } from "../core/json-edit.ts";
import { isObject, type RpcRequest } from "./rpc-request.ts";

/**
 * Where the gateway's token of a hand-off stands in the metadata of a message: for agents that lose the trace context but keep what
 * came with the message.
 */
export const chainTokenKey = "sallyport.chain";

/** Puts the token of this hand-off into a message, in the place of one it came with; undefined takes that one out. */
export function chainTokenEdits({ message }: RpcRequest, token: string | undefined): readonly JsonEdit[] {
  const path = ["params", "message", "metadata"];
  const { metadata } = message;
  if (token === undefined) {
    const has = isObject(metadata) && Object.hasOwn(metadata, chainTokenKey);
    return has ? [{ path: [...path, chainTokenKey], json: undefined }] : [];
  }
  if (metadata === undefined || isObject(metadata))
    return [{ path: [...path, chainTokenKey], json: JSON.stringify(token) }];
  /* Null is nobody's metadata; anything else is the caller's mistake, for the agent to say. */
  return metadata === null ? [{ path, json: JSON.stringify({ [chainTokenKey]: token }) }] : [];
}
