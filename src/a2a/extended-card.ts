import type { AgentCall } from "./agent-call.ts";
import { splice } from "../http/json-splice.ts";
import { A2aError } from "./a2a-error.ts";
import type { Agents } from "./agents.ts";
import { relayCall } from "./relay-call.ts";
import { isObject } from "./rpc-request.ts";

/** Passes on an agent's extended card with the gateway's addresses in it, in the pure shape of the version asked in. */
export async function relayExtendedCard(call: AgentCall, agents: Agents): Promise<void> {
  const card = await call.agent.card();
  const capabilities = isObject(card.value.capabilities) ? card.value.capabilities : {};
  if (capabilities.extendedAgentCard !== true && card.value.supportsAuthenticatedExtendedCard !== true)
    throw notOffered(call);
  await relayCall(call, ({ bytes, value }) => {
    if (!isObject(value.result)) return bytes;
    const result = agents.publicCard(
      call.agent,
      { value: value.result, interfaces: card.interfaces },
      call.request.version,
    );
    return splice(bytes, [{ path: ["result"], json: JSON.stringify(result) }]);
  });
}

/** 1.0 tells an agent without the capability from one without the card (section 3.3.4); 0.3 has the latter code alone. */
function notOffered({ request }: AgentCall): A2aError {
  const message = "This agent has no extended card.";
  return request.version === "1.0"
    ? new A2aError("UNSUPPORTED_OPERATION", message)
    : new A2aError("EXTENDED_AGENT_CARD_NOT_CONFIGURED", message);
}
