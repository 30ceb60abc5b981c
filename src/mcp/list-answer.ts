import type { Operate, Visible } from "../core/step.ts";
import { passWhole } from "../core/whole-answer.ts";
import { lists, plainOperation } from "./operations.ts";
import type { ListKind } from "./operations.ts";
import type { Answer } from "./outlet.ts";
import { codes, Refusal } from "./refusal.ts";
import type { Call } from "./relay.ts";
import { SERVER_KEY } from "./revisions.ts";
import type { Entry, RouteView } from "./route-view.ts";
import { gatewayIdentity } from "./upstreams/identity.ts";

/** Large enough that most lists are one page: some clients read only the first. */
const PAGE_ITEMS = 1_000;
const PAGE_BYTES = 8 * 1024 * 1024;
/** What a filtered list may be kept for: policy and servers may change under it. */
const LONGEST_TTL_MS = 30_000;

/** Names servers that could not be asked, in the `_meta` of a list: those the caller sees something of. */
const MISSING_KEY = "sallyport/unavailable";

export interface ListOptions {
  readonly operate: Operate;
  readonly visible: Visible;
}

/** One page of one list of all servers of a route, each item in its server's own spelling, without what the caller may not see. */
export async function listAnswer(
  { operate, visible }: ListOptions,
  call: Call,
  view: RouteView,
  kind: ListKind,
): Promise<Answer> {
  const { exchange, message, era } = call;
  const { method, field } = lists[kind];
  const from = fromCursor(kind, message.params["cursor"]);
  return await operate(
    exchange,
    plainOperation(method, "call"),
    {
      plan: () => [{ name: "catalog" }],
      relay: async (context) => {
        const { entries, missing, ttlMs } = await view.list(kind);
        const named = missing.filter((server) => view.shows(server, (operation) => visible(exchange, operation)));
        const page: Entry[] = [];
        let bytes = 0;
        let at = from;
        for (; at < entries.length && page.length < PAGE_ITEMS && bytes < PAGE_BYTES; at += 1) {
          const entry = entries[at]!;
          if (!visible(exchange, entry.item.operation)) continue;
          page.push(entry);
          bytes += entry.bytes.length;
        }
        const meta = {
          ...(era === "modern" ? { [SERVER_KEY]: gatewayIdentity } : {}),
          ...(named.length === 0 ? {} : { [MISSING_KEY]: named }),
        };
        const tail = [
          ...(at < entries.length ? [`"nextCursor":${JSON.stringify(toCursor(kind, at))}`] : []),
          /* Filtered for one principal, so never to be shared (2026-07-28, caching). */
          ...(era === "modern"
            ? [
                `"resultType":"complete","ttlMs":${missing.length > 0 ? 0 : Math.min(ttlMs, LONGEST_TTL_MS)},"cacheScope":"private"`,
              ]
            : []),
          ...(Object.keys(meta).length === 0 ? [] : [`"_meta":${JSON.stringify(meta)}`]),
        ];
        const body = join(
          `{"jsonrpc":"2.0","id":${message.idText},"result":{"${field}":[`,
          page,
          `]${tail.map((part) => `,${part}`).join("")}}}`,
        );
        const passed = await passWhole(context, body, () => JSON.parse(body.toString("utf8")));
        return { status: 200, headers: { "content-type": "application/json" }, body: passed };
      },
    },
    call.signal,
  );
}

const COMMA = Buffer.from(",");

function join(head: string, page: readonly Entry[], tail: string): Buffer {
  const parts: Buffer[] = [Buffer.from(head)];
  for (const [index, entry] of page.entries()) {
    if (index > 0) parts.push(COMMA);
    parts.push(entry.bytes);
  }
  parts.push(Buffer.from(tail));
  return Buffer.concat(parts);
}

/* A place in the unfiltered list. It opens nothing: every item is judged again on its page. */
const toCursor = (kind: ListKind, at: number): string => Buffer.from(`${kind}:${at}`).toString("base64url");

function fromCursor(kind: ListKind, cursor: unknown): number {
  if (cursor === undefined) return 0;
  const match =
    typeof cursor === "string" ? /^(\w+):(\d{1,9})$/.exec(Buffer.from(cursor, "base64url").toString("latin1")) : null;
  if (match?.[1] !== kind)
    throw new Refusal(200, codes.invalidParams, "This cursor is not one of this list: start again without a cursor.");
  return Number(match[2]);
}
