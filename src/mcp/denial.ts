import { errorKinds } from "../core/errors.ts";
import type { GatewayError } from "../core/errors.ts";
import type { Visible } from "../core/step.ts";
import { unknown } from "./aim.ts";
import { isObject } from "./message.ts";
import { itemOperation } from "./operations.ts";
import type { ListKind } from "./operations.ts";
import type { Answer } from "./outlet.ts";
import { Refusal } from "./refusal.ts";
import type { Aim, Call } from "./relay.ts";

const LISTED = { tool: "tools", prompt: "prompts", resource: "resources" } as const satisfies Record<string, ListKind>;

/**
 * What a denial says. Of what the caller may not see: the same as of what does not exist. Of what it sees but may not do this way:
 * a tool's result that says so, for the model to do better, or an error in-band. Other errors stay.
 */
export function denialOf(error: GatewayError, aim: Aim, call: Call, visible: Visible): GatewayError | Answer {
  const { target, tenant, judged } = aim.operation;
  const { message, era } = call;
  if (error.kind !== "denied" || !judged) return error;
  if (target.kind !== "tool" && target.kind !== "prompt" && target.kind !== "resource") return error;
  const server = { name: target.server, tenant };
  const listed = itemOperation(LISTED[target.kind], server, target.name, aim.item?.value ?? {});
  if (!visible(call.exchange, listed)) {
    const ref = message.params["ref"];
    const shown =
      message.params["name"] ?? message.params["uri"] ?? (isObject(ref) ? (ref["name"] ?? ref["uri"]) : undefined);
    return unknown(target.kind, String(shown), era);
  }
  if (message.method !== "tools/call") return new Refusal(200, errorKinds.denied.rpc, error.message);
  const result = {
    content: [{ type: "text", text: error.message }],
    isError: true,
    ...(era === "modern" ? { resultType: "complete" } : {}),
  };
  const body = `{"jsonrpc":"2.0","id":${message.idText},"result":${JSON.stringify(result)}}`;
  return { status: 200, headers: { "content-type": "application/json" }, body };
}
