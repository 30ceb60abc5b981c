import type { JsonBody } from "../../core/exchange.ts";
import type { OperationContext } from "../../core/step.ts";
import { isFields } from "../dialects/fields.ts";
import type { CacheDemand } from "./cache-control.ts";

/* Members by which a call refers to what its provider keeps, or has it kept. */
const kept = ["store", "previous_response_id", "conversation", "container"] as const;
/* Asks for what the world looks like now. */
const live = ["web_search_options", "search_parameters", "mcp_servers", "plugins"] as const;

/* A call with images of many megabytes: reading all of it once more would hold up everybody for longer than a hit is worth. */
const MOST_BYTES = 4_194_304;

/** Why a call is neither looked up nor kept, in a word for `cache-status`; undefined where it may be. */
export function bypassOf(
  { edits }: Pick<OperationContext, "edits">,
  { isApart }: CacheDemand,
  { bytes, value: body }: JsonBody,
): "no-store" | "edited" | "large" | "state" | "live" | undefined {
  if (isApart) return "no-store";
  if (bytes.length > MOST_BYTES) return "large";
  /* What a guard took out stands for something in this exchange alone. */
  if (edits.length > 0) return "edited";
  if (!isFields(body)) return undefined;
  const asks = (name: string) => body[name] !== undefined && body[name] !== null && body[name] !== false;
  if (kept.some(asks)) return "state";
  return live.some(asks) ? "live" : undefined;
}
