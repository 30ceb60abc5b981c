import type { JsonBody } from "../../core/exchange.ts";
import { GatewayError } from "../../core/errors.ts";
import type { JsonEdit } from "../../core/json-edit.ts";
import { splice } from "../../http/json-splice.ts";
import type { Model } from "../catalog.ts";
import type { Dialect } from "../dialects/dialect.ts";
import { toFields } from "../dialects/fields.ts";
import { parseExact } from "../parse-exact.ts";
import { withinStack } from "./within-stack.ts";

export interface Translation {
  readonly bytes: Buffer;
  /** What was asked for and left out. */
  readonly dropped: ReadonlySet<string>;
}

/** The caller's request for a provider of another dialect, with the edits that steps made in it. Throws `invalid_request` for what it cannot take along. */
export function translateRequest(
  body: JsonBody,
  edits: readonly JsonEdit[],
  caller: Dialect,
  provider: Dialect,
  { upstreamName, server }: Model,
): Translation {
  const bytes = edits.length === 0 ? body.bytes : splice(body.bytes, edits);
  return withinStack(
    () => {
      const request = caller.readRequest(toFields(parseExact(bytes.toString("utf8"))));
      const written = provider.writeRequest(request, { model: upstreamName, server });
      return { bytes: Buffer.from(JSON.stringify(written.body)), dropped: written.dropped };
    },
    () => new GatewayError("invalid_request", "The arguments of a call are nested too deeply.", { param: "messages" }),
  );
}
