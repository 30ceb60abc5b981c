import { GatewayError } from "../core/errors.ts";
import { createEventCutter } from "../http/event-cutter.ts";
import type { Cut } from "../http/event-cutter.ts";

/** One block of an event stream with its blank line, byte for byte: an event, or comments alone. */
export interface EventBlock {
  readonly raw: Buffer;
  /** The `data` lines joined; empty for comments. */
  readonly data: string;
}

/**
 * Cuts a body into whole blocks (HTML, "Server-sent events", 9.2.6), so that whatever is written between two of them falls between events.
 * A block beyond `limitBytes` and a body that ends inside a block are errors.
 */
export async function* readEventBlocks(body: AsyncIterable<Buffer>, limitBytes: number): AsyncGenerator<EventBlock> {
  const cutter = createEventCutter(limitBytes);
  for await (const chunk of body) yield* blocksOf(cutter.push(chunk));
  const rest = cutter.rest()?.toString("latin1") ?? "";
  // The second CR may have been the first half of a CRLF that did not come.
  if (/(?:^|[\r\n])\r$/.test(rest)) yield* blocksOf(cutter.flush());
  else if (rest.trim() !== "")
    throw new GatewayError("upstream_truncated", "The agent's stream broke off inside an event.");
}

function* blocksOf(cut: Cut | undefined): Generator<EventBlock> {
  for (const { start, end, data = "" } of cut?.events ?? []) yield { raw: cut!.bytes.subarray(start, end), data };
}
